"""Which ears listen."""

from pydantic import BaseModel, Field, field_validator

import services.stt
from services.discovery import chosen

LATER = ("remote",)
"""Engines whose names are settled and whose modules come later: choosing one degrades to the next and says so."""


class SttSettings(BaseModel):
    """Speech to text."""

    engine: str = Field(
        "auto",
        description="which engine listens (pocketsphinx, vosk, whisper, ...); auto takes the best that is present for "
        "each language; when the one named is missing the next best stands in and says so",
    )

    @field_validator("engine")
    @classmethod
    def _known_engine(cls, value: str) -> str:
        return chosen(services.stt, value, LATER)
