"""The age format with a passphrase, as a stream: what `age -d` reads, without the whole ever being in memory.

Source: C2SP, age-encryption.org/v1. A random file key is wrapped with scrypt of the passphrase; the payload is cut into
chunks of 64 KiB, each sealed with ChaCha20-Poly1305 under a nonce that counts them and marks the last one, so that
a chunk that is changed, moved, left out or missing at the end is noticed.
"""

import base64
import binascii
import hmac
import os
import re
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from services.errors import RefusedError

CHUNK = 65_536
TAG = 16
WORK_FACTOR = 17
"""log2 of scrypt's N: 128 MiB and about 0.4 s for each guess at a passphrase."""
HIGHEST_WORK_FACTOR = 20
LONGEST_HEADER = 4096

_VERSION = b"age-encryption.org/v1\n"
_SALT_LABEL = b"age-encryption.org/v1/scrypt"
_STANZA = re.compile(
    rb"age-encryption\.org/v1\n-> scrypt ([A-Za-z0-9+/]{22}) ([1-9][0-9]?)\n"
    rb"([A-Za-z0-9+/]{43})\n--- ([A-Za-z0-9+/]{43})\n"
)


class AgeWriter:
    """Encrypts what is written into it; `close` ends the payload and leaves `target` open."""

    def __init__(self, target: BinaryIO, passphrase: str, work_factor: int = WORK_FACTOR) -> None:
        self._target = target
        self._waiting = bytearray()
        self._sealed = 0
        file_key, salt, nonce = os.urandom(16), os.urandom(16), os.urandom(16)
        body = ChaCha20Poly1305(_wrapping_key(passphrase, salt, work_factor)).encrypt(bytes(12), file_key, None)
        head = _VERSION + b"-> scrypt %s %d\n%s\n---" % (_plain(salt), work_factor, _plain(body))
        target.write(head + b" " + _plain(_header_mac(file_key, head)) + b"\n" + nonce)
        self._cipher = ChaCha20Poly1305(_derived(file_key, nonce, b"payload"))

    def write(self, data: bytes) -> int:
        """Take `data`; whole chunks are written at once."""
        self._waiting += data
        whole = (len(self._waiting) - 1) // CHUNK * CHUNK  # the last chunk, full or not, is only known at the end
        if whole > 0:
            taken = memoryview(bytes(self._waiting[:whole]))
            del self._waiting[:whole]
            for start in range(0, whole, CHUNK):
                self._seal(taken[start : start + CHUNK], last=False)
        return len(data)

    def close(self) -> None:
        """Write the last chunk."""
        self._seal(memoryview(bytes(self._waiting)), last=True)
        self._waiting.clear()

    def _seal(self, chunk: memoryview, *, last: bool) -> None:
        self._target.write(self._cipher.encrypt(_nonce(self._sealed, last=last), chunk, None))
        self._sealed += 1


class AgeReader:
    """Decrypts `source`; nothing is returned that was not authenticated.

    Raises RefusedError for a wrong passphrase, a file that is none of ours, and for damage, at the place where it is.
    """

    def __init__(self, source: BinaryIO, passphrase: str) -> None:
        self._source = source
        self._opened = 0
        self._ready = memoryview(b"")
        self._ended = False
        head, found = _read_header(source)
        salt, factor, body, mac = _raw(found[1]), int(found[2]), _raw(found[3]), _raw(found[4])
        if factor > HIGHEST_WORK_FACTOR:
            raise RefusedError(f"Opening this backup would take scrypt with a work factor of {factor}.")
        try:
            file_key = ChaCha20Poly1305(_wrapping_key(passphrase, salt, factor)).decrypt(bytes(12), body, None)
        except InvalidTag:
            raise RefusedError("The passphrase of this backup is another one.") from None
        if not hmac.compare_digest(mac, _header_mac(file_key, head)):
            raise _damaged()
        nonce = source.read(16)
        if len(nonce) < 16:
            raise _damaged()
        self._cipher = ChaCha20Poly1305(_derived(file_key, nonce, b"payload"))
        self._next = source.read(CHUNK + TAG)

    def read(self, size: int) -> bytes:
        """Return `size` bytes, fewer only at the end."""
        parts: list[memoryview] = []
        while size > 0:
            if not self._ready:
                if self._ended:
                    break
                self._open_chunk()
                continue
            part = self._ready[:size]
            self._ready = self._ready[len(part) :]
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _open_chunk(self) -> None:
        sealed, self._next = self._next, self._source.read(CHUNK + TAG)
        last = not self._next
        try:
            chunk = self._cipher.decrypt(_nonce(self._opened, last=last), sealed, None)
        except InvalidTag:
            raise _damaged() from None
        if not chunk and self._opened:
            raise _damaged()  # only an empty payload ends with an empty chunk
        self._opened += 1
        self._ended = last
        self._ready = memoryview(chunk)


def _read_header(source: BinaryIO) -> tuple[bytes, re.Match[bytes]]:
    """Read up to the end of the header; return what its MAC covers, and its parts."""
    read = b""
    for _ in range(4):
        read += source.readline(LONGEST_HEADER)
        if not read.startswith(_VERSION):
            raise RefusedError("This file is no backup.", "Backups are named secretary-<time>.tar.age.")
    found = _STANZA.fullmatch(read)
    if found is None:
        raise RefusedError("This backup is damaged, or is not encrypted with a passphrase.")
    return read[: found.start(4) - 1], found


def _wrapping_key(passphrase: str, salt: bytes, factor: int) -> bytes:
    return Scrypt(salt=_SALT_LABEL + salt, length=32, n=1 << factor, r=8, p=1).derive(passphrase.encode())


def _header_mac(file_key: bytes, head: bytes) -> bytes:
    return hmac.digest(_derived(file_key, b"", b"header"), head, "sha256")


def _derived(file_key: bytes, salt: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt, purpose).derive(file_key)


def _nonce(counter: int, *, last: bool) -> bytes:
    return counter.to_bytes(11, "big") + bytes([last])


def _plain(data: bytes) -> bytes:
    return base64.b64encode(data).rstrip(b"=")


def _raw(text: bytes) -> bytes:
    try:
        data = base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        raise _damaged() from None
    if _plain(data) != text:  # bits that no encoder writes
        raise _damaged()
    return data


def _damaged() -> RefusedError:
    return RefusedError(
        "This backup is damaged or incomplete.", "Take another one, or copy it again from where it was."
    )
