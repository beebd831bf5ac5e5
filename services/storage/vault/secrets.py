"""Secrets of each company: keys of providers, seeds of second factors, keys of webhooks; sealed in the database."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.clock import Clock, LoopClock
from services.errors import RefusedError, StorageError
from services.storage.database import Database
from services.storage.isolation import every_company
from services.storage.people.key_tables import SecretRow
from services.storage.vault.sealing import Sealer, key_of

LONGEST = 64 * 1024
_TOGETHER = 200


class Secrets:
    """A secret is a text with a name, such as "totp/<user id>" or "llm/gemini"; no list shows its value.

    All methods raise StorageError.
    """

    def __init__(self, database: Database, sealer: Sealer, clock: Clock | None = None) -> None:
        self._database = database
        self._sealer = sealer
        self._clock = clock or LoopClock()

    async def put(self, company_id: str, name: str, value: str, *, session: AsyncSession | None = None) -> None:
        """Store a secret in place of the one of this name; with a session, in its transaction.

        Raises RefusedError for more than 64 KiB.
        """
        if len(value.encode()) > LONGEST:
            raise RefusedError(f"A secret has {LONGEST // 1024} KiB at most.")
        if session is not None:
            await self._put(session, company_id, name, value)
            return
        async with self._database.write() as own:
            await self._put(own, company_id, name, value)

    async def get(self, company_id: str, name: str) -> str | None:
        """Return a secret, None when there is none of this name."""
        async with self._database.read() as session:
            sealed = await session.scalar(select(SecretRow.value).where(*_of(company_id, name)))
        return None if sealed is None else self._sealer.open(company_id, name, sealed)

    async def remove(self, company_id: str, name: str, *, session: AsyncSession | None = None) -> bool:
        """Delete a secret; False when there is none of this name."""
        if session is not None:
            return await _remove(session, company_id, name)
        async with self._database.write() as own:
            return await _remove(own, company_id, name)

    async def names(self, company_id: str, prefix: str = "") -> list[str]:
        """Return the names that begin with `prefix`, sorted."""
        query = select(SecretRow.name).where(SecretRow.company_id == company_id)
        if prefix:
            query = query.where(SecretRow.name.startswith(prefix, autoescape=True))
        async with self._database.read() as session:
            found = await session.scalars(query)
            return sorted(name for name in found if name.startswith(prefix))  # SQLite's LIKE minds no capitals

    async def reseal(self) -> int:
        """Seal anew, with the current key, what is sealed with older ones; return how many were.

        In batches: whoever stops it loses nothing, the next round goes on. Raises StorageError at the first that cannot
        be opened, which is left as it is.
        """
        total, last = 0, ""
        while batch := await self._after(last):
            total += await self._reseal(batch)
            last = batch[-1].id
        return total

    async def key_ids(self) -> set[str]:
        """Return the ids of the keys that the stored secrets are sealed with."""
        found: set[str] = set()
        last = ""
        while batch := await self._after(last):
            found.update(key_of(row.value) for row in batch)
            last = batch[-1].id
        return found

    async def _put(self, session: AsyncSession, company_id: str, name: str, value: str) -> None:
        now = self._clock.now()
        row = await session.scalar(select(SecretRow).where(*_of(company_id, name)).with_for_update())
        # Sealed inside the transaction, so that as little time as can be lies between the choice of the key and the
        # row that another process sees when it rotates.
        sealed = self._sealer.seal(company_id, name, value)
        if row is None:
            row = SecretRow(company_id=company_id, name=name, value=sealed, version=1, created_at=now, updated_at=now)
            session.add(row)
        else:
            row.value, row.version, row.updated_at = sealed, row.version + 1, now
        await session.flush()

    async def _after(self, row_id: str) -> Sequence[SecretRow]:
        query = select(SecretRow).where(SecretRow.id > row_id).order_by(SecretRow.id).limit(_TOGETHER)
        query = query.execution_options(**every_company("the key is the installation's"))
        async with self._database.read() as session:
            return (await session.scalars(query)).all()

    async def _reseal(self, rows: Sequence[SecretRow]) -> int:
        old = [row for row in rows if not self._sealer.is_current(row.value)]
        if not old:
            return 0
        async with self._database.write() as session:
            for row in old:
                try:
                    value = self._sealer.open(row.company_id, row.name, row.value)
                except StorageError as error:
                    raise StorageError(
                        f"{error.message} It belongs to the company {row.company_id!r}.", error.remedy
                    ) from None
                sealed = self._sealer.seal(row.company_id, row.name, value)
                # One that was replaced meanwhile is left alone.
                same = (SecretRow.company_id == row.company_id, SecretRow.id == row.id, SecretRow.value == row.value)
                change = update(SecretRow).where(*same).values(value=sealed)
                await session.execute(change.execution_options(unaudited="the secret stays what it was"))
        return len(old)


def _of(company_id: str, name: str) -> tuple[ColumnElement[bool], ...]:
    return SecretRow.company_id == company_id, SecretRow.name == name


async def _remove(session: AsyncSession, company_id: str, name: str) -> bool:
    row = await session.scalar(select(SecretRow).where(*_of(company_id, name)))
    if row is None:
        return False
    await session.delete(row)
    return True
