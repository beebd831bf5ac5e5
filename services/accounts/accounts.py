"""Accounts: signing in, and who is signed in. Users are changed in `people`, links made in `links`."""

from dataclasses import dataclass, field, replace
from typing import Protocol

import structlog

from services.accounts import refresh_tokens
from services.accounts.credentials import is_name, plain
from services.accounts.links import Links
from services.accounts.lockout import Lockout
from services.accounts.passwords import Passwords
from services.accounts.people import People
from services.accounts.refresh_tokens import RefreshToken
from services.accounts.roles import Role
from services.accounts.second_factor import SecondFactor, Vault
from services.accounts.secret_key import SecretKey
from services.accounts.settings import OwnerSettings
from services.accounts.signed_in import SignedIn
from services.accounts.throttle import SignInThrottle
from services.accounts.tokens import LIFETIME, Tokens
from services.clock import Clock
from services.errors import RefusedError, SecondFactorError, SecretaryError, SignInError, TooManyAttemptsError
from services.shared.windows import Windows
from services.storage.audit.acting import Actor, acting_as
from services.storage.books import Books
from services.storage.people.sessions import Origin, Turn
from services.storage.people.users import UserRecord

KEY_PREFIX = "sk-"
_SIGN_IN = "Sign in with POST /admin/auth/login and send the access token as a bearer token."
_NO_OWNER = (
    "This installation has no owner yet: open the link that `secretary serve` prints, or make one with "
    "`secretary users add NAME --role owner`."
)
_ANOTHER_KEY = "Make another one with POST /admin/api-keys."
_VOID = "The access token is not valid, or not any more."

log = structlog.get_logger()


class KeyRing(Protocol):
    """Knows the API keys (services.accounts.api_keys.ApiKeys)."""

    async def signed_in(self, key: str) -> SignedIn | None:
        """Return who asks with a key, None when it is not valid."""
        ...


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A fresh token; `expires_in` seconds. `refresh_token` is for the cookie, None to leave the cookie as it is."""

    access_token: str = field(repr=False)
    expires_in: int
    refresh_token: str | None = field(default=None, repr=False)


class Accounts:
    """Signs people in. A token is void as soon as its session is revoked or its user may sign in no more."""

    def __init__(
        self,
        books: Books,
        key: SecretKey,
        clock: Clock,
        vault: Vault,
        keys: KeyRing | None = None,
        windows: Windows | None = None,
    ) -> None:
        """`windows` are those that the processes share; None: this process counts failures for itself."""
        self.passwords = Passwords()
        self.second_factor = SecondFactor(books.second_factors, vault, clock)
        self.people = People(books.users, books.sessions, self.passwords, self.second_factor)
        self.links = Links(books.invitations, books.users, self.passwords, clock)
        self._users = books.users
        self._sessions = books.sessions
        self._companies = books.companies
        self._audit = books.audit
        self._key = key
        self._keys = keys
        self._tokens = Tokens(key, clock)
        windows = windows or Windows(clock)
        self._throttle = SignInThrottle(windows)
        self._lockout = Lockout(windows)

    async def sign_in(
        self, username: str, password: str, address: str, *, user_agent: str = "", code: str = ""
    ) -> AccessToken:
        """Begin a session for who knows the password and, where there is a second factor, a code of it.

        `address` is where the attempt comes from. An unknown or deactivated name costs the same time as a wrong
        password and is told the same. Raises SignInError, SecondFactorError, TooManyAttemptsError.
        """
        name = plain(username)
        await self._begin_attempt(name, address)
        try:
            user = await self._checked(name, password, address)
            await self._expect_code(user, code, address)
        except SignInError as error:
            if isinstance(error, SecondFactorError) and not code:  # half a sign-in is no failure
                await self._take_back(name, address)
            raise
        except SecretaryError:  # nobody has looked at the password: it does not count as wrong
            await self._take_back(name, address)
            raise
        token = await self.begin_session(user, Origin(address, user_agent))
        await self._throttle.succeeded(name, address)
        await self._lockout.succeeded(name, address)
        return token

    async def begin_session(self, user: UserRecord, origin: Origin) -> AccessToken:
        """Sign a user in whose password has just been checked or chosen. Raises SignInError when it changed since."""
        first = refresh_tokens.begin()
        with acting_as(Actor("user", user.id, user.username, user.company_id, origin.address)):
            session_id = await self._sessions.open(user, first.family_hash, first.half_hash, origin)
        if session_id is None:
            raise SignInError("The name or the password is not right.", await self._remedy())
        log.info("signed in", user=user.username, address=origin.address)
        return self._token(user.id, session_id, first)

    async def refresh(self, text: str, origin: Origin) -> AccessToken:
        """Exchange a refresh token. Raises SignInError; a token that was used up before ends its session."""
        shown = refresh_tokens.read(text)
        if shown is None:
            raise SignInError("The session is over.", await self._remedy())
        following = refresh_tokens.following(shown, self._key)
        found = await self._sessions.rotate(shown.family_hash, shown.half_hash, following.half_hash, origin)
        if found.turn is Turn.STOLEN and found.user is not None:
            log.warning("a used refresh token was shown: its session ends", user=found.user.username,
                        address=origin.address)  # fmt: skip
        if found.turn in (Turn.STOLEN, Turn.UNKNOWN) or found.user is None:
            raise SignInError("The session is over.", await self._remedy())
        return self._token(found.user.id, found.session_id, following if found.fresh else None)

    async def signed_in(self, token: str) -> SignedIn:
        """Return whose token or API key this is. Raises SignInError, StorageError when it cannot be looked up."""
        if not token:
            raise SignInError("This needs a sign-in.", await self._remedy())
        if token.startswith(KEY_PREFIX):
            who = await self._keys.signed_in(token) if self._keys else None
            if who is None:
                raise SignInError("The API key is not valid, or not any more.", _ANOTHER_KEY)
            return who
        claims = self._tokens.read(token)
        user = await self._sessions.holder(claims.session_id, claims.user_id) if claims else None
        if claims is None or user is None:
            raise SignInError(_VOID, await self._remedy())
        return SignedIn(
            user.id, user.company_id, user.username, Role(user.role), claims.expires_at, session_id=claims.session_id
        )

    async def knows_company(self, company_id: str) -> bool:
        """Tell whether there is such a company."""
        return await self._companies.profile(company_id) is not None

    async def confirm_password(self, user: UserRecord, password: str, address: str) -> None:
        """Check the password of somebody who is signed in, slowed down as a sign-in. Raises RefusedError."""
        await self._begin_attempt(user.username, address)
        try:
            right = await self.passwords.verify(user.password_hash, password)
        except SecretaryError:
            await self._take_back(user.username, address)
            raise
        if not right:
            raise RefusedError("The password is not right.")
        await self._take_back(user.username, address)

    async def add(self, company_id: str, username: str, password: str, role: Role) -> UserRecord:
        """Make a user, see People.add."""
        return await self.people.add(company_id, username, password, role)

    async def set_password(self, company_id: str, username: str, password: str) -> None:
        """Give the user of a name another password, see People.set_password."""
        await self.people.set_password(company_id, username, password)

    async def remove(self, company_id: str, username: str) -> None:
        """Delete the user of a name, see People.remove."""
        await self.people.remove(company_id, (await self.people.named(company_id, username)).id)

    async def ensure_owner(self, company_id: str, settings: OwnerSettings) -> None:
        """Make the owner that the settings name, at a start without any owner. Raises AccountError."""
        await self.people.ensure_owner(company_id, settings)

    async def _begin_attempt(self, name: str, address: str) -> None:
        await self._throttle.begin(name, address)
        try:
            await self._lockout.begin(name, address)
        except TooManyAttemptsError:
            await self._throttle.take_back(name, address)
            raise

    async def _take_back(self, name: str, address: str) -> None:
        await self._throttle.take_back(name, address)
        await self._lockout.take_back(name)

    async def _checked(self, name: str, password: str, address: str) -> UserRecord:
        """Return the user whose password this is; a hash of weaker figures is made anew. Raises SignInError."""
        user = await self._users.by_name(name) if is_name(name) else None
        right = await self.passwords.verify(user.password_hash if user else None, password)
        if not right or user is None or not user.active:
            # The name of a user only: what was typed there may be a password.
            log.warning("a sign-in failed", user=user.username if user else None, address=address)
            await self._note_failure(user, address)
            raise SignInError("The name or the password is not right.", await self._remedy())
        if not self.passwords.outdated(user.password_hash):
            return user
        fresh, old = await self.passwords.hash(password), user.password_hash
        renewed = await self._users.renew_hash(user.company_id, user.id, fresh, instead_of=old)
        return replace(user, password_hash=fresh) if renewed else user

    async def _expect_code(self, user: UserRecord, code: str, address: str) -> None:
        if await self.second_factor.state(user) is None:
            return
        if not code:
            raise SecondFactorError("This user has a second factor.", "Send its code, too.", code="totp_required")
        if not await self.second_factor.accepts(user, code):
            log.warning("a sign-in failed at its second factor", user=user.username, address=address)
            await self._note_failure(user, address)
            raise SecondFactorError("The code is not right.", "Wait for the next one.", code="totp_invalid")

    async def _note_failure(self, user: UserRecord | None, address: str) -> None:
        """Note it in the audit log, with the user's name only: what was typed there may be a password."""
        with acting_as(Actor("system", address=address)):
            known, company = (user.id, user.company_id) if user else ("", "")
            await self._audit.note("fail-sign-in", "users", known, company_id=company)

    def _token(self, user_id: str, session_id: str, refresh: RefreshToken | None) -> AccessToken:
        access = self._tokens.issue(user_id, session_id)
        return AccessToken(access, int(LIFETIME.total_seconds()), refresh.text if refresh else None)

    async def _remedy(self) -> str:
        return _SIGN_IN if await self.people.has_owner() else _NO_OWNER
