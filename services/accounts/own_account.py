"""The own account: what somebody who is signed in changes of himself."""

import builtins

import structlog

from services.accounts.accounts import Accounts
from services.accounts.credentials import expect_strong
from services.accounts.second_factor import Seed
from services.accounts.signed_in import SignedIn
from services.errors import ForbiddenError, NotFoundError, SignInError
from services.storage.people.sessions import SessionRecord, Sessions
from services.storage.people.users import UserChange, UserRecord, Users

log = structlog.get_logger()


class OwnAccount:
    """Profile, password, sessions and second factor of whoever asks; an API key may read the profile only."""

    def __init__(self, accounts: Accounts, users: Users, sessions: Sessions) -> None:
        self._accounts = accounts
        self._users = users
        self._sessions = sessions

    async def profile(self, who: SignedIn) -> UserRecord:
        """Return who asks, with all that is stored. Raises SignInError for who was removed meanwhile."""
        user = await self._users.get(who.id)
        if user is None:
            raise SignInError("This user is gone.")
        return user

    async def edit(self, who: SignedIn, change: UserChange, expected: int | None) -> UserRecord:
        """Change the own name, address or language. Raises ForbiddenError, StaleError."""
        user = await self._person(who)
        return await self._users.edit(user.company_id, user.id, change, expected=expected)

    async def change_password(self, who: SignedIn, old: str, new: str, address: str) -> None:
        """Choose another password; all other sessions end.

        Raises RefusedError for a wrong old password, AccountError for a weak new one, TooManyAttemptsError.
        """
        user = await self._person(who)
        await self._accounts.confirm_password(user, old, address)
        expect_strong(new, user.username)
        fresh = await self._accounts.passwords.hash(new)
        await self._users.set_password(
            user.company_id, user.id, fresh, keep_session=who.session_id, instead_of=user.password_hash
        )
        log.info("a password was changed", user=user.username)

    async def sessions(self, who: SignedIn) -> builtins.list[SessionRecord]:
        """Return the own sessions, the last used first. Raises ForbiddenError."""
        user = await self._person(who)
        return await self._sessions.list(user.company_id, user.id)

    async def revoke(self, who: SignedIn, session_id: str) -> None:
        """End one of the own sessions. Raises NotFoundError, ForbiddenError."""
        user = await self._person(who)
        await self._sessions.revoke(user.company_id, user.id, session_id)

    async def revoke_others(self, who: SignedIn) -> int:
        """End all of the own sessions but this one; return how many. Raises ForbiddenError."""
        user = await self._person(who)
        return await self._sessions.revoke_all(user.company_id, user.id, keep=who.session_id)

    async def sign_out(self, who: SignedIn) -> None:
        """End this session; one that another request has ended just now is as good. Raises ForbiddenError."""
        user = await self._person(who)
        try:
            await self._sessions.revoke(user.company_id, user.id, who.session_id)
        except NotFoundError:
            return
        log.info("signed out", user=user.username)

    async def begin_second_factor(self, who: SignedIn) -> Seed:
        """Begin a second factor. Raises ConflictError, ForbiddenError."""
        return await self._accounts.second_factor.begin(await self._person(who))

    async def confirm_second_factor(self, who: SignedIn, code: str, address: str) -> builtins.list[str]:
        """Put it in force; return the recovery codes. Raises RefusedError, NotFoundError, ConflictError."""
        user = await self._person(who)
        codes = await self._accounts.second_factor.confirm(user, code)
        log.info("a second factor is in force", user=user.username, address=address)
        return codes

    async def remove_second_factor(self, who: SignedIn, password: str, address: str) -> None:
        """Take it away, with the password. Raises RefusedError, NotFoundError, TooManyAttemptsError."""
        user = await self._person(who)
        await self._accounts.confirm_password(user, password, address)
        if not await self._accounts.second_factor.remove(user):
            raise NotFoundError("There is no second factor.")
        log.info("a second factor was removed", user=user.username, address=address)

    async def _person(self, who: SignedIn) -> UserRecord:
        if not who.session_id:
            raise ForbiddenError("An API key may not do this: sign in with a name and a password.")
        return await self.profile(who)
