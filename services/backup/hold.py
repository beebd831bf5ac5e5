"""Who uses the data folder: everybody together, or one who replaces it alone.

A lock on data/.lock that the system takes away from a process that dies, however it dies.
"""

import fcntl
import os
import time
from pathlib import Path

from services.backup.contents import LOCK
from services.errors import ConflictError, StorageError

PATIENCE_SECONDS = 10.0


class Hold:
    """A hold on DATA_DIR, which is made (0700) where missing. Close it, or end the process. Raises StorageError."""

    def __init__(self, data_dir: Path) -> None:
        try:
            data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            _close_to_others(data_dir)
            self._handle = os.open(data_dir / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageError(
                f"The data folder {data_dir} cannot be opened for writing ({error.strerror}).",
                f"Make {data_dir} a folder that this user may write to, or point SECRETARY_DATA_DIR elsewhere.",
            ) from error

    def try_alone(self) -> bool:
        """Take the folder alone; False, at once, while anybody else uses it."""
        return self._lock(fcntl.LOCK_EX)

    def alone(self) -> None:
        """Take the folder alone. Raises ConflictError while anybody else uses it."""
        if not self.try_alone():
            raise ConflictError(
                "The secretary is running, or another of its commands is.", "Stop it first, then restore."
            )

    def together(self) -> None:
        """Use the folder beside others. Raises ConflictError while it is being replaced for longer than 10 s."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._lock(fcntl.LOCK_SH):
            if time.monotonic() > deadline:
                raise ConflictError("A backup is being restored in this data folder.", "Wait until that has ended.")
            time.sleep(0.1)

    def close(self) -> None:
        """Let go; idempotent."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def _lock(self, kind: int) -> bool:
        try:
            fcntl.flock(self._handle, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def _close_to_others(data_dir: Path) -> None:
    """Take the rights of others from a folder that is used for the first time: a checkout brings it open to all.

    One with anything in it stays as it is: it is somebody's choice, or not ours alone.
    """
    if data_dir.stat().st_uid == os.geteuid() and not {each.name for each in data_dir.iterdir()} - {".gitkeep"}:
        data_dir.chmod(0o700)
