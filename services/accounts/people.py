"""People: the users of a company as administrators and commands change them.

Nobody touches who stands above him, and nobody gives a role above his own; the repositories check it in the
transaction that writes.
"""

import builtins

import structlog

from services.accounts.credentials import expect_strong, good_name, plain
from services.accounts.passwords import Passwords
from services.accounts.roles import Role
from services.accounts.second_factor import SecondFactor
from services.accounts.settings import OwnerSettings
from services.errors import AccountError, ForbiddenError, NotFoundError
from services.storage.people.sessions import SessionRecord, Sessions
from services.storage.people.users import UserChange, UserRecord, Users

_ASCENDING = (Role.GUEST, Role.USER, Role.ADMIN, Role.OWNER)

log = structlog.get_logger()


def within(role: Role) -> frozenset[str]:
    """Return the roles that somebody of this role may touch and give."""
    return frozenset(_ASCENDING[: _ASCENDING.index(role) + 1])


class People:
    """Adds, changes and removes users. `by` is the role of whoever asks: an owner's unless told otherwise."""

    def __init__(self, users: Users, sessions: Sessions, passwords: Passwords, second_factor: SecondFactor) -> None:
        self._users = users
        self._sessions = sessions
        self._passwords = passwords
        self._second_factor = second_factor

    async def add(
        self,
        company_id: str,
        username: str,
        password: str,
        role: Role,
        *,
        by: Role = Role.OWNER,
        display_name: str = "",
        email: str = "",
        language: str = "",
    ) -> UserRecord:
        """Make a user. Raises AccountError for a malformed or taken name and for a weak password, ForbiddenError."""
        expect_within(by, role)
        name = good_name(username)
        expect_strong(password, name)
        user = await self._users.add(
            company_id,
            name,
            await self._passwords.hash(password),
            role.value,
            display_name=display_name,
            email=email,
            language=language,
        )
        log.info("a user was added", user=user.username, role=user.role)
        return user

    async def list(self, company_id: str) -> builtins.list[UserRecord]:
        """Return a company's users by name."""
        return await self._users.list(company_id)

    async def page(
        self, company_id: str, limit: int, cursor: str | None
    ) -> tuple[builtins.list[UserRecord], str | None]:
        """Return a page of a company's users, newest first, and the cursor of the next one."""
        return await self._users.page(company_id, limit, cursor)

    async def find(self, company_id: str, user_id: str) -> UserRecord:
        """Return a user. Raises NotFoundError."""
        return await self._users.find(company_id, user_id)

    async def named(self, company_id: str, username: str) -> UserRecord:
        """Return the user of a name. Raises AccountError when the company has none."""
        user = await self._users.by_name(plain(username))
        if user is None or user.company_id != company_id:
            raise AccountError(f"There is no user named {username!r}.", "`secretary users list` names them.")
        return user

    async def edit(
        self, company_id: str, user_id: str, change: UserChange, *, expected: int | None = None, by: Role = Role.OWNER
    ) -> UserRecord:
        """Change a user. Raises NotFoundError, StaleError, ForbiddenError, ConflictError for the last active owner."""
        user = await self._users.edit(company_id, user_id, change, expected=expected, within=within(by))
        log.info("a user was changed", user=user.username, role=user.role, active=user.active)
        return user

    async def set_password(self, company_id: str, username: str, password: str) -> None:
        """Give the user of a name another password and end all sessions. Raises AccountError."""
        user = await self.named(company_id, username)
        expect_strong(password, user.username)
        await self._users.set_password(company_id, user.id, await self._passwords.hash(password))
        log.info("a password was changed", user=user.username)

    async def remove(self, company_id: str, user_id: str, *, by: Role = Role.OWNER) -> None:
        """Delete a user with all sign-ins. Raises NotFoundError, ForbiddenError, ConflictError."""
        user = await self._users.find(company_id, user_id)
        await self._users.remove(company_id, user_id, within=within(by))
        await self._second_factor.remove(user)  # its seed; the rest went with the user
        log.info("a user was removed", user=user.username)

    async def sessions(self, company_id: str, user_id: str) -> builtins.list[SessionRecord]:
        """Return the sessions of a user. Raises NotFoundError."""
        await self._users.find(company_id, user_id)
        return await self._sessions.list(company_id, user_id)

    async def end_sessions(self, company_id: str, user_id: str, *, by: Role = Role.OWNER) -> int:
        """Sign a user out everywhere; return how many sessions ended. Raises NotFoundError, ForbiddenError."""
        user = await self._touchable(company_id, user_id, by)
        ended = await self._sessions.revoke_all(company_id, user_id)
        log.info("a user was signed out everywhere", user=user.username, sessions=ended)
        return ended

    async def reset_second_factor(self, company_id: str, user_id: str, *, by: Role = Role.OWNER) -> None:
        """Take the second factor of somebody away who has lost it. Raises NotFoundError, ForbiddenError."""
        user = await self._touchable(company_id, user_id, by)
        if not await self._second_factor.remove(user):
            raise NotFoundError(f"{user.username} has no second factor.")
        log.info("a second factor was removed", user=user.username)

    async def ensure_owner(self, company_id: str, settings: OwnerSettings) -> None:
        """Make the owner that the settings name, at a start without any owner. Raises AccountError."""
        if settings.username and not await self.has_owner():
            try:
                await self.add(company_id, settings.username, settings.password.get_secret_value(), Role.OWNER)
            except AccountError:
                if not await self.has_owner():  # else another process, which started at the same time, was first
                    raise

    async def has_owner(self) -> bool:
        """Tell whether there is an owner who can sign in."""
        return await self._users.count(Role.OWNER) > 0

    async def _touchable(self, company_id: str, user_id: str, by: Role) -> UserRecord:
        user = await self._users.find(company_id, user_id)
        expect_within(by, Role(user.role))
        return user


def expect_within(by: Role, role: Role) -> None:
    """Raise ForbiddenError unless `by` may touch and give `role`."""
    if role not in within(by):
        raise ForbiddenError(f"The role {by} may not do this to the role {role}.")
