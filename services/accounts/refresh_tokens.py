"""Refresh tokens: what a browser keeps in a cookie to get access tokens with, each good once.

A token has two random halves: 128 bits that stay as long as the session, its family, and 256 bits that each use
replaces. The family finds the session and proves that the token was ours; so a half that is not the current one has
been used up before, however long ago, and tells that somebody has copied the cookie.

The next half is an HMAC of the one before with the installation's key: nobody without the key can compute it, and two
tabs that refresh at once, or one whose answer was lost, are given the very same successor (Sessions answers a
half again for 10 s).
"""

import base64
import binascii
import hmac
import secrets
from dataclasses import dataclass, field

from services.accounts.credentials import hash_of
from services.accounts.secret_key import SecretKey

_FAMILY, _HALF = 16, 32
_LENGTH = 64  # characters: 48 bytes in base64


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A token in its halves."""

    family: bytes = field(repr=False)
    half: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """The token as the cookie holds it."""
        return base64.urlsafe_b64encode(self.family + self.half).decode()

    @property
    def family_hash(self) -> str:
        """What finds its session."""
        return hash_of(self.family)

    @property
    def half_hash(self) -> str:
        """What is stored of the half that is good once."""
        return hash_of(self.half)


def begin() -> RefreshToken:
    """Return the first token of a new session."""
    return RefreshToken(secrets.token_bytes(_FAMILY), secrets.token_bytes(_HALF))


def read(text: str) -> RefreshToken | None:
    """Return the token of a cookie, None for what cannot be one."""
    if len(text) != _LENGTH or not text.isascii():
        return None
    try:
        found = base64.b64decode(text, altchars=b"-_", validate=True)
    except binascii.Error:
        return None
    return RefreshToken(found[:_FAMILY], found[_FAMILY:]) if len(found) == _FAMILY + _HALF else None


def following(token: RefreshToken, key: SecretKey) -> RefreshToken:
    """Return the token that replaces `token`. Raises StorageError when there is no key."""
    half = hmac.digest(key.derive("refresh tokens"), token.family + token.half, "sha256")
    return RefreshToken(token.family, half)
