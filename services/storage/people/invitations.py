"""Links that are good once: to set the installation up, to join it, to choose another password."""

import builtins
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, delete, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from services.clock import Clock
from services.errors import ConflictError, NotFoundError, RefusedError
from services.storage import cursor as cursors
from services.storage.database import Database
from services.storage.isolation import every_company
from services.storage.people.sign_in_tables import InvitationRow
from services.storage.people.users import (
    OWNER,
    UserRecord,
    add_user,
    count_owners,
    end_sessions,
    require_user,
    user_record,
)
from services.storage.tables import CompanyRow

Kind = Literal["setup", "invitation", "reset"]
_WHOLE = every_company("what is over goes, whoever's it is")
_FOUND_BY_TOKEN = every_company("a link tells its company")
_VOID = "This link is not good, or not any more."
_ASK = "Ask for another one."


@dataclass(frozen=True, slots=True)
class InvitationRecord:
    """A link that nobody has used yet; `username` and `email` are "" where the inviter gave none."""

    id: str
    company_id: str
    kind: Kind
    user_id: str
    username: str
    email: str
    role: str
    invited_by: str
    created_at: datetime
    expires_at: datetime


class Invitations:
    """The open links of each company. A used one is deleted in the transaction of what it was for."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def add(self, record: InvitationRecord, token_hash: str) -> None:
        """Store a link. One for set-up, or for a user's password, replaces those before it."""
        async with self._database.write() as session:
            over = delete(InvitationRow).where(InvitationRow.expires_at <= self._clock.now())
            await session.execute(over.execution_options(unaudited="they are void by time", **_WHOLE))
            if record.kind != "invitation":
                replaced = delete(InvitationRow).where(
                    InvitationRow.company_id == record.company_id,
                    InvitationRow.kind == record.kind,
                    InvitationRow.user_id == (record.user_id or None),
                )
                await session.execute(replaced.execution_options(unaudited="the new one replaces them"))
            session.add(InvitationRow(**{**asdict(record), "user_id": record.user_id or None}, token_hash=token_hash))

    async def look(self, token_hash: str, kinds: tuple[Kind, ...]) -> InvitationRecord:
        """Return the link of a token without using it. Raises RefusedError when it is not good, or not any more."""
        async with self._database.read() as session:
            return _record(await self._good(session, token_hash, kinds))

    async def page(
        self, company_id: str, limit: int, cursor: str | None
    ) -> tuple[builtins.list[InvitationRecord], str | None]:
        """Return a page of a company's open invitations, newest first, and the cursor of the next one."""
        query = select(InvitationRow).where(*self._open(company_id))
        if cursor:
            query = query.where(tuple_(InvitationRow.created_at, InvitationRow.id) < tuple_(*cursors.decode(cursor)))
        query = query.order_by(InvitationRow.created_at.desc(), InvitationRow.id.desc()).limit(limit + 1)
        async with self._database.read() as session:
            rows = (await session.scalars(query)).all()
        following = cursors.encode(rows[limit - 1].created_at, rows[limit - 1].id) if len(rows) > limit else None
        return [_record(row) for row in rows[:limit]], following

    async def get(self, company_id: str, invitation_id: str) -> InvitationRecord:
        """Return an open invitation. Raises NotFoundError."""
        query = select(InvitationRow).where(*self._open(company_id), InvitationRow.id == invitation_id)
        async with self._database.read() as session:
            row = await session.scalar(query)
            if row is None:
                raise _missing()
            return _record(row)

    async def remove(self, company_id: str, invitation_id: str) -> None:
        """Take an invitation back. Raises NotFoundError."""
        query = select(InvitationRow).where(
            InvitationRow.company_id == company_id,
            InvitationRow.id == invitation_id,
            InvitationRow.kind == "invitation",
        )
        async with self._database.write() as session:
            row = await session.scalar(query)
            if row is None:
                raise _missing()
            await session.delete(row)

    async def join(self, token_hash: str, username: str, password_hash: str) -> UserRecord:
        """Make the user that an invitation is for, and use it up. Raises RefusedError, AccountError (a taken name)."""
        now = self._clock.now()
        async with self._database.write() as session:
            row = await self._good(session, token_hash, ("invitation",), lock=True)
            user = await add_user(session, now, row.company_id, username, password_hash, row.role)
            user.email = row.email
            await session.delete(row)
            await session.flush()
            return user_record(user)

    async def reset(self, token_hash: str, password_hash: str) -> UserRecord:
        """Give a user another password and end all sessions, and use the link up. Raises RefusedError."""
        now = self._clock.now()
        async with self._database.write() as session:
            row = await self._good(session, token_hash, ("reset",), lock=True)
            user = await require_user(session, row.company_id, row.user_id or "", lock=True)
            if not user.active:
                raise RefusedError(_VOID, _ASK)
            user.password_hash, user.updated_at = password_hash, now
            user.version += 1
            await end_sessions(session, user, now)
            await session.delete(row)
            return user_record(user)

    async def set_up(self, token_hash: str, username: str, password_hash: str, company_name: str) -> UserRecord:
        """Make the first owner, name the company, and use the link up.

        Raises RefusedError, AccountError (a taken name), ConflictError when there is an owner by now.
        """
        now = self._clock.now()
        async with self._database.write() as session:
            row = await self._good(session, token_hash, ("setup",), lock=True)
            if await count_owners(session):
                raise ConflictError("This installation has an owner already.", "Ask the owner for an invitation.")
            company = await session.get_one(CompanyRow, row.company_id)
            if company_name:
                company.name, company.updated_at = company_name, now
                company.facts = {  # callers hear a name of the facts first, and there it is the sample company's
                    language: {key: text for key, text in facts.items() if key != "name"}
                    for language, facts in company.facts.items()
                }
                company.version += 1
            user = await add_user(session, now, row.company_id, username, password_hash, OWNER)
            await session.delete(row)
            await session.flush()
            return user_record(user)

    def _open(self, company_id: str) -> tuple[ColumnElement[bool], ...]:
        of_company = InvitationRow.company_id == company_id
        return of_company, InvitationRow.kind == "invitation", InvitationRow.expires_at > self._clock.now()

    async def _good(
        self, session: AsyncSession, token_hash: str, kinds: tuple[Kind, ...], *, lock: bool = False
    ) -> InvitationRow:
        query = (
            select(InvitationRow)
            .where(
                InvitationRow.token_hash == token_hash,
                InvitationRow.kind.in_(kinds),
                InvitationRow.expires_at > self._clock.now(),
            )
            .execution_options(**_FOUND_BY_TOKEN)
        )
        row: InvitationRow | None = await session.scalar(query.with_for_update() if lock else query)
        if row is None:
            raise RefusedError(_VOID, _ASK)
        return row


def _missing() -> NotFoundError:
    return NotFoundError("There is no such invitation.")


def _record(row: InvitationRow) -> InvitationRecord:
    return InvitationRecord(
        id=row.id,
        company_id=row.company_id,
        kind=row.kind,  # type: ignore[arg-type] # only these kinds are stored
        user_id=row.user_id or "",
        username=row.username,
        email=row.email,
        role=row.role,
        invited_by=row.invited_by,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
