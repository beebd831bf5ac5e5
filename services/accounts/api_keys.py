"""API keys: for programs, which sign in with a key instead of a name and a password.

A key is "sk-" and 43 letters of 256 random bits, shown once, when it is made. That much randomness cannot be guessed,
so SHA-256 is enough to keep it by; argon2 would only make every request slow.
"""

import hashlib
import re
import secrets
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import structlog

from services.accounts.roles import Action, Role, may, resources
from services.accounts.signed_in import SignedIn
from services.clock import Clock
from services.domain import Reach
from services.errands import Errands
from services.errors import RefusedError
from services.storage.people.api_keys import KeyBook, KeyHolder, StoredKey

PREFIX = "sk-"
_KEY = re.compile(r"sk-[0-9A-Za-z_-]{43}")
_RECOGNISED = 9  # characters of a key that lists show: six of the random ones
_NOTED_EVERY = 60.0  # seconds
_NOTED_KEYS = 10_000
_VOUCHED = timedelta(hours=1)
"""How long a request of a key without an end may go on until it has to sign in again: a live feed."""

log = structlog.get_logger()


class ApiKeys:
    """Makes and reads keys. A key is void once it is revoked or over, or its user is gone or deactivated."""

    def __init__(self, book: KeyBook, errands: Errands, clock: Clock) -> None:
        self._book = book
        self._errands = errands
        self._clock = clock
        self._noted: dict[str, float] = {}

    async def make(
        self, who: SignedIn, name: str, scopes: Collection[str], expires_at: datetime | None
    ) -> tuple[StoredKey, str]:
        """Return a new key of `who` in the company in which is asked: as it is stored, and the key itself.

        Raises RefusedError for scopes that do not exist or reach further than `who`, and for an end in the past or
        behind that of the key with which is asked.
        """
        if expires_at is not None and expires_at <= self._clock.now():
            raise RefusedError("The key would be over before it is made.", "Give it an end in the future, or none.")
        if who.key_id:
            await self._expect_no_longer(who, expires_at)
        key = PREFIX + secrets.token_urlsafe(32)
        stored = await self._book.add(
            who.company_id,
            who.id,
            name=name,
            prefix=key[:_RECOGNISED],
            digest=_digest(key),
            scopes=checked(who, scopes),
            expires_at=expires_at,
        )
        log.info("an API key was made", key=stored.id, user=who.username, scopes=stored.scopes)
        return stored, key

    async def signed_in(self, key: str) -> SignedIn | None:
        """Return who asks with a key, None for one that is not good. Raises StorageError."""
        if not _KEY.fullmatch(key):
            return None
        holder = await self._book.by_digest(_digest(key))
        now = self._clock.now()
        if holder is None or not _is_good(holder, now):
            return None
        self._note(holder.key, now)
        end = now + _VOUCHED
        return SignedIn(
            id=holder.key.owner_id,
            company_id=holder.key.company_id,
            username=holder.username,
            role=Role(holder.role),
            expires_at=min(end, holder.key.expires_at or end),
            key_id=holder.key.id,
            scopes=frozenset(holder.key.scopes),
        )

    async def _expect_no_longer(self, who: SignedIn, expires_at: datetime | None) -> None:
        end = (await self._book.get(Reach(who.company_id, who.id), who.key_id)).expires_at
        if end is not None and (expires_at is None or expires_at > end):
            raise RefusedError(
                "A key makes no key that is good for longer than itself.", f"It ends at {end.isoformat()}."
            )

    async def revoke(self, reach: Reach, key_id: str) -> None:
        """End a key for good. Raises NotFoundError."""
        await self._book.revoke(reach, key_id)
        log.info("an API key was revoked", key=key_id)

    def _note(self, key: StoredKey, now: datetime) -> None:
        """Note that a key is used, once a minute at most; nobody waits for it."""
        moment = self._clock.monotonic()
        if moment - self._noted.get(key.id, -_NOTED_EVERY) < _NOTED_EVERY:
            return
        if len(self._noted) >= _NOTED_KEYS:
            self._noted.clear()
        self._noted[key.id] = moment
        self._errands.leave(self._book.used(key.company_id, key.id, now))


def checked(who: SignedIn, scopes: Collection[str]) -> Sequence[str]:
    """Return the scopes in order, each once.

    A scope is a resource of the table of rights ("calls": whatever the user's role may do there) or a resource with an
    action ("calls:read"). Raises RefusedError for an unknown one, and for one that would let the key do what `who` may
    not do now.
    """
    wanted = sorted(set(scopes))
    if not wanted:
        raise RefusedError("A key needs a scope.", "Name what it may do, for example calls:read.")
    known = all_scopes()
    for scope in wanted:
        if scope not in known:
            raise RefusedError(f"There is no scope {scope!r}.", "Scopes are like calls, calls:read or assistant:act.")
        if not reachable(who, scope):
            raise RefusedError(f"The scope {scope!r} reaches further than your own rights.", "Leave it out.")
    return wanted


def reachable(who: SignedIn, scope: str) -> bool:
    """Tell whether a key of this scope could do only what `who` may do now."""
    resource, _, action = scope.partition(":")
    actions = [Action(action)] if action else [each for each in Action if may(who.role, resource, each)]
    return bool(actions) and all(who.may(resource, each) for each in actions)


def all_scopes() -> frozenset[str]:
    """Return every scope there is."""
    return frozenset(scope for name in resources() for scope in (name, *(f"{name}:{action}" for action in Action)))


def _is_good(holder: KeyHolder, now: datetime) -> bool:
    key = holder.key
    at_home = holder.home == key.company_id or holder.role == Role.OWNER
    return key.revoked_at is None and (key.expires_at is None or key.expires_at > now) and holder.active and at_home


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
