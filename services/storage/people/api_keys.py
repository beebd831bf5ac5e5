"""API keys as they are stored: by hash, with what each may do; of whom it is, and whether that user is still let in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.clock import Clock, LoopClock
from services.domain import Reach
from services.errors import ConflictError, NotFoundError
from services.storage.database import Database
from services.storage.editing import expect_version, set_changed
from services.storage.isolation import every_company
from services.storage.pages import cut, page_of
from services.storage.people.account_tables import UserRow
from services.storage.people.key_tables import ApiKeyRow
from services.storage.tables import CompanyRow

_OWNER = "owner"
MOST = 100
"""Keys of one user in one company that are neither revoked nor over."""


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key; `prefix` is its beginning, to recognise it by. `revoked_at` and `expires_at` are None while it is good."""

    id: str
    company_id: str
    owner_id: str
    name: str
    prefix: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """A key with its user: `role` and `home` (the company) are the user's; `active` when user and company are."""

    key: StoredKey
    username: str
    role: str
    home: str
    active: bool


class KeyBook:
    """The keys of each company. Methods raise StorageError; a key out of reach is NotFoundError."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or LoopClock()

    async def add(
        self,
        company_id: str,
        owner_id: str,
        *,
        name: str,
        prefix: str,
        digest: str,
        scopes: Sequence[str],
        expires_at: datetime | None,
    ) -> StoredKey:
        """Store a new key. Raises ConflictError when the user has too many."""
        now = self._clock.now()
        row = ApiKeyRow(
            company_id=company_id,
            owner_id=owner_id,
            name=name,
            prefix=prefix,
            hash=digest,
            scopes=list(scopes),
            created_at=now,
            expires_at=expires_at,
            version=1,
        )
        async with self._database.write() as session:
            if (await session.scalar(_live(company_id, owner_id, now)) or 0) >= MOST:
                raise ConflictError(f"There are {MOST} keys of this user already.", "Revoke those that nobody needs.")
            session.add(row)
            await session.flush()
            return _record(row)

    async def by_digest(self, digest: str) -> KeyHolder | None:
        """Return the key of this hash with its user, None when there is none."""
        query = (
            select(ApiKeyRow, UserRow, CompanyRow.active)
            .join(UserRow, UserRow.id == ApiKeyRow.owner_id)
            .join(CompanyRow, CompanyRow.id == ApiKeyRow.company_id)
            .where(ApiKeyRow.hash == digest)
            .execution_options(**every_company("a key tells its company"))
        )
        found = await self._database.look(lambda session: session.execute(query).one_or_none(), single=True)
        if found is None:
            return None
        row, user, company_active = found
        active = user.active and (company_active or user.role == _OWNER)
        return KeyHolder(_record(row), user.username, user.role, user.company_id, bool(active))

    async def list(
        self, reach: Reach, limit: int = 50, cursor: str | None = None
    ) -> tuple[tuple[StoredKey, ...], str | None]:
        """Return (keys, next cursor), newest first, the revoked ones, too."""
        query = page_of(_within(reach), ApiKeyRow.created_at, ApiKeyRow.id, limit, cursor)
        async with self._database.read() as session:
            rows = (await session.scalars(query)).all()
        return cut(rows, limit, _record, lambda row: (row.created_at, row.id))

    async def get(self, reach: Reach, key_id: str) -> StoredKey:
        """Return a key."""
        async with self._database.read() as session:
            return _record(await _require(session, _within(reach), key_id))

    async def rename(self, reach: Reach, key_id: str, name: str, expected: int | None = None) -> StoredKey:
        """Give a key another name. Raises StaleError when it is not the `expected` version any more."""
        async with self._database.write() as session:
            row = await _require(session, _within(reach).with_for_update(), key_id)
            expect_version(row.version, expected)
            row.version += set_changed(row, {"name": name})
            return _record(row)

    async def revoke(self, reach: Reach, key_id: str) -> None:
        """End a key for good; it stays in the list. One that is revoked already stays as it is."""
        async with self._database.write() as session:
            row = await _require(session, _within(reach).with_for_update(), key_id)
            if row.revoked_at is None:
                row.revoked_at, row.version = self._clock.now(), row.version + 1

    async def used(self, company_id: str, key_id: str, at: datetime) -> None:
        """Note when a key was used last; nobody's change, so the version stays."""
        key = ApiKeyRow.company_id == company_id, ApiKeyRow.id == key_id
        change = update(ApiKeyRow).where(*key).values(last_used_at=at)
        async with self._database.write() as session:
            await session.execute(change.execution_options(unaudited="nobody has changed anything"))


def _within(reach: Reach) -> Select[ApiKeyRow]:
    query = select(ApiKeyRow).where(ApiKeyRow.company_id == reach.company_id)
    return query if reach.owner_id is None else query.where(ApiKeyRow.owner_id == reach.owner_id)


def _live(company_id: str, owner_id: str, now: datetime) -> Select[int]:
    return select(func.count()).where(
        ApiKeyRow.company_id == company_id,
        ApiKeyRow.owner_id == owner_id,
        ApiKeyRow.revoked_at.is_(None),
        or_(ApiKeyRow.expires_at.is_(None), ApiKeyRow.expires_at > now),
    )


async def _require(session: AsyncSession, within: Select[ApiKeyRow], key_id: str) -> ApiKeyRow:
    row: ApiKeyRow | None = await session.scalar(within.where(ApiKeyRow.id == key_id))
    if row is None:
        raise NotFoundError("There is no such key.")
    return row


def _record(row: ApiKeyRow) -> StoredKey:
    return StoredKey(
        id=row.id,
        company_id=row.company_id,
        owner_id=row.owner_id,
        name=row.name,
        prefix=row.prefix,
        scopes=tuple(row.scopes),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
        version=row.version,
    )
