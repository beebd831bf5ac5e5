"""How long things are kept."""

from pydantic import BaseModel, Field


class RetentionSettings(BaseModel):
    """Days after the end of a call, or after a text message, a chat, a delivery; 0 keeps for ever.

    What was left for the owner is kept until he deletes it.
    """

    recordings_days: int = Field(90, ge=0, le=36500, description="days a recording is kept (0: for ever)")
    calls_days: int = Field(
        0, ge=0, le=36500, description="days a call is kept with all that was said in it (0: for ever)"
    )
    texts_days: int = Field(0, ge=0, le=36500, description="days a text message is kept (0: for ever)")
    chats_days: int = Field(
        0, ge=0, le=36500, description="days a text chat is kept after its last message (0: for ever)"
    )
    deliveries_days: int = Field(
        30, ge=0, le=36500, description="days it is kept what was told to other programs, or by them (0: for ever)"
    )
    audit_days: int = Field(0, ge=0, le=36500, description="days an entry of the audit log is kept (0: for ever)")
