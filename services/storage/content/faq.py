"""The FAQ: questions and answers of each company. FaqEntries is a services.knowledge.shapes.FaqSource."""

import builtins
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import String, bindparam, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.clock import Clock, LoopClock
from services.domain import FaqEntry
from services.errors import NotFoundError
from services.storage import cursor as cursors
from services.storage.columns import new_id
from services.storage.database import Database
from services.storage.editing import expect_version, set_changed
from services.storage.people.companies import DEFAULT_COMPANY
from services.storage.tables import CompanyRow, FaqEntryRow

# Made once: every answer asks it.
_REVISION = select(CompanyRow.faq_revision).where(CompanyRow.id == bindparam("company", type_=String))


@dataclass(frozen=True, slots=True)
class FaqRecord:
    """An entry as it is stored; `version` grows with each change."""

    entry: FaqEntry
    version: int
    created_at: datetime
    updated_at: datetime


class FaqEntries:
    """The FAQ of each company; every change moves its revision on, in the same transaction."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or LoopClock()

    async def entries(self, company_id: str) -> builtins.list[FaqEntry]:
        """Return the enabled entries of a company, oldest first."""
        query = (
            select(FaqEntryRow)
            .where(FaqEntryRow.company_id == company_id, FaqEntryRow.enabled)
            .order_by(FaqEntryRow.created_at, FaqEntryRow.id)
        )
        async with self._database.read() as session:
            return [_entry(row) for row in await session.scalars(query)]

    async def revision(self, company_id: str) -> str:
        """Return a mark that changes with every change of the entries; "0" when there never were any."""
        asked = {"company": company_id}
        return str(await self._database.look(lambda session: session.scalar(_REVISION, asked), single=True) or 0)

    async def seed(self, company_id: str, entries: Sequence[FaqEntry]) -> None:
        """Add `entries` if the company has never had any: what an owner deleted does not come back.

        Only the first company's keep their own ids, which are one for all companies.
        """
        async with self._database.write() as session:
            await seed_entries(session, company_id, entries, self._clock.now())

    async def add(self, company_id: str, entry: FaqEntry) -> FaqRecord:
        """Add one entry; one without an id gets its own.

        Raises StorageError when its id is taken or there is no such company.
        """
        async with self._database.write() as session:
            row = _row(company_id, entry, self._clock.now())
            session.add(row)
            await session.flush()
            await _move_on(session, company_id)
            return _record(row)

    async def list(
        self,
        company_id: str,
        limit: int = 50,
        cursor: str | None = None,
        *,
        language: str = "",
        enabled: bool | None = None,
    ) -> tuple[builtins.list[FaqRecord], str | None]:
        """Return a page of entries, newest first, switched off ones included, and the cursor of the next."""
        query = select(FaqEntryRow).where(FaqEntryRow.company_id == company_id)
        if language:
            query = query.where(FaqEntryRow.language == language)
        if enabled is not None:
            query = query.where(FaqEntryRow.enabled == enabled)
        if cursor:
            query = query.where(tuple_(FaqEntryRow.created_at, FaqEntryRow.id) < tuple_(*cursors.decode(cursor)))
        query = query.order_by(FaqEntryRow.created_at.desc(), FaqEntryRow.id.desc()).limit(limit + 1)
        async with self._database.read() as session:
            rows = (await session.scalars(query)).all()
        following = cursors.encode(rows[limit - 1].created_at, rows[limit - 1].id) if len(rows) > limit else None
        return [_record(row) for row in rows[:limit]], following

    async def get(self, company_id: str, entry_id: str) -> FaqRecord:
        """Return one entry. Raises NotFoundError."""
        async with self._database.read() as session:
            return _record(await _require(session, company_id, entry_id))

    async def edit(
        self, company_id: str, entry_id: str, changes: Mapping[str, Any], expected: int | None = None
    ) -> FaqRecord:
        """Change the named fields (question, answer, alternatives, language, enabled), return the entry as it is now.

        Raises NotFoundError, StaleError when it has not the version `expected` any more.
        """
        async with self._database.write() as session:
            row = await _require(session, company_id, entry_id)
            expect_version(row.version, expected)
            if set_changed(row, changes):
                row.version, row.updated_at = row.version + 1, self._clock.now()
                await _move_on(session, company_id)
            return _record(row)

    async def remove(self, company_id: str, entry_id: str, expected: int | None = None) -> None:
        """Delete one entry. Raises NotFoundError, StaleError."""
        async with self._database.write() as session:
            row = await _require(session, company_id, entry_id)
            expect_version(row.version, expected)
            await session.delete(row)
            await _move_on(session, company_id)


async def seed_entries(session: AsyncSession, company_id: str, entries: Sequence[FaqEntry], now: datetime) -> None:
    """Do what FaqEntries.seed does, within a transaction."""
    revision = await session.scalar(select(CompanyRow.faq_revision).where(CompanyRow.id == company_id))
    if revision == 0 and entries:
        own = [entry if company_id == DEFAULT_COMPANY else replace(entry, id="") for entry in entries]
        session.add_all(_row(company_id, entry, now) for entry in own)
        await _move_on(session, company_id)


async def _require(session: AsyncSession, company_id: str, entry_id: str) -> FaqEntryRow:
    query = select(FaqEntryRow).where(FaqEntryRow.company_id == company_id, FaqEntryRow.id == entry_id)
    row: FaqEntryRow | None = await session.scalar(query)
    if row is None:
        raise NotFoundError("There is no such FAQ entry.")
    return row


async def _move_on(session: AsyncSession, company_id: str) -> None:
    further = update(CompanyRow).where(CompanyRow.id == company_id).values(faq_revision=CompanyRow.faq_revision + 1)
    await session.execute(further.execution_options(unaudited="the entry itself is noted"))


def _row(company_id: str, entry: FaqEntry, now: datetime) -> FaqEntryRow:
    return FaqEntryRow(
        id=entry.id or new_id(),
        company_id=company_id,
        question=entry.question,
        answer=entry.answer,
        alternatives=[*entry.alternatives],
        language=entry.language,
        enabled=entry.enabled,
        version=1,
        created_at=now,
        updated_at=now,
    )


def _entry(row: FaqEntryRow) -> FaqEntry:
    return FaqEntry(row.id, row.question, row.answer, row.language, tuple(row.alternatives), row.enabled)


def _record(row: FaqEntryRow) -> FaqRecord:
    return FaqRecord(_entry(row), row.version, row.created_at, row.updated_at)
