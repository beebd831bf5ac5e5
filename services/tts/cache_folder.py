"""A bounded folder of files that are used again: the least lately used ones make room."""

import os
import tempfile
import threading
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path

SUFFIX = ".speech"
_UNFINISHED = ".tmp"


class CacheFolder:
    """Byte strings by name in one folder, `limit` bytes of them at most; files are 0600, the folder 0700.

    `has` and `touch` never touch the disk. All other methods block and belong in a thread, any thread; what they raise
    is OSError. What was used last is remembered over restarts by the files' times of change, which `close` brings up to
    date.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._limit = limit
        self._lock = threading.Lock()
        self._sizes: OrderedDict[str, int] = OrderedDict()  # least lately used first
        self._total = 0
        self._touched: set[str] = set()

    def open(self) -> None:
        """Make the folder, learn what is in it, and remove what a crash left unfinished or what is too much."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder.chmod(0o700)
        for path in self._folder.glob(f"*{_UNFINISHED}"):
            path.unlink(missing_ok=True)
        found = sorted((path.stat().st_mtime_ns, path) for path in self._folder.glob(f"*{SUFFIX}"))
        for _, path in found:
            self._note(path.name.removesuffix(SUFFIX), path.stat().st_size)
        self._make_room()

    def has(self, name: str) -> bool:
        """Tell whether there is such a file."""
        return name in self._sizes

    def touch(self, name: str) -> None:
        """Note that what the file holds was used."""
        with self._lock:
            if name in self._sizes:
                self._sizes.move_to_end(name)
                self._touched.add(name)

    def read(self, name: str) -> bytes:
        """Return a file's content."""
        self.touch(name)
        try:
            return self._path(name).read_bytes()
        except OSError:
            self._forget(name)
            raise

    def write(self, name: str, content: bytes) -> None:
        """Store a file, whole or not at all; one that is larger than the folder may be is not stored."""
        if len(content) > self._limit:
            return
        handle, unfinished = tempfile.mkstemp(_UNFINISHED, dir=self._folder)  # made 0600
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(unfinished).replace(self._path(name))
        except BaseException:
            with suppress(OSError):
                Path(unfinished).unlink(missing_ok=True)
            raise
        self._note(name, len(content))
        self._make_room()

    def remove(self, name: str) -> None:
        """Delete a file."""
        self._forget(name)
        self._path(name).unlink(missing_ok=True)

    def close(self) -> None:
        """Bring the files' times in the order of their use."""
        with self._lock:
            used = [name for name in self._sizes if name in self._touched]
            self._touched.clear()
        for name in used:
            with suppress(OSError):
                os.utime(self._path(name))

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}{SUFFIX}"

    def _note(self, name: str, size: int) -> None:
        with self._lock:
            self._total += size - self._sizes.pop(name, 0)
            self._sizes[name] = size

    def _forget(self, name: str) -> None:
        with self._lock:
            self._total -= self._sizes.pop(name, 0)

    def _make_room(self) -> None:
        while True:
            with self._lock:
                if self._total <= self._limit:
                    return
                oldest = next(iter(self._sizes))
            self.remove(oldest)
