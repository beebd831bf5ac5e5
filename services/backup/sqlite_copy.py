"""A SQLite database copied while it is written to, and looked at for damage."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from services.errors import RefusedError, StorageError

PAGES = 512
SECONDS = 30.0


def copy(source: Path, target: Path, progress: Callable[[float], None] = lambda _: None) -> None:
    """Copy the database as it is now into the new file `target`, as one file without a log beside it.

    The copy reads inside one transaction: in WAL mode that holds up no writer, and no writer makes it begin again. What
    `progress` (0 to 1) raises ends it. Raises StorageError.
    """

    def told(_status: int, remaining: int, total: int) -> None:
        progress(1 - remaining / total if total else 1.0)

    try:
        with (
            closing(sqlite3.connect(f"file:{_quoted(source)}?mode=ro", uri=True, timeout=SECONDS)) as reading,
            closing(sqlite3.connect(target, timeout=SECONDS)) as writing,
        ):
            reading.isolation_level = None
            reading.execute("BEGIN")
            reading.execute("SELECT count(*) FROM sqlite_master").fetchone()  # the snapshot begins with the first read
            reading.backup(writing, pages=PAGES, progress=told, sleep=0)
            reading.execute("ROLLBACK")
            writing.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise StorageError(
            f"The database {source} cannot be copied ({error}).", "Look at it with `secretary doctor`."
        ) from error


def revision(path: Path) -> str:
    """Return the migration that the database is of, "" when of none. Raises RefusedError for what is no database."""
    try:
        with closing(_open(path)) as database:
            if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone() is None:
                return ""
            row = database.execute("SELECT version_num FROM alembic_version").fetchone()
            return str(row[0]) if row else ""
    except sqlite3.Error as error:
        raise RefusedError(f"The database is damaged ({error}).", "Take another backup.") from None


def expect_whole(path: Path) -> None:
    """Look at every page, index and reference. Raises RefusedError naming the first fault."""
    try:
        with closing(_open(path)) as database:
            fault = str(database.execute("PRAGMA integrity_check(1)").fetchone()[0])
            if fault == "ok" and (row := database.execute("PRAGMA foreign_key_check").fetchone()) is not None:
                fault = f"a row of {row[0]} points at nothing"
    except sqlite3.Error as error:
        fault = str(error)
    if fault != "ok":
        raise RefusedError(f"The database is damaged ({fault[:200]}).", "Take another backup.")


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{_quoted(path)}?mode=ro&immutable=1", uri=True)


def _quoted(path: Path) -> str:
    from urllib.parse import quote

    return quote(str(path.absolute()))
