"""What texts the owner writes may hold."""

import re
from string import Formatter
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.calls.shapes import PRINTED

_IN_LINES = r"[^\x00-\x08\x0b-\x1f\x7f]"
_PLACEHOLDERS = frozenset({"company", "name"})
_VOICE = r"^([a-z0-9_-]{1,40}:[^\x00-\x1f\x7f]{1,100})?$"

Slug = Annotated[str, Field(pattern=r"^[a-z0-9](-?[a-z0-9]){0,62}$", examples=["anna"])]
"""A name for programs: small letters, digits, single hyphens between them."""

Language = Annotated[str, Field(pattern=r"^[a-z]{2}$", examples=["ru"], description="ISO 639-1")]
ShortText = Annotated[str, Field(min_length=1, max_length=100, pattern=rf"^{PRINTED}*[^\s\x00-\x1f]{PRINTED}*$")]
LineOfText = Annotated[str, Field(min_length=1, max_length=500, pattern=rf"^{PRINTED}*[^\s\x00-\x1f]{PRINTED}*$")]
LongText = Annotated[str, Field(max_length=8000, pattern=rf"^{_IN_LINES}*$")]
VoiceName = Annotated[str, Field(pattern=_VOICE, examples=["piper:ru_RU-irina-medium"])]
"""A voice as "engine:name", "" for the best of the language."""


def _greeting(value: str) -> str:
    """Return a greeting. Raises ValueError for braces that would not be filled in."""
    try:
        parts = list(Formatter().parse(value))
    except ValueError:
        raise ValueError("a brace stands alone; only {company} and {name} are filled in") from None
    for _, name, form, conversion in parts:
        if name is not None and (name not in _PLACEHOLDERS or form or conversion):
            raise ValueError(f"{{{name}}} is not filled in; there are {{company}} and {{name}}")
    if re.search(r"\{\{|\}\}", value):
        raise ValueError("a brace would be spoken; only {company} and {name} are filled in")
    return value


Greeting = Annotated[
    str,
    Field(
        min_length=1,
        max_length=500,
        pattern=rf"^{PRINTED}*[^\s\x00-\x1f]{PRINTED}*$",
        examples=["Hello! This is {company}, my name is {name}. How can I help?"],
    ),
    AfterValidator(_greeting),
]


class Edit(BaseModel):
    """What is to be changed: only what is given, and is not null, is."""

    model_config = ConfigDict(extra="forbid")

    def changes(self) -> dict[str, object]:
        """Return the fields that were given."""
        return self.model_dump(exclude_unset=True, exclude_none=True)
