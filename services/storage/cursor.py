"""Cursors of newest-first lists: the time and the id of the last row of a page, so that new rows shift nothing."""

import re
from datetime import UTC, datetime, timedelta

from services.errors import StorageError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_ID = re.compile(r"[\x21-\x7e]{1,100}")  # PostgreSQL takes no zero byte, not even in a comparison


def encode(at: datetime, row_id: str) -> str:
    """Return the cursor after a row: microseconds since 1970, a dot, the id."""
    return f"{(at - _EPOCH) // _MICROSECOND}.{row_id}"


def decode(cursor: str) -> tuple[datetime, str]:
    """Return the time and the id inside `cursor`. Raises StorageError for anything `encode` did not make."""
    microseconds, dot, row_id = cursor.partition(".")
    try:
        at = _EPOCH + int(microseconds) * _MICROSECOND
    except (ValueError, OverflowError):
        dot, at = "", _EPOCH
    if not dot or not _ID.fullmatch(row_id):
        raise StorageError("The cursor is not one that this list gave.", "Ask for the list from its beginning.")
    return at, row_id


def number(row_id: str) -> int:
    """Return the id of a cursor whose rows are counted; 0, before all of them, for what no column can hold."""
    return int(row_id) if re.fullmatch(r"[0-9]{1,9}", row_id) else 0
