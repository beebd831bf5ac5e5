"""The audit log: who did what to which, before and after, from where; changed rows are noted by audit_hook."""

import builtins
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from sqlalchemy import Select, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.clock import Clock, LoopClock
from services.errors import NotFoundError, RefusedError
from services.storage import cursor as cursors
from services.storage.audit.chain import FIRST, canonical
from services.storage.audit.hook import note_in
from services.storage.audit.tables import AuditAnchorRow, AuditHeadRow, AuditRow
from services.storage.audit.verify import Verdict, verify
from services.storage.database import Database
from services.storage.isolation import every_company

BATCH = 500

_WHOLE = every_company("the audit log is one chain for the installation")


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """An entry: `action` (create, edit, delete, sign-in...) was done to the `resource` of that id.

    `company_id` is "" where no company is meant. `detail` is the canonical JSON of {"before": {...}, "after": {...}} of
    the changed columns, or what else there is to tell; None when there was nothing, or when it was erased (`erased`).
    """

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
    detail: str | None
    erased: bool
    hash: str

    @classmethod
    def of(cls, row: AuditRow) -> Self:
        """Return the entry of a stored row."""
        values = {name: getattr(row, name) for name in cls.__slots__ if name != "erased"}
        return cls(**values, erased=bool(row.digest) and row.detail is None)


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries are meant; "" and None are any. `actor` is an id or a name; `begin` <= at < `end`."""

    actor: str = ""
    action: str = ""
    resource: str = ""
    resource_id: str = ""
    begin: datetime | None = None
    end: datetime | None = None


EVERYTHING = AuditFilter()


@dataclass(frozen=True, slots=True)
class AuditHead:
    """The newest entry: `seq` 0 while there is none. Noted elsewhere, it shows whether the log was written anew."""

    seq: int
    hash: str


class Audit:
    """The audit log of the installation. A company's entries are read by its id; None is all of them."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or LoopClock()

    async def note(
        self,
        action: str,
        resource: str,
        resource_id: str = "",
        detail: Mapping[str, Any] | None = None,
        *,
        company_id: str | None = None,
    ) -> None:
        """Note what whoever acts here has done without changing an audited row; it is on the disk when this returns.

        `detail` may hold what is personal: it can be erased. `resource_id` cannot, so it is no phone number. The
        company is the actor's, unless another is given. Raises StorageError.
        """
        async with self._database.write() as session:
            note_in(session.sync_session, action, resource, resource_id, detail, company_id=company_id)

    async def list(
        self, company_id: str | None, limit: int = 50, cursor: str | None = None, *, only: AuditFilter = EVERYTHING
    ) -> tuple[builtins.list[AuditEntry], str | None]:
        """Return a page of entries, newest first, and the cursor of the next. Raises RefusedError."""
        query = _chosen(company_id, only)
        if cursor:
            query = query.where(AuditRow.seq < _seq_of(cursor))
        async with self._database.read() as session:
            rows = (await session.scalars(query.order_by(AuditRow.seq.desc()).limit(limit + 1))).all()
        following = cursors.encode(rows[limit - 1].at, str(rows[limit - 1].seq)) if len(rows) > limit else None
        return [AuditEntry.of(row) for row in rows[:limit]], following

    async def get(self, company_id: str | None, seq: int) -> AuditEntry:
        """Return one entry. Raises NotFoundError."""
        async with self._database.read() as session:
            row = await session.scalar(_chosen(company_id, EVERYTHING).where(AuditRow.seq == seq))
            if row is None:
                raise NotFoundError("There is no such entry.")
            return AuditEntry.of(row)

    async def all(self, company_id: str | None, *, only: AuditFilter = EVERYTHING) -> AsyncIterator[AuditEntry]:
        """Iterate over the entries, oldest first, up to the one that is newest as this begins."""
        last, newest = 0, (await self.head()).seq
        while True:
            query = _chosen(company_id, only).where(AuditRow.seq > last, AuditRow.seq <= newest)
            async with self._database.read() as session:
                rows = (await session.scalars(query.order_by(AuditRow.seq).limit(BATCH))).all()
            for row in rows:
                yield AuditEntry.of(row)
            if len(rows) < BATCH:
                return
            last = rows[-1].seq

    async def head(self) -> AuditHead:
        """Return the newest entry's number and hash."""
        async with self._database.read() as session:
            found = (await session.execute(select(AuditHeadRow.seq, AuditHeadRow.hash))).one_or_none()
            return AuditHead(*found) if found is not None else AuditHead(0, FIRST)

    async def verify(self, newest: int | None = None) -> Verdict:
        """Check the chain, all of it or only the `newest` entries. Raises StorageError when it cannot be read."""
        return await verify(self._database, newest)

    async def cut(self, before: datetime) -> int:
        """Remove the oldest entries, all that were written before then, and return how many.

        Where it was cut is remembered, and noted as an entry, so that what is left verifies.
        """
        async with self._database.write() as session:
            kept = select(func.min(AuditRow.seq)).where(AuditRow.at >= before)
            first_kept = await session.scalar(kept, execution_options=_WHOLE)
            query = select(AuditRow).order_by(AuditRow.seq.desc()).limit(1)
            if first_kept is not None:
                query = query.where(AuditRow.seq < first_kept)
            last = await session.scalar(query, execution_options=_WHOLE)
            if last is None:
                return 0
            old = select(func.count(AuditRow.seq)).where(AuditRow.seq <= last.seq)
            gone = await session.scalar(old, execution_options=_WHOLE) or 0
            if gone == 1 and (last.action, last.resource) == ("cut", "audit"):
                return 0  # to cut off the note of a cut would only leave another
            await session.execute(insert(AuditAnchorRow).values(seq=last.seq, hash=last.hash, at=self._clock.now()))
            await session.execute(
                delete(AuditRow).where(AuditRow.seq <= last.seq),
                execution_options={**_WHOLE, "synchronize_session": False},
            )
            note_in(session.sync_session, "cut", "audit", f"{last.seq}:{last.hash}", {"entries": gone}, company_id="")
            return gone


async def erase_details(session: AsyncSession, company_id: str, text: str) -> int:
    """Erase the details in which `text` occurs (a number, a name), return of how many entries; the chain holds."""
    if not text:
        return 0
    written = canonical({"": text})[len('{"":"') : -len('"}')]
    named = AuditRow.company_id == company_id, AuditRow.detail.contains(written, autoescape=True)
    erased = update(AuditRow).where(*named).values(detail=None, salt=None).returning(AuditRow.seq)
    return len((await session.scalars(erased)).all())


def _chosen(company_id: str | None, only: AuditFilter) -> Select[AuditRow]:
    if company_id is None:
        query = select(AuditRow).execution_options(**_WHOLE)
    else:
        query = select(AuditRow).where(AuditRow.company_id == company_id)
    if only.actor:
        query = query.where((AuditRow.actor_id == only.actor) | (AuditRow.actor_name == only.actor))
    for name in ("action", "resource", "resource_id"):
        if value := getattr(only, name):
            query = query.where(getattr(AuditRow, name) == value)
    if only.begin is not None:
        query = query.where(AuditRow.at >= only.begin)
    if only.end is not None:
        query = query.where(AuditRow.at < only.end)
    return query


def _seq_of(cursor: str) -> int:
    _, seq = cursors.decode(cursor)
    if not (seq.isascii() and seq.isdigit() and len(seq) <= 9):
        raise RefusedError("The cursor is not one that this list gave.", "Ask for the list from its beginning.")
    return int(seq)
