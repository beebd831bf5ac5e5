"""The installation's own secret, data/secret.key: keys for signing are derived from it, one for each purpose."""

import hmac
import os
import secrets
from pathlib import Path

import structlog

from services.errors import StorageError

_BYTES = 32

log = structlog.get_logger()


class SecretKey:
    """Reads the file when a key is first asked for, and makes it (0600) where there is none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._secret = b""

    def derive(self, purpose: str) -> bytes:
        """Return the 32-byte key of a purpose; the same after each start. Raises StorageError.

        The file is read once; it is so small that the event loop does not notice.
        """
        if not self._secret:
            self._secret = self._read() or self._make()
        return hmac.digest(self._secret, purpose.encode(), "sha256")

    def _read(self) -> bytes:
        """Return the secret, b"" when there is no file."""
        try:
            text = self._path.read_text("ascii").strip()
            mode = self._path.stat().st_mode
        except FileNotFoundError:
            return b""
        except (OSError, UnicodeDecodeError) as error:
            raise self._trouble("cannot be read") from error
        if mode & 0o077:
            log.warning("others may read the key of this installation", path=str(self._path), remedy="chmod 600 it")
        try:
            secret = bytes.fromhex(text)
        except ValueError:
            secret = b""
        if len(secret) != _BYTES:
            raise self._trouble("is damaged")
        return secret

    def _make(self) -> bytes:
        """Write a new secret whole or not at all; where another process was first, its secret counts."""
        secret = secrets.token_bytes(_BYTES)
        draft = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft.unlink(missing_ok=True)
            handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            try:
                os.write(handle, secret.hex().encode() + b"\n")
                os.fsync(handle)
            finally:
                os.close(handle)
            _put(draft, self._path)
        except OSError as error:
            raise self._trouble("cannot be written") from error
        return self._read()

    def _trouble(self, what: str) -> StorageError:
        return StorageError(
            f"The key {self._path} {what}.",
            "Put it back from a backup, or delete it: everybody then has to sign in again.",
        )


def _put(draft: Path, path: Path) -> None:
    """Give the draft its name, unless another file has it already."""
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    except OSError:  # a file system without links
        draft.replace(path)
    draft.unlink(missing_ok=True)
