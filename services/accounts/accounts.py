"""Accounts: the users of an installation, and signing in."""

import re
import unicodedata
from dataclasses import dataclass

import structlog

from services.accounts import passwords
from services.accounts.passwords import Passwords
from services.accounts.roles import Role
from services.accounts.secret_key import SecretKey
from services.accounts.settings import OwnerSettings
from services.accounts.signed_in import SignedIn
from services.accounts.throttle import SignInThrottle
from services.accounts.tokens import LIFETIME, Tokens
from services.clock import Clock
from services.errors import AccountError, SecretaryError, SignInError
from services.storage.companies import Companies
from services.storage.users import UserRecord, Users

_NAME = re.compile(r"[\w.@+-]{2,64}")
_SIGN_IN = "Sign in with POST /admin/auth/login and send the access token as a bearer token."
_NO_OWNER = "This installation has no owner yet: make one with `secretary users add NAME --role owner`."

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A fresh token; `expires_in` seconds."""

    access_token: str
    expires_in: int


class Accounts:
    """Users and their sign-ins. A token is void as soon as its user is gone or the password was changed."""

    def __init__(self, users: Users, companies: Companies, key: SecretKey, clock: Clock) -> None:
        self._users = users
        self._companies = companies
        self._passwords = Passwords()
        self._tokens = Tokens(key, clock)
        self._throttle = SignInThrottle(clock)

    async def sign_in(self, username: str, password: str, address: str) -> AccessToken:
        """Return a token for who knows the password; `address` is where the attempt comes from.

        An unknown name costs the same time as a wrong password and is told the same. Raises SignInError,
        TooManyAttemptsError.
        """
        name = _plain(username)
        self._throttle.begin(name, address)
        try:
            user = await self._users.by_name(name) if _NAME.fullmatch(name) else None
            right = await self._passwords.verify(user.password_hash if user else None, password)
        except SecretaryError:  # nobody has looked at the password: it does not count as wrong
            self._throttle.take_back(name, address)
            raise
        if not right or user is None:
            # The name of a user only: what was typed there may be a password.
            log.warning("a sign-in failed", user=user.username if user else None, address=address)
            raise SignInError("The name or the password is not right.", await self._remedy())
        self._throttle.succeeded(name, address)
        if self._passwords.outdated(user.password_hash):
            fresh = await self._passwords.hash(password)
            old = user.password_hash
            await self._users.set_password(user.company_id, user.id, fresh, ends_sessions=False, instead_of=old)
        log.info("signed in", user=user.username, address=address)
        return AccessToken(self._tokens.issue(user.id, user.version), int(LIFETIME.total_seconds()))

    async def signed_in(self, token: str) -> SignedIn:
        """Return whose token this is. Raises SignInError, StorageError when it cannot be looked up."""
        if not token:
            raise SignInError("This needs a sign-in.", await self._remedy())
        claims = self._tokens.read(token)
        user = await self._users.get(claims.user_id) if claims else None
        if claims is None or user is None or user.version != claims.version:
            raise SignInError("The access token is not valid, or not any more.", await self._remedy())
        return SignedIn(user.id, user.company_id, user.username, Role(user.role), claims.expires_at)

    async def knows_company(self, company_id: str) -> bool:
        """Tell whether there is such a company."""
        return await self._companies.profile(company_id) is not None

    async def add(self, company_id: str, username: str, password: str, role: Role) -> UserRecord:
        """Make a user. Raises AccountError for a malformed or taken name and for a weak password."""
        name = _plain(username)
        if not _NAME.fullmatch(name):
            raise AccountError(f"{username!r} cannot be a user's name.", "Use 2 to 64 letters, digits and . _ - @ +")
        _expect_strong(password, name)
        user = await self._users.add(company_id, name, await self._passwords.hash(password), role.value)
        log.info("a user was added", user=user.username, role=user.role)
        return user

    async def list(self, company_id: str) -> list[UserRecord]:
        """Return a company's users by name."""
        return await self._users.list(company_id)

    async def set_password(self, company_id: str, username: str, password: str) -> None:
        """Give a user another password; every token given before is void. Raises AccountError."""
        user = await self._require(company_id, username)
        _expect_strong(password, user.username)
        fresh = await self._passwords.hash(password)
        await self._users.set_password(company_id, user.id, fresh, ends_sessions=True)
        log.info("a password was changed", user=user.username)

    async def remove(self, company_id: str, username: str) -> None:
        """Delete a user; the tokens are void. Raises AccountError when there is none, and for the only owner."""
        user = await self._require(company_id, username)
        if user.role == Role.OWNER and await self._users.count(Role.OWNER) == 1:
            raise AccountError(f"{user.username} is the only owner.", "Add another owner first.")
        await self._users.remove(company_id, user.id)
        log.info("a user was removed", user=user.username)

    async def ensure_owner(self, company_id: str, settings: OwnerSettings) -> None:
        """Make the owner that the settings name, at a start without any owner. Raises AccountError."""
        if settings.username and not await self._users.count(Role.OWNER):
            await self.add(company_id, settings.username, settings.password.get_secret_value(), Role.OWNER)

    async def _require(self, company_id: str, username: str) -> UserRecord:
        user = await self._users.by_name(_plain(username))
        if user is None or user.company_id != company_id:
            raise AccountError(f"There is no user named {username!r}.", "`secretary users list` names them.")
        return user

    async def _remedy(self) -> str:
        return _SIGN_IN if await self._users.count(Role.OWNER) else _NO_OWNER


def _plain(username: str) -> str:
    """Return a name as it is stored: one way to write it, in small letters."""
    return unicodedata.normalize("NFKC", username).strip().casefold()


def _expect_strong(password: str, username: str) -> None:
    if why := passwords.trouble(password, username):
        raise AccountError(f"The password is refused: {why}.", "Take four words that do not belong together.")
