"""Many renames as one: written down before the first, finished or taken back at the next start wherever they stopped.

A journal in DATA_DIR holds the list of (from, to). First everything old is moved away, then everything new into its
place. A pair whose target exists is done, so that going through the list again, forwards or (turned round) backwards,
comes to the same end from every point.
"""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from services.backup.contents import JOURNAL
from services.backup.private import sync_folder, write_private
from services.errors import StorageError

Phase = Literal["database", "finish", "undo"]


@dataclass(slots=True)
class Journal:
    """A restore under way: which, how far, and the renames, as absolute paths or relative to DATA_DIR.

    `database` is before PostgreSQL has taken the new rows: whether it has is asked there, by the mark `id`.
    """

    id: str
    phase: Phase
    before: str
    moves: list[tuple[str, str]] = field(default_factory=list)

    def write(self, data_dir: Path) -> None:
        """Put it on the disk, whole."""
        write_private(data_dir / JOURNAL, json.dumps(asdict(self)))


def read_journal(data_dir: Path) -> Journal | None:
    """Return the restore that was under way, None when there was none. Raises StorageError."""
    try:
        data = json.loads((data_dir / JOURNAL).read_text())
        return Journal(data["id"], data["phase"], data["before"], [(old, new) for old, new in data["moves"]])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StorageError(
            f"The notes of a restore, {data_dir / JOURNAL}, cannot be read ({error}).",
            f"The state before it lies in {data_dir}/before-<time>; move it back and delete the notes.",
        ) from error


def forget_journal(data_dir: Path) -> None:
    """The restore is over."""
    (data_dir / JOURNAL).unlink(missing_ok=True)
    sync_folder(data_dir)


def carry_on(data_dir: Path, journal: Journal) -> None:
    """Make all moves, or take them all back as the journal's phase says. Raises OSError; it may be called again."""
    pairs = journal.moves
    if journal.phase == "undo":
        pairs = [(new, old) for old, new in reversed(journal.moves)]
    touched: set[Path] = set()
    for source, target in pairs:
        old, new = data_dir / source, data_dir / target
        if os.path.lexists(new) or not os.path.lexists(old):
            continue
        new.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        old.rename(new)
        touched |= {old.parent, new.parent}
    for folder in touched:
        sync_folder(folder)


def swap(data_dir: Path, journal: Journal) -> None:
    """Make all moves; where one fails, none is made. Raises StorageError."""
    journal.phase = "finish"
    journal.write(data_dir)
    try:
        carry_on(data_dir, journal)
    except OSError as error:
        journal.phase = "undo"
        journal.write(data_dir)
        carry_on(data_dir, journal)
        forget_journal(data_dir)
        raise StorageError(
            f"The data folder cannot be exchanged ({error.strerror}: {error.filename}).",
            "Everything is as it was before. Folders in DATA_DIR that are mounts of their own cannot be moved.",
        ) from error
    forget_journal(data_dir)
