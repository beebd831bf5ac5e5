"""How a secret lies in the database: sealed with AES-256-GCM (NIST SP 800-38D), bound to its place.

A sealed text is "v1.<key id>.<base64url of the 96-bit nonce, the ciphertext and its 128-bit tag>". What names its place
(the company and the name) is the associated data, so that a ciphertext that is moved to another row does not open.
Nonces are random: 2^32 values under one key stay within the bound of SP 800-38D, section 8.3.
"""

import base64
import binascii
import os
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.errors import StorageError

PURPOSE = "sealed secrets"
_FORM = "v1"
_NONCE = 12


class Keys(Protocol):
    """Where the keys come from (services.accounts.secret_key.SecretKey)."""

    def derive_all(self, purpose: str) -> list[tuple[str, bytes]]:
        """Return the 32-byte keys of a purpose with their ids, the current one first. Raises StorageError."""
        ...


class Sealer:
    """Seals and opens. All methods raise StorageError when the keys cannot be read."""

    def __init__(self, keys: Keys, purpose: str = PURPOSE) -> None:
        self._keys = keys
        self._purpose = purpose

    def seal(self, company_id: str, name: str, value: str) -> str:
        """Return `value` sealed with the current key."""
        key_id, key = self._keys.derive_all(self._purpose)[0]
        nonce = os.urandom(_NONCE)
        sealed = nonce + AESGCM(key).encrypt(nonce, value.encode(), _place(company_id, name))
        return f"{_FORM}.{key_id}.{base64.urlsafe_b64encode(sealed).decode()}"

    def open(self, company_id: str, name: str, sealed: str) -> str:
        """Return what was sealed for this place.

        Raises StorageError when it is damaged, was sealed elsewhere, or its key is here no more.
        """
        form, _, rest = sealed.partition(".")
        key_id, _, body = rest.partition(".")
        if form != _FORM:
            raise _damaged(name)
        key = dict(self._keys.derive_all(self._purpose)).get(key_id)
        if key is None:
            raise StorageError(
                f"The secret {name!r} was sealed with a key that is not in data/secret.key.",
                "Put back the secret.key that belongs to this database, or enter the secret anew.",
            )
        try:
            content = base64.b64decode(body, altchars=b"-_", validate=True)
            opened = AESGCM(key).decrypt(content[:_NONCE], content[_NONCE:], _place(company_id, name))
            return opened.decode()
        except (InvalidTag, binascii.Error, ValueError):  # from None: no part of it may be told
            raise _damaged(name) from None

    def is_current(self, sealed: str) -> bool:
        """Tell whether a text was sealed with the current key."""
        return key_of(sealed) == self._keys.derive_all(self._purpose)[0][0]


def key_of(sealed: str) -> str:
    """Return the id of the key that a text was sealed with."""
    return sealed.split(".")[1] if sealed.count(".") == 2 else ""


def _place(company_id: str, name: str) -> bytes:
    return f"{company_id}|{name}".encode()


def _damaged(name: str) -> StorageError:
    return StorageError(
        f"The secret {name!r} is damaged, or was put there from elsewhere.", "Enter it anew, or restore a backup."
    )
