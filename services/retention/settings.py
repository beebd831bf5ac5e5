"""How long things are kept."""

from pydantic import BaseModel, Field


class RetentionSettings(BaseModel):
    """Days after the end of a call, or after a text message; 0 keeps for ever.

    What was left for the owner is kept until he deletes it.
    """

    recordings_days: int = Field(90, ge=0, le=36500, description="days a recording is kept (0: for ever)")
    calls_days: int = Field(
        0, ge=0, le=36500, description="days a call is kept with all that was said in it (0: for ever)"
    )
    texts_days: int = Field(0, ge=0, le=36500, description="days a text message is kept (0: for ever)")
