"""Checking the chain of the audit log."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.parts import Part, State
from services.storage.audit.chain import FIRST, Link, digest_of, hash_of
from services.storage.audit.tables import AuditAnchorRow, AuditHeadRow, AuditRow
from services.storage.database import Database
from services.storage.isolation import every_company

BATCH = 200  # entries hashed in one go, in some 2 ms
MOST_TOLD = 20
_WHOLE = every_company("the audit log is one chain for the installation")
_REMEDY = (
    "Somebody changed the audit log past its triggers. Compare it with a backup's or an export's (GET "
    "/admin/audit/export), and look into who can write the database."
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found: nothing when the chain holds. `checked` entries up to `head`, the number of the newest."""

    checked: int
    head: int
    findings: tuple[str, ...] = ()

    def part(self) -> Part:
        """Return the verdict as a part of the installation."""
        if self.findings:
            more = f" And {len(self.findings) - 1} more." if len(self.findings) > 1 else ""
            return Part("audit", State.DEGRADED, f"The audit log was tampered with: {self.findings[0]}{more}", _REMEDY)
        if not self.checked:
            return Part("audit", State.READY, "The audit log is empty.")
        return Part("audit", State.READY, f"The newest {self.checked} entries of the audit log hold (to {self.head}).")


async def verify(database: Database, newest: int | None = None) -> Verdict:
    """Check the chain, or its `newest` entries; tells 20 findings at most. Raises StorageError."""
    while True:
        anchor = await _anchor(database)
        verdict = await _verify(database, anchor, newest)
        if not verdict.findings or await _anchor(database) == anchor:
            return verdict


async def _anchor(database: Database) -> tuple[int, str]:
    """Return up to which entry the oldest part was cut off, and the hash of that."""
    async with database.read() as session:
        query = select(AuditAnchorRow.seq, AuditAnchorRow.hash).order_by(AuditAnchorRow.seq.desc()).limit(1)
        found = (await session.execute(query)).one_or_none()
        return (found[0], found[1]) if found is not None else (0, FIRST)


async def _verify(database: Database, anchor: tuple[int, str], newest: int | None) -> Verdict:
    async with database.read() as session:
        found = (await session.execute(select(AuditHeadRow.seq, AuditHeadRow.hash))).one_or_none()
        head = (found[0], found[1]) if found is not None else (0, FIRST)
        walk = _Walk(*(await _start(session, anchor, head[0], newest)))
        while len(walk.findings) < MOST_TOLD:
            query = select(AuditRow).where(AuditRow.seq > walk.last, AuditRow.seq <= head[0]).order_by(AuditRow.seq)
            rows = (await session.scalars(query.limit(BATCH), execution_options=_WHOLE)).all()
            await asyncio.to_thread(walk.over, rows)
            session.expunge_all()
            if len(rows) < BATCH:
                break
        # Right after the head was read nothing is newer than it, but what is committed meanwhile.
        beyond = await session.scalar(
            select(func.min(AuditRow.seq)).where(AuditRow.seq > head[0]), execution_options=_WHOLE
        )
        now = await session.scalar(select(AuditHeadRow.seq))
    if beyond is not None and beyond > (now or 0):
        walk.findings.append(f"the entry {beyond} is newer than the head, which was set back.")
    walk.end_at(head, anchor)
    if anchor[0]:
        await _expect_noted(database, anchor, walk)
    return Verdict(walk.checked, head[0], tuple(walk.findings[:MOST_TOLD]))


async def _start(session: AsyncSession, anchor: tuple[int, str], head: int, newest: int | None) -> tuple[int, str]:
    """Return the number and hash of the entry before the first one to check."""
    before = anchor[0] if newest is None else max(anchor[0], head - newest)
    if before == anchor[0]:
        return anchor
    stored = await session.scalar(select(AuditRow.hash).where(AuditRow.seq == before), execution_options=_WHOLE)
    return before, stored or ""


async def _expect_noted(database: Database, anchor: tuple[int, str], walk: "_Walk") -> None:
    """A cut is noted in the chain by whoever made it; one that is not was made past the retention."""
    query = select(AuditRow.seq).where(AuditRow.action == "cut", AuditRow.resource_id == f"{anchor[0]}:{anchor[1]}")
    async with database.read() as session:
        if await session.scalar(query.limit(1), execution_options=_WHOLE) is None:
            walk.findings.append(f"the entries up to {anchor[0]} were cut off without a note.")


class _Walk:
    """Goes over the entries in order, from the one after `last`."""

    def __init__(self, last: int, hash_: str) -> None:
        self.last = last
        self.checked = 0
        self.findings: list[str] = []
        self._hash = hash_

    def over(self, rows: Sequence[AuditRow]) -> None:
        for row in rows:
            self.findings += self._wrong_with(row)
            self.last, self._hash = row.seq, row.hash
            self.checked += 1

    def end_at(self, head: tuple[int, str], anchor: tuple[int, str]) -> None:
        if self.last < head[0]:
            self.findings.append(f"the newest entries, {self.last + 1} to {head[0]}, were removed.")
        elif head != (self.last, self._hash) and self.last >= anchor[0]:
            self.findings.append(f"the head does not fit the newest entry, {self.last}.")

    def _wrong_with(self, row: AuditRow) -> Iterable[str]:
        if row.seq != self.last + 1:
            yield f"the entries {self.last + 1} to {row.seq - 1} were removed."
        elif row.previous != self._hash:
            yield f"the entry {row.seq} does not follow the one before it: one of the two was changed or put in."
        link = Link(**{name: getattr(row, name) for name in Link.__dataclass_fields__})
        if hash_of(link) != row.hash:
            yield f"the entry {row.seq} was changed."
        if (row.detail is None) != (row.salt is None):
            yield f"the detail of the entry {row.seq} was removed without its salt, or the other way round."
        elif row.detail is not None and row.salt is not None and digest_of(row.detail, row.salt) != row.digest:
            yield f"the detail of the entry {row.seq} was changed."
