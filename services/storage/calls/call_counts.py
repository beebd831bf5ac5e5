"""What was called and written before, counted: the caps of a line's policy look here."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select

from services.storage.database import Database
from services.storage.tables import CallRow
from services.storage.texts.tables import TextMessageRow


class CallCounts:
    """Counts over calls and text messages; each is one look into an index. All methods raise StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def calls_from(self, company_id: str, line: str, numbers: Sequence[str], since: datetime) -> int:
        """Count the calls that came in on `line` from any of `numbers` since then; rejected ones do not count.

        [""] stands for the withheld numbers, all together. Calls that go on count.
        """
        query = select(func.count()).where(
            CallRow.company_id == company_id,
            CallRow.number.in_(numbers),
            CallRow.started_at >= since,
            CallRow.line == line,
            CallRow.direction == "in",
            CallRow.outcome != "rejected",
        )
        async with self._database.read() as session:
            return await session.scalar(query) or 0

    async def dialled(self, company_id: str, line: str, since: datetime) -> list[tuple[str, datetime]]:
        """Return (number, started at) of every call that was placed over `line` since then, whatever became of it."""
        query = select(CallRow.number, CallRow.started_at).where(
            CallRow.company_id == company_id,
            CallRow.started_at >= since,
            CallRow.line == line,
            CallRow.direction == "out",
        )
        async with self._database.read() as session:
            return [(number, at) for number, at in await session.execute(query)]

    async def texted(self, company_id: str, line: str, since: datetime) -> list[tuple[str, datetime]]:
        """Return (number, created at) of every text message that was written over `line` since then."""
        query = select(TextMessageRow.number, TextMessageRow.created_at).where(
            TextMessageRow.company_id == company_id,
            TextMessageRow.created_at >= since,
            TextMessageRow.line == line,
            TextMessageRow.direction == "out",
        )
        async with self._database.read() as session:
            return [(number, at) for number, at in await session.execute(query)]

    async def has_reached_us(self, company_id: str, numbers: Sequence[str], since: datetime) -> bool:
        """Tell whether any of `numbers` called the company since then, and was not rejected, or wrote to it."""
        called = select(CallRow.id).where(
            CallRow.company_id == company_id,
            CallRow.number.in_(numbers),
            CallRow.started_at >= since,
            CallRow.direction == "in",
            CallRow.outcome != "rejected",
        )
        wrote = select(TextMessageRow.id).where(
            TextMessageRow.company_id == company_id,
            TextMessageRow.number.in_(numbers),
            TextMessageRow.created_at >= since,
            TextMessageRow.direction == "in",
        )
        async with self._database.read() as session:
            for query in (called, wrote):
                if await session.scalar(query.limit(1)) is not None:
                    return True
        return False
