"""The FAQ a new company starts with: package data, a template the owner rewrites."""

import tomllib
from importlib.resources import files

from services.domain import FaqEntry

LANGUAGES = ("ru", "en")


def seed_faq(language: str) -> list[FaqEntry]:
    """Return the sample entries in `language` (ISO 639-1), none for a language without samples."""
    if language not in LANGUAGES:
        return []
    data = tomllib.loads((files("services.knowledge") / "seed" / f"{language}.toml").read_text("utf-8"))
    return [
        FaqEntry(
            id=each["id"],
            question=each["question"],
            answer=each["answer"],
            language=language,
            alternatives=tuple(each["alternatives"]),
        )
        for each in data["entry"]
    ]
