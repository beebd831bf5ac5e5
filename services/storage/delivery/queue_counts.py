"""What waits, counted for the monitor."""

from collections import defaultdict

from sqlalchemy import func, select

from services.clock import Clock
from services.storage.database import Database
from services.storage.delivery.tables import OutboxRow
from services.storage.isolation import every_company
from services.storage.people.sign_in_tables import SessionRow

_WHOLE = every_company("all are counted at once, and each company is shown its own")


class QueueCounts:
    """Counts by company. Raises StorageError."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def now(self) -> dict[str, dict[str, int]]:
        """Return {company: {name: count}}: outbox_waiting, outbox_dead, and sessions that are open."""
        outbox = (
            select(OutboxRow.company_id, OutboxRow.status, func.count())
            .where(OutboxRow.status.in_(("waiting", "dead")))
            .group_by(OutboxRow.company_id, OutboxRow.status)
            .execution_options(**_WHOLE)
        )
        sessions = (
            select(SessionRow.company_id, func.count())
            .where(SessionRow.expires_at > self._clock.now())
            .group_by(SessionRow.company_id)
            .execution_options(**_WHOLE)
        )
        found: defaultdict[str, dict[str, int]] = defaultdict(dict)
        async with self._database.read() as session:
            for company, status, count in await session.execute(outbox):
                found[company][f"outbox_{status}"] = count
            for company, count in await session.execute(sessions):
                found[company]["sessions"] = count
        return dict(found)
