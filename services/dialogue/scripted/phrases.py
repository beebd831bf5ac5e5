"""The secretary's own sentences: data per language, in the persona's grammatical gender."""

import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Literal

from services.dialogue.scripted.fixed import FixedText, is_fixed
from services.dialogue.scripted.notes import Notes

LANGUAGES = ("ru", "en")
_GENDERED = re.compile(r"\(([^()/]*)/([^()/]*)\)")
_FIELD = re.compile(r"\{(\w+)\}")


@lru_cache(maxsize=8)
def phrases_of(language: str) -> Mapping[str, tuple[str, ...]]:
    """Read the phrases of a language in LANGUAGES: variants by key."""
    data = tomllib.loads((files("services.dialogue.scripted") / "phrases" / f"{language}.toml").read_text("utf-8"))
    return {key: (value,) if isinstance(value, str) else tuple(value) for key, value in data.items()}


class Speaker:
    """Says phrases in one language and gender; repeated ones vary, as `notes` remembers."""

    def __init__(self, language: str, gender: Literal["female", "male"], notes: Notes) -> None:
        self.language = language
        self._form = 1 if gender == "female" else 2
        self._notes = notes

    def say(self, key: str, **values: str) -> str:
        """Return the next variant of the phrase `key` with `values` put in; values are never read as templates.

        It is a FixedText where every value is one.
        """
        variants = phrases_of(self.language)[key]
        text = variants[self._notes.turn_of(key) % len(variants)] if len(variants) > 1 else variants[0]
        gendered = _GENDERED.sub(lambda match: match.group(self._form), text)
        text = fill(gendered, values)
        return FixedText(text) if is_fixed(*values.values()) else text


def fill(template: str, values: Mapping[str, str]) -> str:
    """Put `values` into {names}; an unknown name stays as it is, so that an owner's typo breaks no call."""
    return _FIELD.sub(lambda match: values.get(match.group(1), match.group(0)), template)
