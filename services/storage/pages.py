"""Pages of a newest-first list, the same for every table that has a time and an id."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Select, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from services.storage import cursor as cursors

MOST = 200

Row = TypeVar("Row")
Record = TypeVar("Record")


def page_of(
    query: Select[Any],
    at: InstrumentedAttribute[datetime],
    row_id: InstrumentedAttribute[str],
    limit: int,
    cursor: str | None,
) -> Select[Any]:
    """Return `query` for one page, newest first, and one row more, which tells whether another page follows.

    `limit` is held to 1..200. Raises StorageError for a cursor that no list gave.
    """
    if cursor:
        query = query.where(tuple_(at, row_id) < tuple_(*cursors.decode(cursor)))
    return query.order_by(at.desc(), row_id.desc()).limit(held(limit) + 1)


def cut(
    rows: Sequence[Row], limit: int, record: Callable[[Row], Record], mark: Callable[[Row], tuple[datetime, str]]
) -> tuple[tuple[Record, ...], str | None]:
    """Return the records of a page and the next cursor, None on the last page; `mark` is a row's time and id."""
    limit = held(limit)
    page = rows[:limit]
    return tuple(record(row) for row in page), cursors.encode(*mark(page[-1])) if len(rows) > limit else None


def held(limit: int) -> int:
    """Return `limit` within its bounds."""
    return min(max(limit, 1), MOST)
