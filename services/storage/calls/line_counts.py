"""What happened on each line, counted for its status."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from services.storage.database import Database
from services.storage.tables import CallRow
from services.storage.texts.tables import TextMessageRow


@dataclass(slots=True)
class LineCounts:
    """Calls that came in, how many of them were answered, calls that were placed, text messages both ways."""

    calls_in: int = 0
    answered: int = 0
    calls_out: int = 0
    texts_in: int = 0
    texts_out: int = 0


class Tallies:
    """Counts by line. Raises StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def since(self, company_id: str, moment: datetime) -> dict[str, LineCounts]:
        """Return the counts since `moment` of each line on which anything happened; answered calls may still go on."""
        calls = (
            select(CallRow.line, CallRow.direction, func.count(), func.count(CallRow.answered_at))
            .where(CallRow.company_id == company_id, CallRow.started_at >= moment)
            .group_by(CallRow.line, CallRow.direction)
        )
        texts = (
            select(TextMessageRow.line, TextMessageRow.direction, func.count())
            .where(TextMessageRow.company_id == company_id, TextMessageRow.created_at >= moment)
            .group_by(TextMessageRow.line, TextMessageRow.direction)
        )
        found: dict[str, LineCounts] = {}
        async with self._database.read() as session:
            for line, direction, count, answered in await session.execute(calls):
                counts = found.setdefault(line, LineCounts())
                if direction == "out":
                    counts.calls_out += count
                else:
                    counts.calls_in, counts.answered = counts.calls_in + count, counts.answered + answered
            for line, direction, count in await session.execute(texts):
                counts = found.setdefault(line, LineCounts())
                counts.texts_in += count if direction == "in" else 0
                counts.texts_out += count if direction == "out" else 0
        return found
