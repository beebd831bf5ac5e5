"""Access tokens: short-lived, signed JWTs (RFC 7519, HS256) that name a user."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import jwt
import jwt.types

from services.accounts.secret_key import SecretKey
from services.clock import Clock

LIFETIME = timedelta(minutes=30)
_ALGORITHM = "HS256"
_AUDIENCE = "access"
# Times are compared by the injected clock, below.
_CHECKS: jwt.types.Options = {
    "require": ["sub", "ver", "exp", "aud"],
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
}


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token vouches for: the user, in the version at which it was given, until when."""

    user_id: str
    version: int
    expires_at: datetime


class Tokens:
    """Issues and reads tokens."""

    def __init__(self, key: SecretKey, clock: Clock) -> None:
        self._key = key
        self._clock = clock

    def issue(self, user_id: str, version: int) -> str:
        """Return a token that is good for LIFETIME. Raises StorageError when there is no key."""
        now = self._clock.now()
        claims = {"sub": user_id, "ver": version, "aud": _AUDIENCE, "iat": now, "exp": now + LIFETIME}
        return jwt.encode(claims, self._signing_key(), _ALGORITHM)

    def read(self, token: str) -> Claims | None:
        """Return what a token says, None for one that is not ours, not for this or over. Raises StorageError."""
        try:
            claims = jwt.decode(token, self._signing_key(), [_ALGORITHM], options=_CHECKS, audience=_AUDIENCE)
            found = Claims(str(claims["sub"]), int(claims["ver"]), datetime.fromtimestamp(claims["exp"], UTC))
        except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError):
            return None
        return found if found.expires_at > self._clock.now() else None

    def _signing_key(self) -> bytes:
        return self._key.derive("access tokens")
