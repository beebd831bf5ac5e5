"""How the secretary speaks: settings under SECRETARY_TTS__."""

from typing import Literal

from pydantic import BaseModel, Field


class TtsSettings(BaseModel):
    """The mouth's settings."""

    engine: Literal["auto", "piper", "xtts", "espeak", "rhvoice", "remote"] = Field(
        default="auto",
        description="Speech engine. auto takes the best one that works here; another is used when this one is missing.",
    )
    first_audio_timeout: float = Field(
        default=3.0,
        gt=0,
        le=60,
        description="Seconds an engine may be silent, before its first sound or inside a sentence, until the next "
        "engine speaks instead.",
    )
