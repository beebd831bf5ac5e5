"""Sessions: sign-ins that last, each with a refresh token that is good once."""

import builtins
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache

from sqlalchemy import BindParameter, ColumnElement, Select, String, bindparam, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.clock import Clock
from services.errors import NotFoundError
from services.storage.audit.hook import note_in
from services.storage.database import Database
from services.storage.isolation import every_company
from services.storage.people.account_tables import UserRow
from services.storage.people.sign_in_tables import SessionRow
from services.storage.people.users import OWNER, UserRecord, user_record
from services.storage.tables import CompanyRow

LIFETIME = timedelta(days=30)
"""How long a session lasts since it was last refreshed."""
GRACE = timedelta(seconds=10)
_ANYWHERE = every_company("a token names no company")
MOST = 100
"""Sessions of a user; the one that was not used for longest gives way to the next sign-in."""


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """A session that is alive; `last_used_at` is when it was refreshed, from `address` with `user_agent`."""

    id: str
    company_id: str
    user_id: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    address: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request of a person comes from, as it is shown in the list of sessions."""

    address: str = ""
    user_agent: str = ""


class Turn(StrEnum):
    """What became of a refresh token: exchanged, exchanged a moment ago already, used up (so stolen), or unknown."""

    ROTATED = "rotated"
    REPEATED = "repeated"
    STOLEN = "stolen"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Refreshed:
    """The outcome of a refresh; `fresh` tells whether the token offered as the next one is the stored one."""

    turn: Turn
    session_id: str = ""
    user: UserRecord | None = None
    fresh: bool = False


class Sessions:
    """The sessions of each user."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def open(self, user: UserRecord, family_hash: str, refresh_hash: str, origin: Origin) -> str | None:
        """Begin a session and note the sign-in; return its id.

        None when the password, which was checked against `user.password_hash`, or the user's state is another by now.
        """
        now = self._clock.now()
        async with self._database.write() as session:
            query = select(UserRow).where(UserRow.company_id == user.company_id, UserRow.id == user.id)
            row = await session.scalar(query.with_for_update())
            if row is None or not row.active or row.password_hash != user.password_hash:
                return None
            company_open = await session.scalar(select(CompanyRow.active).where(CompanyRow.id == user.company_id))
            if not company_open and row.role != OWNER:
                return None
            await _make_room(session, user, now)
            begun = SessionRow(
                company_id=user.company_id,
                user_id=user.id,
                family_hash=family_hash,
                refresh_hash=refresh_hash,
                rotated_at=now,
                created_at=now,
                last_used_at=now,
                expires_at=now + LIFETIME,
                address=origin.address,
                user_agent=origin.user_agent,
            )
            session.add(begun)
            row.last_sign_in_at = now
            note_in(session.sync_session, "sign-in", "users", user.id, company_id=user.company_id)
            await session.flush()
            return begun.id

    async def holder(self, session_id: str, user_id: str) -> UserRecord | None:
        """Return the user of a session; None unless session, user and company are all good now. One read."""
        asked = {"user": user_id, "session": session_id, "now": self._clock.now()}
        row = await self._database.look(lambda session: session.scalar(_holder(), asked), single=True)
        return None if row is None else user_record(row)

    async def rotate(self, family_hash: str, shown_hash: str, next_hash: str, origin: Origin) -> Refreshed:
        """Exchange the half of a refresh token that is good once for the next one; the session lasts 30 days from now.

        A half that was exchanged within the last 10 s is answered with its successor again: two tabs at once, or an
        answer that was lost. Any other half in a living family has been copied: the session is revoked.
        """
        now = self._clock.now()
        query = (
            select(SessionRow, UserRow)
            .join(UserRow, UserRow.id == SessionRow.user_id)
            .join(CompanyRow, CompanyRow.id == UserRow.company_id)
            .where(SessionRow.family_hash == family_hash, *_alive(now))
            .with_for_update(of=SessionRow)
        )
        async with self._database.write() as session:
            found = (await session.execute(query.execution_options(**_ANYWHERE))).one_or_none()
            if found is None:
                return Refreshed(Turn.UNKNOWN)
            row, user = found
            if shown_hash == row.refresh_hash:
                row.previous_hash, row.refresh_hash, row.rotated_at = shown_hash, next_hash, now
                row.last_used_at, row.expires_at = now, now + LIFETIME
                row.address, row.user_agent = origin.address, origin.user_agent
                return Refreshed(Turn.ROTATED, row.id, user_record(user), fresh=True)
            if shown_hash == row.previous_hash and now - row.rotated_at <= GRACE:
                return Refreshed(Turn.REPEATED, row.id, user_record(user), fresh=next_hash == row.refresh_hash)
            row.revoked_at = now
            detail = {"session": row.id, "address": origin.address}
            note_in(session.sync_session, "refuse-used-token", "users", user.id, detail, company_id=user.company_id)
            return Refreshed(Turn.STOLEN, row.id, user_record(user))

    async def list(self, company_id: str, user_id: str) -> builtins.list[SessionRecord]:
        """Return the living sessions of a user, the last used first."""
        query = select(SessionRow).where(*_of(company_id, user_id), SessionRow.expires_at > self._clock.now())
        async with self._database.read() as session:
            return [_record(row) for row in await session.scalars(query.order_by(SessionRow.last_used_at.desc()))]

    async def revoke(self, company_id: str, user_id: str, session_id: str) -> None:
        """End a session of a user. Raises NotFoundError."""
        query = select(SessionRow).where(*_of(company_id, user_id), SessionRow.id == session_id)
        async with self._database.write() as session:
            row = await session.scalar(query)
            if row is None:
                raise NotFoundError("There is no such session.")
            row.revoked_at = self._clock.now()
            note_in(session.sync_session, "end-sessions", "users", user_id, {"sessions": 1}, company_id=company_id)

    async def revoke_all(self, company_id: str, user_id: str, *, keep: str = "") -> int:
        """End all sessions of a user but the one to keep; return how many."""
        change = update(SessionRow).where(*_of(company_id, user_id), SessionRow.id != keep)
        async with self._database.write() as session:
            rows = await session.scalars(change.values(revoked_at=self._clock.now()).returning(SessionRow.id))
            if ended := len(rows.all()):
                detail = {"sessions": ended}
                note_in(session.sync_session, "end-sessions", "users", user_id, detail, company_id=company_id)
            return ended


@cache
def _holder() -> Select[UserRow]:
    """Select the user of a living session, with `user`, `session` and `now`: made once, as every request asks it."""
    named = UserRow.id == bindparam("user", type_=String), SessionRow.id == bindparam("session", type_=String)
    query = (
        select(UserRow)
        .join(SessionRow, SessionRow.user_id == UserRow.id)
        .join(CompanyRow, CompanyRow.id == UserRow.company_id)
        .where(*named, *_alive(bindparam("now", type_=SessionRow.expires_at.type)))
    )
    return query.execution_options(**_ANYWHERE)


def _alive(now: datetime | BindParameter[datetime]) -> tuple[ColumnElement[bool], ...]:
    """Return what must hold for a session to count; the owner gets into a company that was deactivated, too."""
    return (
        SessionRow.revoked_at.is_(None),
        SessionRow.expires_at > now,
        UserRow.active.is_(True),
        or_(CompanyRow.active.is_(True), UserRow.role == OWNER),
    )


def _of(company_id: str, user_id: str) -> tuple[ColumnElement[bool], ...]:
    return SessionRow.company_id == company_id, SessionRow.user_id == user_id, SessionRow.revoked_at.is_(None)


async def _make_room(session: AsyncSession, user: UserRecord, now: datetime) -> None:
    """Drop the sessions of a user that are over, and the least recent of too many."""
    of_user = (SessionRow.company_id == user.company_id, SessionRow.user_id == user.id)
    over = or_(SessionRow.revoked_at.is_not(None), SessionRow.expires_at <= now)
    await session.execute(delete(SessionRow).where(*of_user, over))
    query = select(SessionRow.id).where(*of_user)
    surplus = await session.scalars(query.order_by(SessionRow.last_used_at.desc(), SessionRow.id).offset(MOST - 1))
    if too_many := surplus.all():
        await session.execute(delete(SessionRow).where(*of_user, SessionRow.id.in_(too_many)))


def _record(row: SessionRow) -> SessionRecord:
    return SessionRecord(
        id=row.id,
        company_id=row.company_id,
        user_id=row.user_id,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        expires_at=row.expires_at,
        address=row.address,
        user_agent=row.user_agent,
    )
