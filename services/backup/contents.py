"""What of DATA_DIR belongs into a backup: everything that running cannot make again."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

BACKUPS = "backups"
RESTORING = "restoring"
BEFORE = "before-"
JOURNAL = "restore.json"
STAGED = "restore-at-start"
LOCK = ".lock"
RECORDINGS = "recordings"

_DERIVED = frozenset({BACKUPS, "speech-cache", RESTORING, JOURNAL, STAGED, LOCK, ".gitkeep", "lost+found"})
_PASSING = (".lock", ".part", ".tmp", ".sock", ".pid")
_BACKUP = re.compile(r"secretary-\d{8}T\d{6}Z\.tar\.age(\.json)?")
DATABASE_TAILS = ("", "-wal", "-shm", "-journal")


def is_kept(name: str) -> bool:
    """Tell whether an entry of DATA_DIR is part of its state; caches, locks and earlier states are not."""
    passing = name.endswith(_PASSING) or _BACKUP.fullmatch(name) is not None
    return name not in _DERIVED and not name.startswith(BEFORE) and not passing


def state_entries(data_dir: Path) -> list[str]:
    """Return the entries of DATA_DIR that a restore replaces, by name."""
    return sorted(path.name for path in data_dir.iterdir() if is_kept(path.name))


def files(data_dir: Path, database: Path | None, *, recordings: bool, outside: Path) -> Iterator[Path]:
    """Iterate over the files to back up, besides the database (copied apart) and what lies in `outside`.

    Links and what is no regular file are passed over.
    """
    home, apart = data_dir.resolve(), set[Path]()
    if database is not None:
        apart = {database.resolve().with_name(database.name + tail) for tail in DATABASE_TAILS}
    # A folder of backups above DATA_DIR holds everything, and is no reason to leave it out.
    inner = outside.resolve() if home in outside.resolve().parents else None
    for name in state_entries(data_dir):
        if name == RECORDINGS and not recordings:
            continue
        path = data_dir / name
        for each in _walk(path) if path.is_dir() and not path.is_symlink() else iter([path]):
            real = home / each.relative_to(data_dir)
            if real in apart or (inner is not None and inner in real.parents):
                continue
            if each.is_file() and not each.is_symlink():
                yield each


def _walk(folder: Path) -> Iterator[Path]:
    for where, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if not name.endswith(_PASSING):
                yield Path(where) / name
