"""What each company has used of what costs, by day: added in batches, asked for in sums."""

import builtins
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from services.storage.columns import new_id
from services.storage.database import Database
from services.storage.isolation import every_company
from services.storage.people.usage_tables import UsageCountRow
from services.storage.tables import CompanyRow


@dataclass(frozen=True, slots=True, order=True)
class UsageKey:
    """What is counted: `kind` ("calls", "texts", ...) of a company on a day in UTC; `owner_id` "": nobody's own."""

    company_id: str
    day: date
    kind: str
    owner_id: str = ""


@dataclass(frozen=True, slots=True)
class UsageSum:
    """How much of a kind was used on a day."""

    day: date
    kind: str
    count: int


class Usage:
    """Counts by company, day, kind and user. All methods raise StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, counts: Mapping[UsageKey, int]) -> None:
        """Add to the counts, all in one transaction; what belongs to a company that is gone is passed over.

        Two processes may add to the same at once: neither's is lost.
        """
        # In one order, so that two processes never wait for each other's rows crosswise.
        wanted = sorted((key, count) for key, count in counts.items() if count)
        if not wanted:
            return
        async with self._database.write() as session:
            known = set(
                await session.scalars(
                    select(CompanyRow.id).where(CompanyRow.id.in_({key.company_id for key, _ in wanted}))
                )
            )
            for key, count in wanted:
                if key.company_id in known:
                    await session.execute(_added(session, key, count))

    async def plan(self, company_id: str) -> tuple[str, Mapping[str, Any]] | None:
        """Return the plan of a company and what else is laid down for it, None when there is no such company."""
        query = select(CompanyRow.plan, CompanyRow.settings).where(CompanyRow.id == company_id)
        async with self._database.read() as session:
            row = (await session.execute(query)).first()
            return None if row is None else (row[0], row[1])

    async def used(self, company_id: str, day: date, kind: str, owner_id: str | None = None) -> int:
        """Return how much was used on a day: by one user or, with None, by the whole company."""
        query = select(func.sum(UsageCountRow.count)).where(
            UsageCountRow.company_id == company_id,
            UsageCountRow.day == day.isoformat(),
            UsageCountRow.kind == kind,
        )
        if owner_id is not None:
            query = query.where(UsageCountRow.owner_id == owner_id)
        async with self._database.read() as session:
            return int(await session.scalar(query) or 0)

    async def list(
        self, company_id: str, first: date, last: date, kinds: Sequence[str] = ()
    ) -> builtins.list[UsageSum]:
        """Return the company's sums by day and kind from `first` to `last`, newest day first; all kinds without any."""
        query = (
            select(UsageCountRow.day, UsageCountRow.kind, func.sum(UsageCountRow.count))
            .where(
                UsageCountRow.company_id == company_id,
                UsageCountRow.day >= first.isoformat(),
                UsageCountRow.day <= last.isoformat(),
            )
            .group_by(UsageCountRow.day, UsageCountRow.kind)
            .order_by(UsageCountRow.day.desc(), UsageCountRow.kind)
        )
        if kinds:
            query = query.where(UsageCountRow.kind.in_(kinds))
        async with self._database.read() as session:
            return [
                UsageSum(date.fromisoformat(day), kind, int(count)) for day, kind, count in await session.execute(query)
            ]

    async def sweep(self, before: datetime, batch: int) -> int:
        """Delete some counts of all companies of days before then, return how many."""
        old = select(UsageCountRow.id).where(UsageCountRow.day < before.date().isoformat()).limit(batch)
        of_all = every_company("what was kept long enough goes, whoever's it is")
        async with self._database.write() as session:
            ids = list(await session.scalars(old, execution_options=of_all))
            await session.execute(delete(UsageCountRow).where(UsageCountRow.id.in_(ids)), execution_options=of_all)
        return len(ids)


def _added(session: AsyncSession, key: UsageKey, count: int) -> Any:
    """Return the statement that adds to a count, which begins with it where there is none."""
    values = {
        "id": new_id(),
        "company_id": key.company_id,
        "day": key.day.isoformat(),
        "kind": key.kind,
        "owner_id": key.owner_id,
        "count": count,
    }
    # Both say it in the same words, each with a construct of its own.
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = insert(UsageCountRow).values(values)
    return statement.on_conflict_do_update(
        index_elements=["company_id", "day", "kind", "owner_id"],
        set_={"count": UsageCountRow.count + statement.excluded.count},
    )
