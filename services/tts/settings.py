"""How the secretary speaks: settings under SECRETARY_TTS__."""

from pydantic import BaseModel, Field, field_validator

import services.tts
from services.discovery import chosen

LATER = ("xtts", "rhvoice", "remote")
"""Engines whose names are settled and whose modules come later: choosing one degrades to the next and says so."""


class TtsSettings(BaseModel):
    """The mouth's settings."""

    engine: str = Field(
        default="auto",
        description="Speech engine (espeak, piper, ...). auto takes the best one that works here; another is used when "
        "this one is missing.",
    )
    first_audio_timeout: float = Field(
        default=3.0,
        gt=0,
        le=60,
        description="Seconds an engine may be silent, before its first sound or inside a sentence, until the next "
        "engine speaks instead.",
    )

    @field_validator("engine")
    @classmethod
    def _known_engine(cls, value: str) -> str:
        return chosen(services.tts, value, LATER)
