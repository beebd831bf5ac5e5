"""The installation's own secret, data/secret.key: the keys for signing and sealing are derived from it, by purpose.

The file holds a secret a line, in hexadecimal. The first is the current one; those below are former ones, kept so that
what was signed or sealed with them can still be read.
"""

import fcntl
import hashlib
import hmac
import os
import secrets
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import structlog

from services.errors import StorageError

_BYTES = 32
_FILE_LIMIT = 64 * 1024  # some hundred keys; a greater file is none of ours

_Seen = tuple[int, int, int]

log = structlog.get_logger()


class SecretKey:
    """Reads the file when a key is first asked for, and makes it (0600) where there is none.

    Another process may rotate: each question looks at the file's date (a microsecond or two), and a changed file is
    read again. All methods raise StorageError.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._secrets: tuple[bytes, ...] = ()
        self._seen: _Seen | None = None

    def derive(self, purpose: str) -> bytes:
        """Return the current 32-byte key of a purpose."""
        return _derived(self._known()[0], purpose)

    def derive_all(self, purpose: str) -> list[tuple[str, bytes]]:
        """Return the keys of a purpose that may be read with, each with its id: the current one, then older ones."""
        return [(_id(secret), _derived(secret, purpose)) for secret in self._known()]

    def ids(self) -> list[str]:
        """Return the ids of the keys, the current one first. An id tells nothing about its key."""
        return [_id(secret) for secret in self._known()]

    def rotate(self) -> str:
        """Put a new key before all others; return its id. The file is on the disk, whole, when this returns."""
        fresh = secrets.token_bytes(_BYTES)
        self._change(lambda known: (fresh, *known))
        return _id(fresh)

    def drop(self, ids: Collection[str]) -> None:
        """Forget old keys: what was signed or sealed with them can never be read again. The current one stays."""
        self._change(lambda known: (known[0], *(each for each in known[1:] if _id(each) not in ids)))

    def _known(self) -> tuple[bytes, ...]:
        seen = self._look()
        if seen is None and self._secrets:
            return self._secrets  # somebody took the file away; what runs goes on with what it knows
        if seen is None:
            self._make()
            seen = self._look()
        if seen != self._seen:
            try:
                self._secrets = self._read()
            except StorageError as error:
                if not self._secrets:
                    raise
                log.error("the key file cannot be read any more; the keys known from before are used", error=str(error))
            self._seen = seen
        return self._secrets

    def _look(self) -> _Seen | None:
        """Return what tells one version of the file from another, None when there is no file."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._trouble("cannot be read") from error
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _read(self) -> tuple[bytes, ...]:
        try:
            with self._path.open("rb") as file:
                mode, content = os.fstat(file.fileno()).st_mode, file.read(_FILE_LIMIT)
        except OSError as error:
            raise self._trouble("cannot be read") from error
        if mode & 0o077:
            log.warning("others may read the key of this installation", path=str(self._path), remedy="chmod 600 it")
        try:
            found = tuple(bytes.fromhex(line) for line in content.decode("ascii").split())
        except ValueError:
            found = ()
        if not found or any(len(secret) != _BYTES for secret in found):
            raise self._trouble("is damaged")
        return found

    def _make(self) -> None:
        """Write a first key; where another process was first, its key counts."""
        with self._alone():
            if self._look() is None:
                self._write((secrets.token_bytes(_BYTES),))

    def _change(self, change: Callable[[tuple[bytes, ...]], Sequence[bytes]]) -> None:
        self._known()  # makes the file where there is none
        with self._alone():
            self._write(change(self._read()))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes from changing the file meanwhile: the lock is on its folder, and ends with a process."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise self._trouble("cannot be written") from error
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        except OSError as error:
            raise self._trouble("cannot be written") from error
        finally:
            os.close(folder)

    def _write(self, keys: Sequence[bytes]) -> None:
        """Replace the file whole or not at all; it and its name are on the disk afterwards, whatever happens then."""
        draft = self._path.with_name(f"{self._path.name}.new")
        draft.unlink(missing_ok=True)
        handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            os.write(handle, b"".join(secret.hex().encode() + b"\n" for secret in keys))
            os.fsync(handle)
        finally:
            os.close(handle)
        draft.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _trouble(self, what: str) -> StorageError:
        return StorageError(
            f"The key {self._path} {what}.",
            "Put it back from a backup. Without it everybody has to sign in again, and stored secrets (second factors, "
            "keys of providers) have to be entered anew: then delete it.",
        )


def _derived(secret: bytes, purpose: str) -> bytes:
    return hmac.digest(secret, purpose.encode(), "sha256")


def _id(secret: bytes) -> str:
    return hashlib.sha256(b"key id\0" + secret).hexdigest()[:12]
