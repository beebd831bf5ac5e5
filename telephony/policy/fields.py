"""The kinds of values a policy is made of: patterns of numbers, and texts by language."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Discriminator, Field, Tag

from services.settings import LANGUAGES
from services.text.phone_numbers import WITHHELD

RULES = ConfigDict(strict=True, frozen=True, extra="forbid", str_max_length=2000)
"""Every section of a policy: nothing is guessed, nothing unknown is passed over, nothing changes after reading."""

ONE_TEXT, BY_LANGUAGE = "(one text)", "(by language)"
"""How pydantic names the two forms of a text in its errors."""

_NUMBER = re.compile(r"\+?[0-9()\s.\-/\u00a0\u2010-\u2013]*[0-9][0-9()\s.\-/\u00a0\u2010-\u2013]*")
_NAME = re.compile(r"[\w.@&-]+( [\w.@&-]+)*")
_PREFIX = re.compile(r"\+[0-9()\s.\-\u00a0]*[0-9][0-9()\s.\-\u00a0]*\*")
_BRACES = re.compile(r"\{[^{}]*\}?|\}")
_LONGEST_PATTERN = 40
_MOST_PATTERNS = 5000


def _pattern(value: str) -> str:
    text = " ".join(value.split())
    if text.casefold() == WITHHELD:
        return WITHHELD
    if len(text) > _LONGEST_PATTERN:
        raise ValueError(f"{value[:20]!r}... is too long for a number")
    if text == "*" or _PREFIX.fullmatch(text) or _NUMBER.fullmatch(text) or _NAME.fullmatch(text):
        return text
    if text.endswith("*") and text.count("*") == 1:
        raise ValueError(f"{value!r} does not begin with a country code: write +7999* for all numbers of 8 (999)")
    raise ValueError(f'{value!r} is no number: write +7 916 123-45-67, the beginning of some as +7999*, or "withheld"')


def _number(value: str) -> str:
    text = " ".join(value.split())
    if text and not (_NUMBER.fullmatch(text) and len(text) <= _LONGEST_PATTERN):
        raise ValueError(f"{value!r} is no number: write it like +7 916 123-45-67")
    return text


def _language(value: str) -> str:
    if value not in ("", *LANGUAGES):
        raise ValueError(f"{value!r} is no language that is spoken here: {', '.join(LANGUAGES)}")
    return value


def _spoken(value: str) -> str:
    return _language(value or "(nothing)")


def _key(value: str) -> str:
    if len(value) != 1 or value not in "0123456789*#":
        raise ValueError(f"{value!r} is no key: write 0-9, * or #")
    return value


def _voice(value: str) -> str:
    engine, colon, name = value.partition(":")
    if value and not (colon and engine.strip() and name.strip()):
        raise ValueError(f"{value!r} is no voice: write engine:voice, like piper:ru_RU-irina-medium")
    return value


def _places(value: str) -> str:
    rest = value.replace("{company}", "").replace("{name}", "")
    if strange := _BRACES.search(rest):
        raise ValueError(f"{strange[0]!r} cannot be filled in: only {{company}} and {{name}} can")
    return value


Pattern = Annotated[str, AfterValidator(_pattern)]
Patterns = Annotated[tuple[Pattern, ...], Field(strict=False, max_length=_MOST_PATTERNS)]
Number = Annotated[str, AfterValidator(_number)]
Language = Annotated[str, AfterValidator(_language)]
Spoken = Annotated[str, AfterValidator(_spoken)]
VoiceName = Annotated[str, AfterValidator(_voice)]
Key = Annotated[str, AfterValidator(_key)]
Greeting = Annotated[str, AfterValidator(_places)]


def _form(value: Any) -> str:
    return BY_LANGUAGE if isinstance(value, Mapping) else ONE_TEXT


# The two forms are told apart before either is read, so that a mistake in one is not blamed on the other.
Texts = Annotated[
    Annotated[str, Tag(ONE_TEXT)] | Annotated[dict[Spoken, str], Tag(BY_LANGUAGE)],
    Discriminator(_form),
]
"""A text for every language, or one by language."""
Greetings = Annotated[
    Annotated[Greeting, Tag(ONE_TEXT)] | Annotated[dict[Spoken, Greeting], Tag(BY_LANGUAGE)],
    Discriminator(_form),
]
"""Texts in which {company} and the secretary's {name} are filled in."""


def text_in(texts: str | Mapping[str, str], language: str) -> str:
    """Return the text in `language`, "" when there is none."""
    return (texts if isinstance(texts, str) else texts.get(language, "")).strip()
