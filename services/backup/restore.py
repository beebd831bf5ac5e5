"""Putting a backup back: unpacked and checked beside, then exchanged by renames; the old state is kept.

`prepare` does everything that can go wrong and touches nothing of the old state; `carry_out` exchanges, and is finished
or taken back at the next start wherever it was stopped. Everything here blocks: it runs in a thread.
"""

import json
import os
import shutil
import uuid
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import URL

from services.backup import contents, postgres
from services.backup.contents import BEFORE, RESTORING, STAGED
from services.backup.hold import Hold
from services.backup.maker import (
    Progress,
    expect_database,
    expect_room,
    read_through,
)
from services.backup.manifest import FILES, About
from services.backup.private import sync_folder, write_private
from services.backup.swap import Journal, carry_on, forget_journal, read_journal, swap
from services.errors import RefusedError, SecretaryError, StorageError
from services.storage import migrate
from services.storage.engine import is_sqlite, sqlite_url

_NEW = "new"
_DUMP = "secretary.pgdump"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A restore that is ready to be carried out; `entries` are the names at the top of DATA_DIR that it brings."""

    id: str
    backup: str
    about: About
    entries: list[str]


def prepare(data_dir: Path, url: URL, path: Path, passphrase: str, progress: Progress = lambda _: None) -> Prepared:
    """Unpack `path` into DATA_DIR/restoring, check it whole, and bring its database up to date there.

    Raises RefusedError for a backup that cannot be restored here, StorageError; the old state is not touched.
    """
    folder = data_dir / RESTORING
    try:
        shutil.rmtree(folder, ignore_errors=True)
        expect_room(data_dir, path.stat().st_size * 2)
        new = folder / _NEW
        new.mkdir(mode=0o700, parents=True)
        database = folder / "database"

        def place(name: str, about: About) -> Path | None:
            _expect_kind(about, url)
            return database if name == about.database_file else new / name.removeprefix(FILES)

        manifest = read_through(path, passphrase, place, lambda share: progress(0.8 * share))
        for torn in manifest.torn:
            (new / torn.removeprefix(FILES)).unlink(missing_ok=True)
        expect_database(manifest.about, database)
        _expect_known(manifest.about)
        if is_sqlite(url):
            migrate.upgrade(_url_of(database))
            _leave_one_file(database)
            database.rename(_new_database(data_dir, url))
        else:
            database.rename(folder / _DUMP)
        progress(1.0)
        entries = sorted(path.name for path in new.iterdir())
        _expect_state_only(entries)
        prepared = Prepared(uuid.uuid4().hex, path.name, manifest.about, entries)
        _sync_tree(folder)
    except SecretaryError:
        discard(data_dir)
        raise
    except OSError as error:
        discard(data_dir)
        raise StorageError(
            f"The backup cannot be unpacked ({error.strerror}: {error.filename}).", "The old state is untouched."
        ) from error
    return prepared


def discard(data_dir: Path) -> None:
    """Throw away what was unpacked."""
    (data_dir / STAGED).unlink(missing_ok=True)
    shutil.rmtree(data_dir / RESTORING, ignore_errors=True)


def stage(data_dir: Path, prepared: Prepared) -> None:
    """Note that what is prepared is to be carried out at the next start."""
    write_private(data_dir / STAGED, json.dumps(asdict(prepared)))


def staged(data_dir: Path) -> Prepared | None:
    """Return the restore that waits for the next start, None without one."""
    try:
        data = json.loads((data_dir / STAGED).read_text())
        return Prepared(data["id"], data["backup"], About(**data["about"]), list(data["entries"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StorageError(
            f"{data_dir / STAGED} cannot be read ({error}).", "Delete it to start with the present state."
        ) from error


def carry_out(data_dir: Path, url: URL, prepared: Prepared) -> Path:
    """Exchange the old state for the prepared one; return where the old one lies now. Needs the folder alone.

    Raises StorageError: everything is then as it was before.
    """
    before = f"{BEFORE}{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{prepared.id[:4]}"
    (data_dir / before).mkdir(mode=0o700)
    journal = Journal(prepared.id, "database", before, _moves(data_dir, url, prepared, before))
    try:
        if not is_sqlite(url):
            # The present rows are kept as a dump, which puts them back should the new ones not be of use.
            postgres.dump(url, data_dir / before / _DUMP)
            journal.write(data_dir)
            postgres.replace(url, data_dir / RESTORING / _DUMP, journal.id)
            migrate.upgrade(url)
        swap(data_dir, journal)
    except SecretaryError:
        _take_back_rows(data_dir, url, journal)
        forget_journal(data_dir)
        shutil.rmtree(data_dir / before, ignore_errors=True)
        raise
    _tidy(data_dir, url)
    return data_dir / before


def settle(data_dir: Path, url: URL, hold: Hold) -> None:
    """At a start: finish or take back a restore that was stopped, and carry out one that was staged.

    A running server's data is left alone. Raises StorageError, ConflictError.
    """
    if read_journal(data_dir) is None and staged(data_dir) is None:
        return
    if not hold.try_alone():
        return
    journal = read_journal(data_dir)
    if journal is not None:
        _settle_journal(data_dir, url, journal)
    waiting = staged(data_dir)
    if waiting is not None:
        # Whatever comes of it, it is tried once: the next start must not fail at it again.
        (data_dir / STAGED).unlink()
        carry_out(data_dir, url, waiting)


def forget_old(data_dir: Path) -> int:
    """Delete the states from before restores; return how many there were."""
    old = [path for path in data_dir.iterdir() if path.name.startswith(BEFORE) and path.is_dir()]
    for path in old:
        shutil.rmtree(path, ignore_errors=True)
    return len(old)


def _settle_journal(data_dir: Path, url: URL, journal: Journal) -> None:
    try:
        if journal.phase == "database":
            taken = postgres.marked(url) == journal.id
            journal.phase = "finish" if taken else "undo"
            journal.write(data_dir)
        carry_on(data_dir, journal)
        if journal.phase == "undo":
            _take_back_rows(data_dir, url, journal)
        forget_journal(data_dir)
        if journal.phase == "undo":
            shutil.rmtree(data_dir / journal.before, ignore_errors=True)
    except OSError as error:
        raise StorageError(
            f"A restore that was stopped cannot be finished ({error.strerror}: {error.filename}).",
            "Make room, or mend the rights in the data folder, and start again.",
        ) from error
    _tidy(data_dir, url)


def _take_back_rows(data_dir: Path, url: URL, journal: Journal) -> None:
    """Put the old rows back into PostgreSQL, where it has taken the new ones."""
    if not is_sqlite(url) and postgres.marked(url) == journal.id:
        postgres.replace(url, data_dir / journal.before / _DUMP, "taken-back")
        postgres.unmark(url)


def _tidy(data_dir: Path, url: URL) -> None:
    shutil.rmtree(data_dir / RESTORING, ignore_errors=True)
    for path in _new_database(data_dir, url).parent.glob(f"*{_BESIDE}") if is_sqlite(url) else ():
        path.unlink(missing_ok=True)
    if not is_sqlite(url):
        postgres.unmark(url)


def _moves(data_dir: Path, url: URL, prepared: Prepared, before: str) -> list[tuple[str, str]]:
    """Return all renames: the old entries away, then the new ones into their places.

    Recordings that the backup was made without stay where they are.
    """
    keeps = set() if prepared.about.recordings else {contents.RECORDINGS}
    old = [(name, f"{before}/{name}") for name in contents.state_entries(data_dir) if name not in keeps]
    new = [(f"{RESTORING}/{_NEW}/{name}", name) for name in prepared.entries if name not in keeps]
    if not is_sqlite(url):
        return old + new
    file = Path(str(url.database)).absolute()
    inside = file.parent == data_dir.absolute()
    if not inside:
        old += [(str(file) + tail, f"{file}.{before}{tail}") for tail in contents.DATABASE_TAILS]
    fresh = _new_database(data_dir, url)
    return [*old, (str(fresh), str(file)), *new]


_BESIDE = ".restored.tmp"


def _new_database(data_dir: Path, url: URL) -> Path:
    """Return where the new SQLite file waits: on the same file system as the old one."""
    file = Path(str(url.database)).absolute()
    if file.parent == data_dir.absolute():
        return data_dir.absolute() / RESTORING / "fresh.db"
    return file.with_name(file.name + _BESIDE)


def _expect_kind(about: About, url: URL) -> None:
    here = "sqlite" if is_sqlite(url) else "postgresql"
    if about.database != here:
        names = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
        raise RefusedError(
            f"This backup is of {names[about.database]}, and this installation uses {names[here]}.",
            "Restore it where SECRETARY_DATABASE_URL names a database of the same kind.",
        )


def _expect_known(about: About) -> None:
    if about.revision not in migrate.revisions():
        raise RefusedError(
            f"This backup was made by a newer version ({about.version}).", "Install that version to restore it."
        )


def _expect_state_only(entries: list[str]) -> None:
    for name in entries:
        if not contents.is_kept(name):
            raise RefusedError(f"This backup holds {name!r}, which belongs to none.")


def _url_of(file: Path) -> URL:
    from services.storage.engine import parse_url

    return parse_url(sqlite_url(file.parent)).set(database=str(file))


def _leave_one_file(database: Path) -> None:
    """Fold the log that the migration has left into the database."""
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    with database.open("rb") as file:
        os.fsync(file.fileno())


def _sync_tree(folder: Path) -> None:
    for where, _, _ in os.walk(folder):
        sync_folder(Path(where))
