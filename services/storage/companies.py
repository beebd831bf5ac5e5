"""Companies: who the secretary works for."""

from collections.abc import Mapping

from services.clock import Clock, LoopClock
from services.domain import CompanyProfile
from services.errors import StorageError
from services.storage.database import Database
from services.storage.tables import CompanyRow

DEFAULT_COMPANY = "default"

Facts = Mapping[str, Mapping[str, str]]


class Companies:
    """Profiles of the companies; the default one has the fixed id "default"."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or LoopClock()

    async def ensure_default(self, name: str, language: str, time_zone: str, facts: Facts) -> CompanyProfile:
        """Return the default company, created with these values the first time; what the owner changed stays."""
        async with self._database.write() as session:
            row = await session.get(CompanyRow, DEFAULT_COMPANY)
            if row is None:
                row = CompanyRow(
                    id=DEFAULT_COMPANY,
                    name=name,
                    language=language,
                    time_zone=time_zone,
                    facts=_plain(facts),
                    created_at=self._clock.now(),
                )
                session.add(row)
            return _profile(row)

    async def profile(self, company_id: str) -> CompanyProfile | None:
        """Return a company's profile, None when there is no such company."""
        async with self._database.read() as session:
            row = await session.get(CompanyRow, company_id)
            return None if row is None else _profile(row)

    async def update_facts(self, company_id: str, facts: Facts) -> None:
        """Replace all facts of a company: by language, then key. Raises StorageError when there is no such company."""
        async with self._database.write() as session:
            row = await session.get(CompanyRow, company_id)
            if row is None:
                raise StorageError(f"There is no company {company_id!r}.")
            row.facts = _plain(facts)


def _plain(facts: Facts) -> dict[str, dict[str, str]]:
    return {language: dict(values) for language, values in facts.items()}


def _profile(row: CompanyRow) -> CompanyProfile:
    return CompanyProfile(row.id, row.name, row.language, row.time_zone, row.facts)
