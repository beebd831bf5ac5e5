"""Users: who may sign in. Every change is checked in the transaction that writes it."""

import builtins
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, tuple_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services.clock import Clock, LoopClock
from services.errors import AccountError, ConflictError, ForbiddenError, NotFoundError, StaleError
from services.storage import cursor as cursors
from services.storage.database import Database
from services.storage.isolation import every_company
from services.storage.people.account_tables import UserRow
from services.storage.people.sign_in_tables import SessionRow
from services.storage.people.user_belongings import remove_belongings, void_links

OWNER = "owner"
_ANYWHERE = every_company("a sign-in names no company")
_OWNERS = every_company("the owners are the whole installation's")


@dataclass(frozen=True, slots=True)
class UserRecord:
    """A stored user; `role` is a services.accounts.roles.Role, `version` grows with each change but a sign-in.

    Nobody who is not `active` gets in. `language` is "" for the installation's. `password_hash` is never shown.
    """

    id: str
    company_id: str
    username: str
    password_hash: str
    role: str
    version: int
    created_at: datetime
    active: bool = True
    display_name: str = ""
    email: str = ""
    language: str = ""
    last_sign_in_at: datetime | None = None

    def __repr__(self) -> str:
        return f"UserRecord({self.username!r}, {self.role!r})"


@dataclass(frozen=True, slots=True)
class UserChange:
    """What is changed of a user; None leaves it as it is."""

    role: str | None = None
    active: bool | None = None
    display_name: str | None = None
    email: str | None = None
    language: str | None = None


class Users:
    """The users of each company.

    Only `by_name` and `get` look into every company, for a sign-in. `within` are the roles that whoever asks may touch
    and give (None: all): ForbiddenError for another.
    """

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or LoopClock()

    async def by_name(self, username: str) -> UserRecord | None:
        """Return the user of this name, of whatever company: a sign-in names none."""
        async with self._database.read() as session:
            row = await _by_name(session, username)
            return None if row is None else user_record(row)

    async def get(self, user_id: str) -> UserRecord | None:
        """Return a user by an id that a token vouches for."""
        async with self._database.read() as session:
            query = select(UserRow).where(UserRow.id == user_id)
            row = await session.scalar(query.execution_options(**_ANYWHERE))
            return None if row is None else user_record(row)

    async def find(self, company_id: str, user_id: str) -> UserRecord:
        """Return a user of the company. Raises NotFoundError."""
        async with self._database.read() as session:
            return user_record(await require_user(session, company_id, user_id))

    async def list(self, company_id: str) -> builtins.list[UserRecord]:
        """Return a company's users by name."""
        query = select(UserRow).where(UserRow.company_id == company_id).order_by(UserRow.username)
        async with self._database.read() as session:
            return [user_record(row) for row in await session.scalars(query)]

    async def page(
        self, company_id: str, limit: int, cursor: str | None
    ) -> tuple[builtins.list[UserRecord], str | None]:
        """Return a page of a company's users, newest first, and the cursor of the next one."""
        query = select(UserRow).where(UserRow.company_id == company_id)
        if cursor:
            query = query.where(tuple_(UserRow.created_at, UserRow.id) < tuple_(*cursors.decode(cursor)))
        query = query.order_by(UserRow.created_at.desc(), UserRow.id.desc()).limit(limit + 1)
        async with self._database.read() as session:
            rows = (await session.scalars(query)).all()
        following = cursors.encode(rows[limit - 1].created_at, rows[limit - 1].id) if len(rows) > limit else None
        return [user_record(row) for row in rows[:limit]], following

    async def count(self, role: str) -> int:
        """Return how many active users of the installation have this role."""
        query = select(func.count()).where(UserRow.role == role, UserRow.active).execution_options(**_OWNERS)
        async with self._database.read() as session:
            return await session.scalar(query) or 0

    async def add(
        self,
        company_id: str,
        username: str,
        password_hash: str,
        role: str,
        *,
        display_name: str = "",
        email: str = "",
        language: str = "",
    ) -> UserRecord:
        """Store a new user. Raises AccountError when the name is taken, StorageError."""
        async with self._database.write() as session:
            row = await add_user(session, self._clock.now(), company_id, username, password_hash, role)
            row.display_name, row.email, row.language = display_name, email, language
            await session.flush()
            return user_record(row)

    async def edit(
        self,
        company_id: str,
        user_id: str,
        change: UserChange,
        *,
        expected: int | None = None,
        within: Collection[str] | None = None,
    ) -> UserRecord:
        """Change a user; who is no longer active is signed out everywhere. With another role open links are void.

        Raises NotFoundError, StaleError when `expected` is not the version that is stored, ForbiddenError, and
        ConflictError when no active owner would be left.
        """
        async with self._database.write() as session:
            row = await self._changeable(session, company_id, user_id, within)
            if expected is not None and row.version != expected:
                raise StaleError("Somebody else has changed this user.", "Read it again and repeat the change.")
            if change.role is not None and within is not None and change.role not in within:
                raise ForbiddenError(f"You may not give the role {change.role}.")
            stays = (change.role or row.role) == OWNER and change.active is not False
            if not stays:
                await _keep_an_owner(session, row)
            if change.active is False or change.role not in (None, row.role):
                await void_links(session, row)
            for name in ("role", "active", "display_name", "email", "language"):
                if (value := getattr(change, name)) is not None:
                    setattr(row, name, value)
            self._touch(row)
            if not row.active:
                await end_sessions(session, row, self._clock.now())
            return user_record(row)

    async def set_password(
        self, company_id: str, user_id: str, password_hash: str, *, keep_session: str = "", instead_of: str = ""
    ) -> None:
        """Replace the hash of a password; every session but `keep_session` ends.

        With `instead_of` that must still be the stored hash: ConflictError when the password was changed meanwhile.
        Raises NotFoundError.
        """
        async with self._database.write() as session:
            row = await require_user(session, company_id, user_id, lock=True)
            if instead_of and row.password_hash != instead_of:
                raise ConflictError("The password was changed meanwhile.", "Begin again with the new one.")
            row.password_hash = password_hash
            await void_links(session, row, invitations=False)
            self._touch(row)
            await end_sessions(session, row, self._clock.now(), keep=keep_session)

    async def renew_hash(self, company_id: str, user_id: str, password_hash: str, *, instead_of: str) -> bool:
        """Store another hash of the same password; False, and nothing is done, when it was changed meanwhile."""
        found = (UserRow.company_id == company_id, UserRow.id == user_id, UserRow.password_hash == instead_of)
        change = update(UserRow).where(*found).values(password_hash=password_hash)
        change = change.returning(UserRow.id).execution_options(unaudited="the password stays the same")
        async with self._database.write() as session:
            return await session.scalar(change) is not None

    async def remove(self, company_id: str, user_id: str, *, within: Collection[str] | None = None) -> None:
        """Delete a user with sessions, second factor, API keys and chats.

        Raises NotFoundError, ForbiddenError, and ConflictError for the last active owner and for a user that owns
        something else.
        """
        async with self._database.write() as session:
            row = await self._changeable(session, company_id, user_id, within)
            await _keep_an_owner(session, row)
            await remove_belongings(session, row)
            await session.delete(row)

    async def _changeable(
        self, session: AsyncSession, company_id: str, user_id: str, within: Collection[str] | None
    ) -> UserRow:
        # All owners are locked before the user, always in one order: two owners who remove each other at once on
        # PostgreSQL come one after the other. SQLite has one writer anyhow.
        owners = select(UserRow.id).where(UserRow.role == OWNER).order_by(UserRow.id).with_for_update()
        await session.execute(owners.execution_options(**_OWNERS))
        row = await require_user(session, company_id, user_id, lock=True)
        if within is not None and row.role not in within:
            raise ForbiddenError(f"You may not change a user with the role {row.role}.")
        return row

    def _touch(self, row: UserRow) -> None:
        row.version += 1
        row.updated_at = self._clock.now()


async def add_user(
    session: AsyncSession, now: datetime, company_id: str, username: str, password_hash: str, role: str
) -> UserRow:
    """Store a new user within a transaction. Raises AccountError when the name is taken."""
    taken = AccountError(f"There is a user named {username!r} already.", "Choose another name.")
    if await _by_name(session, username) is not None:
        raise taken
    row = UserRow(
        company_id=company_id,
        username=username,
        password_hash=password_hash,
        role=role,
        active=True,
        version=1,
        created_at=now,
        updated_at=now,
    )
    session.add(row)
    try:
        await session.flush()
    except IntegrityError as error:
        if "username" not in str(error.orig):
            raise
        raise taken from None  # by another process, a moment ago
    return row


async def require_user(session: AsyncSession, company_id: str, user_id: str, *, lock: bool = False) -> UserRow:
    """Return a user of the company within a transaction. Raises NotFoundError."""
    query = select(UserRow).where(UserRow.company_id == company_id, UserRow.id == user_id)
    row: UserRow | None = await session.scalar(query.with_for_update() if lock else query)
    if row is None:
        raise NotFoundError("There is no such user.")
    return row


async def end_sessions(session: AsyncSession, user: UserRow, now: datetime, *, keep: str = "") -> None:
    """Revoke all sessions of a user, but for the one to keep."""
    of_user = (*_sessions_of(user), SessionRow.id != keep, SessionRow.revoked_at.is_(None))
    await session.execute(update(SessionRow).where(*of_user).values(revoked_at=now))


def _sessions_of(user: UserRow) -> tuple[ColumnElement[bool], ...]:
    return SessionRow.company_id == user.company_id, SessionRow.user_id == user.id


async def count_owners(session: AsyncSession, *, but: str = "") -> int:
    """Return how many active owners there are beside one."""
    query = select(func.count()).where(UserRow.role == OWNER, UserRow.active, UserRow.id != but)
    return await session.scalar(query.execution_options(**_OWNERS)) or 0


async def _keep_an_owner(session: AsyncSession, row: UserRow) -> None:
    if row.role == OWNER and row.active and not await count_owners(session, but=row.id):
        raise ConflictError(f"{row.username} is the only owner.", "Add another owner first.")


async def _by_name(session: AsyncSession, username: str) -> UserRow | None:
    row: UserRow | None = await session.scalar(
        select(UserRow).where(UserRow.username == username).execution_options(**_ANYWHERE)
    )
    return row


def user_record(row: UserRow) -> UserRecord:
    """Return the record of a stored user."""
    return UserRecord(
        id=row.id,
        company_id=row.company_id,
        username=row.username,
        password_hash=row.password_hash,
        role=row.role,
        version=row.version,
        created_at=row.created_at,
        active=row.active,
        display_name=row.display_name,
        email=row.email,
        language=row.language,
        last_sign_in_at=row.last_sign_in_at,
    )
