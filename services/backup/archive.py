"""The inside of a backup: a plain tar of regular files, read strictly and in one pass.

The reader takes one header block for each file and nothing else that tar can express: no link, device, folder, sparse
file or extended header, and no compression, so that nothing grows while it is unpacked.
"""

import hashlib
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

from services.errors import RefusedError, StorageError

BLOCK = tarfile.BLOCKSIZE
PIECE = 1 << 20
LONGEST_NAME = 240
MOST_FILES = 5_000_000
_SHORT_NAME = 100


class Sink(Protocol):
    """Takes bytes."""

    def write(self, data: bytes, /) -> object:
        """Take them all."""
        ...


class Source(Protocol):
    """Gives bytes."""

    def read(self, size: int, /) -> bytes:
        """Return `size` bytes, fewer only at the end."""
        ...


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file as it was written: its name inside, its size in bytes and its SHA-256 in hexadecimal."""

    name: str
    size: int
    sha256: str


def write_file(sink: Sink, name: str, source: Source, size: int) -> StoredFile:
    """Append `size` bytes of `source` under `name`; return what went in, shorter when `source` ended before.

    Raises StorageError for a name that a tar header cannot hold.
    """
    sink.write(_header(name, size))
    digest, left = hashlib.sha256(), size
    while left and (piece := source.read(min(left, PIECE))):
        digest.update(piece)
        sink.write(piece)
        left -= len(piece)
    stored = StoredFile(name, size - left, digest.hexdigest())
    while left:  # the header has promised them
        sink.write(bytes(min(left, PIECE)))
        left -= min(left, PIECE)
    sink.write(bytes(-size % BLOCK))
    return stored


def write_end(sink: Sink) -> None:
    """Append what ends a tar."""
    sink.write(bytes(2 * BLOCK))


class ArchiveReader:
    """Reads an archive file by file. Raises RefusedError for anything that `write_file` does not write."""

    def __init__(self, source: Source, most_bytes: int) -> None:
        """`most_bytes` is how much all files together may hold: the size of the backup itself."""
        self._source = source
        self._left = most_bytes
        self._count = 0

    def files(self) -> Iterator[tuple[str, int]]:
        """Iterate over (name, size); each is taken with `take` before the next is asked for."""
        known: set[str] = set()
        while (block := self._exactly(BLOCK)).strip(b"\0"):
            info = _parsed(block)
            self._count += 1
            self._left -= info.size
            if self._left < 0 or self._count > MOST_FILES:
                raise RefusedError("This backup holds more than its own size allows: it is cut off, or none of ours.")
            if info.name in known:
                raise RefusedError(f"This backup holds {info.name!r} twice.")
            known.add(info.name)
            yield info.name, info.size
        if self._source.read(BLOCK).strip(b"\0") or self._source.read(1):
            raise RefusedError("This backup goes on after its end.")

    def take(self, name: str, size: int, sink: Callable[[bytes], object]) -> StoredFile:
        """Hand the file's bytes to `sink` piece by piece; return what was read."""
        digest, left = hashlib.sha256(), size
        while left:
            piece = self._exactly(min(left, PIECE))
            digest.update(piece)
            sink(piece)
            left -= len(piece)
        self._exactly(-size % BLOCK)
        return StoredFile(name, size, digest.hexdigest())

    def _exactly(self, size: int) -> bytes:
        data = self._source.read(size)
        if len(data) < size:
            raise RefusedError("This backup ends too early.", "Take another one, or copy it again from where it was.")
        return data


def safe_name(name: str) -> bool:
    """Tell whether a name inside stays inside: relative, no "..", nothing that a file system reads otherwise."""
    parts = name.split("/")
    return (
        0 < len(name.encode("utf-8", "replace")) <= LONGEST_NAME
        and name.isprintable()
        and "\\" not in name
        and all(part not in {"", ".", ".."} and len(part) <= 200 for part in parts)
        and PurePosixPath(name).as_posix() == name
    )


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    short = len(name.encode("utf-8", "replace")) <= _SHORT_NAME
    try:
        if not safe_name(name):
            raise ValueError
        # Long names need ustar's second field, sizes over 8 GiB GNU's way of writing numbers.
        block = info.tobuf(tarfile.GNU_FORMAT if short else tarfile.USTAR_FORMAT, "utf-8", "strict")
    except ValueError:
        raise StorageError(
            f"The file {name!r} has a name that a backup cannot hold.", "Rename it, or move it out of DATA_DIR."
        ) from None
    assert len(block) == BLOCK
    return block


def _parsed(block: bytes) -> tarfile.TarInfo:
    try:
        info = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
    except (tarfile.HeaderError, UnicodeDecodeError, ValueError):
        raise RefusedError("This backup holds something that is no file list.") from None
    if info.type != tarfile.REGTYPE or info.size < 0 or not safe_name(info.name):
        raise RefusedError(f"This backup holds {info.name[:100]!r}, which is no plain file inside it.")
    return info
