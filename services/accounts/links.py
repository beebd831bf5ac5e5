"""Links that are good once: to set the installation up, to join a company, to choose another password.

A link carries its token behind a "#", which no browser sends to any server or proxy; only the hash is stored.
"""

from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from services.accounts.credentials import expect_strong, good_name, hash_of, new_token, plain
from services.accounts.passwords import Passwords
from services.accounts.people import expect_within
from services.accounts.roles import Role
from services.clock import Clock
from services.errors import AccountError, ConflictError
from services.storage.columns import new_id
from services.storage.people.invitations import InvitationRecord, Invitations, Kind
from services.storage.people.users import UserRecord, Users

SET_UP = timedelta(hours=24)
INVITATION = timedelta(hours=72)
RESET = timedelta(hours=24)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Link:
    """A fresh link: `path` is what follows the address of this installation, and is told only now."""

    record: InvitationRecord
    path: str = field(repr=False)


class Links:
    """Makes links, and does what they are for."""

    def __init__(self, invitations: Invitations, users: Users, passwords: Passwords, clock: Clock) -> None:
        self._invitations = invitations
        self._users = users
        self._passwords = passwords
        self._clock = clock

    async def set_up_link(self, company_id: str) -> Link | None:
        """Make the link for the first owner, which replaces the one before; None when there is an owner."""
        if await self._users.count(Role.OWNER):
            return None
        return await self._make("setup", company_id, SET_UP, role=Role.OWNER)

    async def invite(
        self,
        company_id: str,
        role: Role,
        *,
        invited_by: str,
        by: Role = Role.OWNER,
        username: str = "",
        email: str = "",
    ) -> Link:
        """Invite somebody to join. Raises ForbiddenError, AccountError for a malformed or taken name."""
        expect_within(by, role)
        name = good_name(username) if username else ""
        if name and await self._users.by_name(name) is not None:
            raise AccountError(f"There is a user named {name!r} already.", "Choose another name.")
        link = await self._make("invitation", company_id, INVITATION, role, name, email, invited_by=invited_by)
        log.info("somebody was invited", role=role.value, user=invited_by)
        return link

    async def reset(self, company_id: str, user_id: str, *, invited_by: str, by: Role = Role.OWNER) -> Link:
        """Let a user choose another password; the old one is good until then.

        Raises NotFoundError, ForbiddenError, ConflictError for who is not active.
        """
        user = await self._users.find(company_id, user_id)
        expect_within(by, Role(user.role))
        if not user.active:
            raise ConflictError(f"{user.username} is deactivated.", "Activate the user first.")
        log.info("a password may be chosen anew", user=user.username)
        return await self._make("reset", company_id, RESET, user_id=user_id, invited_by=invited_by)

    async def join(self, token: str, username: str, password: str) -> UserRecord:
        """Accept an invitation; a name that it fixes wins. Raises RefusedError, AccountError."""
        found = await self._invitations.look(hash_of(token), ("invitation",))
        if found.username and username and plain(username) != found.username:
            raise AccountError("This invitation is for another name.", f"It is for {found.username!r}.")
        name = found.username or good_name(username)
        expect_strong(password, name)
        fresh = await self._passwords.hash(password)
        user = await self._invitations.join(hash_of(token), name, fresh)
        log.info("an invitation was accepted", user=user.username, role=user.role)
        return user

    async def choose_password(self, token: str, password: str) -> UserRecord:
        """Give the user of a reset link another password; all sessions end. Raises RefusedError, AccountError."""
        found = await self._invitations.look(hash_of(token), ("reset",))
        user = await self._users.find(found.company_id, found.user_id)
        expect_strong(password, user.username)
        user = await self._invitations.reset(hash_of(token), await self._passwords.hash(password))
        log.info("a password was chosen anew", user=user.username)
        return user

    async def set_up(self, token: str, username: str, password: str, company_name: str = "") -> UserRecord:
        """Make the first owner. Raises RefusedError, AccountError, ConflictError when there is an owner by now."""
        await self._invitations.look(hash_of(token), ("setup",))
        name = good_name(username)
        expect_strong(password, name)
        fresh = await self._passwords.hash(password)
        user = await self._invitations.set_up(hash_of(token), name, fresh, company_name.strip())
        log.info("the installation was set up", user=user.username)
        return user

    async def _make(
        self,
        kind: Kind,
        company_id: str,
        lifetime: timedelta,
        role: str = "",
        username: str = "",
        email: str = "",
        *,
        user_id: str = "",
        invited_by: str = "",
    ) -> Link:
        token = new_token()
        now = self._clock.now()
        record = InvitationRecord(
            id=new_id(),
            company_id=company_id,
            kind=kind,
            user_id=user_id,
            username=username,
            email=email,
            role=role,
            invited_by=invited_by,
            created_at=now,
            expires_at=now + lifetime,
        )
        await self._invitations.add(record, hash_of(token))
        return Link(record, f"/setup#{'token' if kind == 'setup' else kind}={token}")
