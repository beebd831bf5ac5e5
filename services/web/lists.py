"""Cursor lists: `?limit&cursor` -> `{items, next_cursor}`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from fastapi import Depends, HTTPException, Query
from pydantic import BaseModel

from services.errors import StorageError
from services.storage import cursor as cursors

Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    """A page of a list, newest first; `next_cursor` is null on the last one."""

    items: Sequence[Item]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class PageQuery:
    """Which page is asked for; the cursor is None or one that `services.storage.cursor` made."""

    limit: int
    cursor: str | None


def _page_query(
    limit: Annotated[int, Query(ge=1, le=200, description="how many at most")] = 50,
    cursor: Annotated[str | None, Query(max_length=200, description="next_cursor of the page before")] = None,
) -> PageQuery:
    if cursor:
        try:
            cursors.decode(cursor)
        except StorageError as error:
            raise HTTPException(422, str(error)) from None
    return PageQuery(limit, cursor or None)


AskedPage = Annotated[PageQuery, Depends(_page_query)]
"""The parameter of a route that answers with a page."""
