"""Settings of text messages over the modem."""

from pydantic import BaseModel, Field


class SmsSettings(BaseModel):
    """How text messages are received, answered and sent."""

    enabled: bool = Field(default=True, description="Receive and send text messages over the GSM modem.")
    answer: bool = Field(default=True, description="Let the secretary answer text messages.")
    answers_per_hour: int = Field(
        default=10, ge=0, le=1000, description="Answers to one number within an hour; more are left unanswered."
    )
    answer_parts: int = Field(
        default=3, ge=1, le=10, description="Parts (each 153 or 67 characters) an answer may take; it is cut beyond."
    )
    daily_cap: int = Field(
        default=200, ge=0, le=100_000, description="Parts of text messages a line sends within 24 hours."
    )
    reports: bool = Field(default=True, description="Ask the network for delivery reports.")
    part_patience_seconds: float = Field(
        default=900.0, ge=10.0, le=86_400.0, description="How long a long message waits for a missing part."
    )
