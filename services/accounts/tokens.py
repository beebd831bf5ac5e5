"""Access tokens: short-lived, signed JWTs (RFC 7519, HS256) that name a user and a session."""

import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import jwt
import jwt.types

from services.accounts.secret_key import SecretKey
from services.clock import Clock

LIFETIME = timedelta(minutes=15)
_ALGORITHM = "HS256"
_AUDIENCE = "access"
_PURPOSE = "access tokens"
# Times are compared by the injected clock, below.
_CHECKS: jwt.types.Options = {
    "require": ["sub", "sid", "exp", "aud"],
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
}


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token vouches for: the user, the session that it was given in, until when."""

    user_id: str
    session_id: str
    expires_at: datetime


class Tokens:
    """Issues and reads tokens; the header `kid` names the key, so that one signed before a rotation is still good."""

    def __init__(self, key: SecretKey, clock: Clock) -> None:
        self._key = key
        self._clock = clock

    def issue(self, user_id: str, session_id: str) -> str:
        """Return a token that is good for LIFETIME. Raises StorageError when there is no key."""
        now = self._clock.now()
        claims = {"sub": user_id, "sid": session_id, "aud": _AUDIENCE, "iat": now, "exp": now + LIFETIME}
        key_id, key = self._key.derive_all(_PURPOSE)[0]
        return jwt.encode(claims, key, _ALGORITHM, headers={"kid": key_id})

    def read(self, token: str) -> Claims | None:
        """Return what a token says, None for one that is not ours, not for this or over. Raises StorageError."""
        try:
            key = self._key_of(jwt.get_unverified_header(token).get("kid"))
            if key is None:
                return None
            claims = jwt.decode(token, key, [_ALGORITHM], options=_CHECKS, audience=_AUDIENCE)
            found = Claims(str(claims["sub"]), str(claims["sid"]), datetime.fromtimestamp(claims["exp"], UTC))
        except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError):
            return None
        return found if found.expires_at > self._clock.now() else None

    def _key_of(self, key_id: object) -> bytes | None:
        if not isinstance(key_id, str):
            return None
        known = self._key.derive_all(_PURPOSE)
        return next((key for each, key in known if hmac.compare_digest(each.encode(), key_id.encode())), None)
