"""Files that only their owner may read, written whole or not at all."""

import os
from pathlib import Path
from typing import BinaryIO


def create_private(path: Path, buffering: int = -1) -> BinaryIO:
    """Make a new file (0600) and open it for writing; nothing that is there already, a link included, is followed."""
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    return os.fdopen(handle, "wb", buffering)


def write_private(path: Path, text: str) -> None:
    """Put a small file (0600) on the disk, in the place of an earlier one."""
    draft = path.with_name(f"{path.name}.tmp")
    draft.unlink(missing_ok=True)
    with create_private(draft) as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Put the names in `folder` on the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
