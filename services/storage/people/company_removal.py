"""Removing a company with everything in it: the tables are walked in the order in which they refer to each other."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Select, Table, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.errors import ConflictError, LineError, NotFoundError
from services.storage.database import Database
from services.storage.isolation import every_company
from services.storage.people.account_tables import UserRow
from services.storage.people.companies import DEFAULT_COMPANY
from services.storage.people.key_tables import ApiKeyRow
from services.storage.tables import Base, CallRow, CompanyRow, MessageRow

_OWNER = "owner"


class CompanyRemoval:
    """Deletes companies. The audit log alone stays: it tells that there was one. Methods raise StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def files(self, company_id: str, *, everything: bool) -> tuple[str, ...]:
        """Return the sound files of a company that may be removed now. Raises what `remove` raises."""
        async with self._database.read() as session:
            await _expect_free(session, company_id, everything)
            return await _files(session, company_id)

    async def remove(self, company_id: str, *, everything: bool) -> tuple[str, ...]:
        """Delete a company and its rows; return the sound files that it had.

        Raises NotFoundError; ConflictError for the default company, one that an owner of the installation belongs to
        and, without `everything`, one that has people or calls; LineError while a call goes on.
        """
        async with self._database.write() as session:
            company = await _expect_free(session, company_id, everything)
            files = await _files(session, company_id)
            await _remove_keys_elsewhere(session, company_id)
            for table in _tables():
                gone = delete(table).where(table.c.company_id == company_id)
                await session.execute(gone.execution_options(unaudited="the company's own removal is noted"))
            await session.delete(company)
            return files


async def _expect_free(session: AsyncSession, company_id: str, everything: bool) -> CompanyRow:
    company = await session.get(CompanyRow, company_id)
    if company is None:
        raise NotFoundError("There is no such company.")
    if company_id == DEFAULT_COMPANY:
        raise ConflictError("The first company of an installation stays.", "Rename it instead.")
    people, calls = UserRow.company_id == company_id, CallRow.company_id == company_id
    if await _any(session, select(UserRow.id).where(people, UserRow.role == _OWNER)):
        raise ConflictError("An owner of the installation belongs to this company.", "Remove that owner first.")
    going_on = await session.scalar(select(CallRow.id).where(calls, CallRow.ended_at.is_(None)).limit(1))
    if going_on is not None:
        raise LineError(f"The call {going_on} goes on.", f"End it first: POST /admin/calls/{going_on}/end.")
    if not everything and (
        await _any(session, select(UserRow.id).where(people)) or await _any(session, select(CallRow.id).where(calls))
    ):
        raise ConflictError(
            "The company has people or calls.", "Deactivate it instead, or delete it with ?everything=true."
        )
    return company


async def _any(session: AsyncSession, query: Select[Any]) -> bool:
    return await session.scalar(query.limit(1)) is not None


async def _files(session: AsyncSession, company_id: str) -> tuple[str, ...]:
    calls = await session.scalars(
        select(CallRow.recording_path).where(CallRow.company_id == company_id, CallRow.recording_path != "")
    )
    sounds = await session.scalars(
        select(MessageRow.audio_path).where(MessageRow.company_id == company_id, MessageRow.audio_path != "")
    )
    return (*calls, *sounds)


async def _remove_keys_elsewhere(session: AsyncSession, company_id: str) -> None:
    """Delete keys that the company's people have in other companies: they were owners once."""
    mine = select(UserRow.id).where(UserRow.company_id == company_id)
    gone = delete(ApiKeyRow).where(or_(ApiKeyRow.company_id == company_id, ApiKeyRow.owner_id.in_(mine)))
    options = {"unaudited": "the company's own removal is noted", "synchronize_session": False}
    await session.execute(gone.execution_options(**every_company("of its people, wherever"), **options))


def _tables() -> Iterator[Table]:
    """Iterate over the tables whose rows belong to a company, those that others refer to last."""
    for table in reversed(Base.metadata.sorted_tables):
        if "company_id" in table.c and any(key.column.table.name == "companies" for key in table.foreign_keys):
            yield table
