"""Column types that hold the same value on every database, and the ids of rows."""

import json
import math
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import DateTime, Dialect, Text
from sqlalchemy.types import TypeDecorator


def new_id() -> str:
    """Return a fresh row id: 32 hexadecimal digits of a random UUID."""
    return uuid4().hex


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC: only aware values go in, only aware UTC values come out.

    SQLite keeps no zone, so the value is stored as naive UTC there and gets its zone back on reading.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to UTC. Raises ValueError for a naive value, whose moment nobody can know."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored time needs its zone")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Give the value its zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class PlainText(TypeDecorator[str]):
    """Text of any length. A lone surrogate, which no database can encode, is kept as "?"; a NUL is left out.

    PostgreSQL stores no NUL, and nothing that a person says or writes holds one.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Replace what UTF-8 cannot carry: a browser may send half a character, and its sentence must not be lost."""
        if value is None:
            return value
        if "\x00" in value:
            value = value.replace("\x00", "")
        if value.isascii():
            return value
        return value.encode("utf-8", "replace").decode("utf-8")


_NOT_EVERYWHERE = ("\\u0000", "NaN", "Infinity")


def write_json(value: Any) -> str:
    """Write a JSON value that every database takes: without NUL, and null for a number that is none (NaN, infinity)."""
    written = json.dumps(value)
    if any(mark in written for mark in _NOT_EVERYWHERE):
        written = json.dumps(_for_every_database(value), allow_nan=False)
    return written


def _for_every_database(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {_for_every_database(key): _for_every_database(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_for_every_database(each) for each in value]
    return value
