"""The audit log: who did what to which, before and after, from where."""

import csv
import io
import json
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from api.calls.shapes import PRINTED
from api.moments import Moment
from services.accounts.roles import Action, Role
from services.accounts.signed_in import SignedIn
from services.errors import ForbiddenError
from services.storage.audit.log import Audit, AuditEntry, AuditFilter
from services.web.access import require
from services.web.lists import AskedPage, Page
from services.web.problems import problem_responses

Reading = Annotated[SignedIn, require("audit", Action.READ)]
Words = Annotated[str, Query(max_length=200, pattern=rf"^{PRINTED}*$")]
Every = Annotated[bool, Query(alias="all", description="of every company: for an owner")]

Seq = Annotated[int, Path(ge=1, le=999_999_999)]

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_TOGETHER = 200


class EntryShown(BaseModel):
    """An entry; its `id` is its number `seq`.

    `detail` tells before and after of what changed, or what else there is to tell; null when `erased`.
    """

    id: str
    seq: int
    at: datetime
    company_id: str
    actor_kind: str
    actor_id: str
    actor_name: str
    address: str
    request_id: str
    action: str
    resource: str
    resource_id: str
    detail: dict[str, Any] | None
    erased: bool
    hash: str


_COLUMNS = tuple(name for name in EntryShown.model_fields if name != "id")


class HeadShown(BaseModel):
    """The newest entry: noted elsewhere, it shows later whether the log was written anew."""

    seq: int
    hash: str


def _filter(
    actor: Words = "",
    action: Words = "",
    resource: Words = "",
    resource_id: Words = "",
    begin: Annotated[Moment | None, Query(alias="from")] = None,
    end: Annotated[Moment | None, Query(alias="to")] = None,
) -> AuditFilter:
    """Which entries: `actor` is an id or a name."""
    return AuditFilter(actor, action, resource, resource_id, begin, end)


Asked = Annotated[AuditFilter, Depends(_filter)]


def audit_router(audit: Audit) -> APIRouter:
    """Make the routes /admin/audit."""
    router = APIRouter(prefix="/admin/audit", tags=["audit"], responses=problem_responses(401, 403, 422, 503))

    @router.get("", summary="List audit entries")
    async def listed(who: Reading, page: AskedPage, only: Asked, every: Every = False) -> Page[EntryShown]:
        """List entries of the company, newest first."""
        found, cursor = await audit.list(_company(who, every), page.limit, page.cursor, only=only)
        return Page(items=[_shown(each) for each in found], next_cursor=cursor)

    @router.get("/head", summary="The newest audit entry")
    async def head(_: Reading) -> HeadShown:
        """Return the number and the hash of the installation's newest entry."""
        newest = await audit.head()
        return HeadShown(seq=newest.seq, hash=newest.hash)

    @router.get(
        "/export",
        summary="Export audit entries",
        response_class=StreamingResponse,
        responses={200: {"content": {"text/csv": {}, "application/json": {}}, "description": "A file of the entries."}},
    )
    async def export(
        who: Reading,
        only: Asked,
        form: Annotated[Literal["csv", "json"], Query(alias="format")] = "csv",
        every: Every = False,
    ) -> StreamingResponse:
        """Return all entries as a file, oldest first; that they were exported is noted, too.

        In CSV a cell that a spreadsheet would take for a formula begins with an apostrophe.
        """
        company_id = _company(who, every)
        await audit.note("export", "audit", "", {"format": form, "all": every})
        entries = audit.all(company_id, only=only)
        return StreamingResponse(
            _csv(entries) if form == "csv" else _json(entries),
            media_type="text/csv; charset=utf-8" if form == "csv" else "application/json",
            headers={
                "Content-Disposition": f'attachment; filename="audit.{form}"',
                "Cache-Control": "no-store",
            },
        )

    @router.get("/{seq}", summary="Show an audit entry", responses=problem_responses(404))
    async def shown(who: Reading, seq: Seq, every: Every = False) -> EntryShown:
        """Return one entry."""
        return _shown(await audit.get(_company(who, every), seq))

    return router


def _company(who: SignedIn, every: bool) -> str | None:
    if not every:
        return who.company_id
    if who.role is not Role.OWNER:
        raise ForbiddenError("The entries of every company are for an owner.")
    return None


def _shown(entry: AuditEntry) -> EntryShown:
    values = {name: getattr(entry, name) for name in _COLUMNS}
    return EntryShown(
        **{**values, "id": str(entry.seq), "detail": None if entry.detail is None else json.loads(entry.detail)}
    )


async def _csv(entries: AsyncIterator[AuditEntry]) -> AsyncIterator[str]:
    yield _lines([_COLUMNS])
    rows: list[list[str]] = []
    async for entry in entries:
        rows.append([_cell(getattr(entry, name)) for name in _COLUMNS])
        if len(rows) == _TOGETHER:
            yield _lines(rows)
            rows = []
    yield _lines(rows)


def _lines(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _cell(value: object) -> str:
    """Return a value as a cell that no spreadsheet computes (CSV injection, OWASP)."""
    if isinstance(value, datetime):
        return value.isoformat()
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


async def _json(entries: AsyncIterator[AuditEntry]) -> AsyncIterator[str]:
    before = "[\n"
    async for entry in entries:
        yield before + _shown(entry).model_dump_json()
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"
