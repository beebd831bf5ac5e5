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
    cache_memory_mb: int = Field(
        default=32,
        ge=0,
        le=4096,
        description="Megabytes of memory for speech that is the same for every caller (greeting, fillers, answers of "
        "the FAQ), which then begins at once; 0 keeps none.",
    )
    cache_disk_mb: int = Field(
        default=256,
        ge=0,
        le=1_000_000,
        description="Megabytes under DATA_DIR/speech-cache for the same speech, so that it outlives a restart; 0 keeps "
        "none. What is said to one caller only is never written there.",
    )

    @field_validator("engine")
    @classmethod
    def _known_engine(cls, value: str) -> str:
        return chosen(services.tts, value, LATER)
