"""What is known of a backup without opening it: its file, and the note beside it."""

import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from services.backup.manifest import Manifest
from services.backup.private import write_private

NAME = re.compile(r"secretary-\d{8}T\d{6}Z\.tar\.age")


class Stage(StrEnum):
    """What happens to a backup now."""

    MAKING = "making"
    READY = "ready"
    CHECKING = "checking"
    UNPACKING = "unpacking"
    STAGED = "staged"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class BackupRecord:
    """A backup, or one that is being made: `progress` 0 to 1, `trouble` why the last thing asked of it failed.

    `verified_at` is when all of it was last read and found whole, None for never; `size` in bytes.
    """

    name: str
    stage: Stage
    progress: float = 1.0
    trouble: str = ""
    size: int = 0
    created_at: datetime | None = None
    verified_at: datetime | None = None
    version: str = ""
    database: str = ""
    revision: str = ""
    recordings: bool | None = None


def read_record(path: Path) -> BackupRecord:
    """Return what is known of a backup from its file and the note beside it, which need no passphrase."""
    record = BackupRecord(path.name, Stage.READY, size=path.stat().st_size, created_at=moment_of(path.name))
    try:
        note = json.loads(path.with_name(f"{path.name}.json").read_text())
        return replace(
            record,
            verified_at=datetime.fromisoformat(note["verified_at"]),
            version=str(note["version"]),
            database=str(note["database"]),
            revision=str(note["revision"]),
            recordings=bool(note["recordings"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return record


def write_note(path: Path, manifest: Manifest) -> None:
    """Note beside a backup what it is and that it was found whole just now: nothing that would need the passphrase."""
    about = manifest.about
    note = {
        "verified_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": about.version,
        "database": about.database,
        "revision": about.revision,
        "recordings": about.recordings,
    }
    write_private(path.with_name(f"{path.name}.json"), json.dumps(note))


def is_backup(path: Path) -> bool:
    """Tell whether a file has a backup's name."""
    return NAME.fullmatch(path.name) is not None and path.is_file()


def moment_of(name: str) -> datetime | None:
    """Return when a backup was begun, from its name."""
    try:
        return datetime.strptime(name, "secretary-%Y%m%dT%H%M%SZ.tar.age").replace(tzinfo=UTC)
    except ValueError:
        return None
