"""The FAQ: questions and answers of each company. FaqEntries is a services.knowledge.shapes.FaqSource."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.clock import Clock, LoopClock
from services.domain import FaqEntry
from services.storage.database import Database
from services.storage.tables import CompanyRow, FaqEntryRow


class FaqEntries:
    """The FAQ of each company; every change moves its revision on, in the same transaction."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or LoopClock()

    async def entries(self, company_id: str) -> list[FaqEntry]:
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
        query = select(CompanyRow.faq_revision).where(CompanyRow.id == company_id)
        async with self._database.read() as session:
            return str(await session.scalar(query) or 0)

    async def seed(self, company_id: str, entries: Sequence[FaqEntry]) -> None:
        """Add `entries` if the company has never had any: what an owner deleted does not come back."""
        async with self._database.write() as session:
            revision = await session.scalar(select(CompanyRow.faq_revision).where(CompanyRow.id == company_id))
            if revision == 0 and entries:
                now = self._clock.now()
                session.add_all(_row(company_id, entry, now) for entry in entries)
                await _move_on(session, company_id)

    async def add(self, company_id: str, entry: FaqEntry) -> None:
        """Add one entry. Raises StorageError when its id is taken or there is no such company."""
        async with self._database.write() as session:
            session.add(_row(company_id, entry, self._clock.now()))
            await _move_on(session, company_id)

    async def remove(self, company_id: str, entry_id: str) -> bool:
        """Delete one entry; False when the company has none of this id."""
        where = (FaqEntryRow.company_id == company_id, FaqEntryRow.id == entry_id)
        async with self._database.write() as session:
            if await session.scalar(select(FaqEntryRow.id).where(*where)) is None:
                return False
            await session.execute(delete(FaqEntryRow).where(*where))
            await _move_on(session, company_id)
            return True


async def _move_on(session: AsyncSession, company_id: str) -> None:
    await session.execute(
        update(CompanyRow).where(CompanyRow.id == company_id).values(faq_revision=CompanyRow.faq_revision + 1)
    )


def _row(company_id: str, entry: FaqEntry, now: datetime) -> FaqEntryRow:
    return FaqEntryRow(
        id=entry.id,
        company_id=company_id,
        question=entry.question,
        answer=entry.answer,
        alternatives=[*entry.alternatives],
        language=entry.language,
        enabled=entry.enabled,
        created_at=now,
        updated_at=now,
    )


def _entry(row: FaqEntryRow) -> FaqEntry:
    return FaqEntry(row.id, row.question, row.answer, row.language, tuple(row.alternatives), row.enabled)
