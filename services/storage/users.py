"""Users: who may sign in, by name and by id."""

import builtins
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.clock import Clock, LoopClock
from services.errors import AccountError
from services.storage.account_tables import UserRow
from services.storage.database import Database


@dataclass(frozen=True, slots=True)
class UserRecord:
    """A stored user; `role` is a services.accounts.roles.Role, `version` grows with each change of it or the password.

    `password_hash` is never shown.
    """

    id: str
    company_id: str
    username: str
    password_hash: str
    role: str
    version: int
    created_at: datetime

    def __repr__(self) -> str:
        return f"UserRecord({self.username!r}, {self.role!r})"


class Users:
    """The users of each company."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or LoopClock()

    async def add(self, company_id: str, username: str, password_hash: str, role: str) -> UserRecord:
        """Store a new user. Raises AccountError when the name is taken, StorageError."""
        now = self._clock.now()
        async with self._database.write() as session:
            if await _by_name(session, username) is not None:
                raise AccountError(f"There is a user named {username!r} already.", "Choose another name.")
            row = UserRow(
                company_id=company_id,
                username=username,
                password_hash=password_hash,
                role=role,
                version=1,
                created_at=now,
                updated_at=now,
            )
            session.add(row)
            await session.flush()
            return _record(row)

    async def by_name(self, username: str) -> UserRecord | None:
        """Return the user of this name, of whatever company: a sign-in names none."""
        async with self._database.read() as session:
            row = await _by_name(session, username)
            return None if row is None else _record(row)

    async def get(self, user_id: str) -> UserRecord | None:
        """Return a user by the id that a token holds."""
        async with self._database.read() as session:
            row = await session.get(UserRow, user_id)
            return None if row is None else _record(row)

    async def list(self, company_id: str) -> builtins.list[UserRecord]:
        """Return a company's users by name."""
        query = select(UserRow).where(UserRow.company_id == company_id).order_by(UserRow.username)
        async with self._database.read() as session:
            return [_record(row) for row in await session.scalars(query)]

    async def count(self, role: str) -> int:
        """Return how many users of the installation have this role."""
        async with self._database.read() as session:
            return await session.scalar(select(func.count()).where(UserRow.role == role)) or 0

    async def set_password(
        self, company_id: str, user_id: str, password_hash: str, *, ends_sessions: bool, instead_of: str = ""
    ) -> None:
        """Replace the hash of a password; with `ends_sessions` the version grows, which voids every token.

        With `instead_of` nothing is replaced unless that is still the hash: the password may have been changed
        meanwhile. Raises AccountError when the company has no such user.
        """
        async with self._database.write() as session:
            row = await _require(session, company_id, user_id)
            if instead_of and row.password_hash != instead_of:
                return
            row.password_hash, row.updated_at = password_hash, self._clock.now()
            row.version += int(ends_sessions)

    async def remove(self, company_id: str, user_id: str) -> None:
        """Delete a user. Raises AccountError when the company has no such user."""
        async with self._database.write() as session:
            await session.delete(await _require(session, company_id, user_id))


async def _by_name(session: AsyncSession, username: str) -> UserRow | None:
    row: UserRow | None = await session.scalar(select(UserRow).where(UserRow.username == username))
    return row


async def _require(session: AsyncSession, company_id: str, user_id: str) -> UserRow:
    query = select(UserRow).where(UserRow.company_id == company_id, UserRow.id == user_id)
    row: UserRow | None = await session.scalar(query)
    if row is None:
        raise AccountError("There is no such user.")
    return row


def _record(row: UserRow) -> UserRecord:
    return UserRecord(row.id, row.company_id, row.username, row.password_hash, row.role, row.version, row.created_at)
