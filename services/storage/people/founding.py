"""A new company, with what every company begins with: all of it is there, or nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.clock import Clock, LoopClock
from services.domain import FaqEntry, Persona
from services.storage.content.faq import seed_entries
from services.storage.content.personas import seed_personas
from services.storage.database import Database
from services.storage.people.companies import CompanyRecord, company_record
from services.storage.tables import CompanyRow


class Founding:
    """Makes companies. Methods raise StorageError."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or LoopClock()

    async def found(
        self, values: Mapping[str, Any], personas: Sequence[Persona] = (), entries: Sequence[FaqEntry] = ()
    ) -> CompanyRecord:
        """Store a company with its personas and FAQ; `values` are name, language, time_zone, facts, plan, settings."""
        now = self._clock.now()
        row = CompanyRow(**values, active=True, version=1, faq_revision=0, created_at=now)
        async with self._database.write() as session:
            session.add(row)
            await session.flush()
            record = company_record(row)
            await seed_personas(session, record.id, personas, now)
            await seed_entries(session, record.id, entries, now)
            return record
