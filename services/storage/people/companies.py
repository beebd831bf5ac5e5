"""Companies: who the secretary works for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.clock import Clock, LoopClock
from services.domain import CompanyProfile
from services.errors import ConflictError, NotFoundError, StorageError
from services.storage.database import Database
from services.storage.editing import expect_version, set_changed
from services.storage.pages import cut, page_of
from services.storage.tables import CompanyRow

DEFAULT_COMPANY = "default"

Facts = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class CompanyRecord:
    """A company as it is stored; `settings` holds address, hours, holidays and limits.

    Nobody signs in to a company that is not `active`; its calls are answered all the same.
    """

    id: str
    name: str
    language: str
    time_zone: str
    facts: Facts
    plan: str
    settings: Mapping[str, Any]
    active: bool
    version: int
    created_at: datetime
    updated_at: datetime | None


class Companies:
    """The companies of the installation; the default one has the fixed id "default"."""

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
            return company_profile(row)

    async def profile(self, company_id: str) -> CompanyProfile | None:
        """Return a company's profile, None when there is no such company."""
        row = await self._database.look(lambda session: session.get(CompanyRow, company_id), single=True)
        return None if row is None else company_profile(row)

    async def update_facts(self, company_id: str, facts: Facts) -> None:
        """Replace all facts of a company: by language, then key. Raises StorageError when there is no such company."""
        async with self._database.write() as session:
            row = await session.get(CompanyRow, company_id)
            if row is None:
                raise StorageError(f"There is no company {company_id!r}.")
            self._change(row, {"facts": _plain(facts)})

    async def list(self, limit: int = 50, cursor: str | None = None) -> tuple[tuple[CompanyRecord, ...], str | None]:
        """Return (companies, next cursor), newest first."""
        query = page_of(select(CompanyRow), CompanyRow.created_at, CompanyRow.id, limit, cursor)
        async with self._database.read() as session:
            rows = (await session.scalars(query)).all()
        return cut(rows, limit, company_record, lambda row: (row.created_at, row.id))

    async def get(self, company_id: str) -> CompanyRecord:
        """Return a company. Raises NotFoundError."""
        async with self._database.read() as session:
            return company_record(await _require(session, company_id))

    async def edit(self, company_id: str, changes: Mapping[str, Any], expected: int | None = None) -> CompanyRecord:
        """Set name, language, time_zone, facts, plan, settings as far as given; what `settings` does not name stays.

        Raises NotFoundError; StaleError when it is not the `expected` version any more.
        """
        async with self._database.write() as session:
            row = await _require(session, company_id)
            expect_version(row.version, expected)
            self._change(row, {**changes, "settings": {**row.settings, **changes.get("settings", {})}})
            return company_record(row)

    async def set_active(self, company_id: str, active: bool) -> CompanyRecord:
        """Let the company's people sign in, or nobody. Raises NotFoundError; ConflictError for the default company."""
        async with self._database.write() as session:
            row = await _require(session, company_id)
            if company_id == DEFAULT_COMPANY and not active:
                raise ConflictError("The first company of an installation stays active.")
            self._change(row, {"active": active})
            return company_record(row)

    def _change(self, row: CompanyRow, changes: Mapping[str, Any]) -> None:
        if set_changed(row, changes):
            row.version, row.updated_at = row.version + 1, self._clock.now()


async def _require(session: AsyncSession, company_id: str) -> CompanyRow:
    row = await session.get(CompanyRow, company_id)
    if row is None:
        raise NotFoundError("There is no such company.")
    return row


def _plain(facts: Facts) -> dict[str, dict[str, str]]:
    return {language: dict(values) for language, values in facts.items()}


def company_profile(row: CompanyRow) -> CompanyProfile:
    """Return what the secretary may tell about a stored company."""
    settings = row.settings or {}
    return CompanyProfile(
        row.id,
        row.name,
        row.language,
        row.time_zone,
        row.facts,
        address=settings.get("address", ""),
        hours=settings.get("hours", {}),
        holidays={each["day"]: each.get("hours", "") for each in settings.get("holidays", ())},
    )


def company_record(row: CompanyRow) -> CompanyRecord:
    """Return the record of a stored company."""
    return CompanyRecord(
        id=row.id,
        name=row.name,
        language=row.language,
        time_zone=row.time_zone,
        facts=row.facts,
        plan=row.plan,
        settings=row.settings,
        active=row.active,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
