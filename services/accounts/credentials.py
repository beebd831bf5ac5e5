"""Names and passwords as people type them, and random tokens of which only the hash is kept."""

import hashlib
import re
import secrets
import unicodedata

from services.accounts import passwords
from services.errors import AccountError

_NAME = re.compile(r"[\w.@+-]{2,64}")


def plain(username: str) -> str:
    """Return a name as it is stored: one way to write it, in small letters."""
    return unicodedata.normalize("NFKC", username).strip().casefold()


def is_name(name: str) -> bool:
    """Tell whether a name, written plainly, can be a user's."""
    return bool(_NAME.fullmatch(name))


def good_name(username: str) -> str:
    """Return the name of a new user as it is stored. Raises AccountError for a malformed one."""
    name = plain(username)
    if not is_name(name):
        raise AccountError(f"{username!r} cannot be a user's name.", "Use 2 to 64 letters, digits and . _ - @ +")
    return name


def expect_strong(password: str, username: str) -> None:
    """Raise AccountError for a weak password."""
    if why := passwords.trouble(password, username):
        raise AccountError(f"The password is refused: {why}.", "Take four words that do not belong together.")


def new_token() -> str:
    """Return a random token of 256 bits for a link."""
    return secrets.token_urlsafe(32)


def hash_of(token: str | bytes) -> str:
    """Return what is stored of a random token: SHA-256, in hexadecimal; there is nothing to guess that a salt hid."""
    return hashlib.sha256(token.encode("utf-8", "replace") if isinstance(token, str) else token).hexdigest()
