"""A backup made and put back: nothing is lost, nothing is mixed, whatever happens in between."""

import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from backup_state import PASSPHRASE, back_up, files_of, sqlite_state, state_of, write_files

from services.backup import maker, restore
from services.backup.entrance import enter
from services.backup.hold import Hold
from services.errors import ConflictError, RefusedError, StorageError
from services.storage import migrate
from services.storage.engine import parse_url, sqlite_url

ROOT = Path(__file__).resolve().parents[2]
NAME = "secretary-20261121T000000Z.tar.age"


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A folder in the state "new", with a backup of the state "old"."""
    folder = tmp_path / "data"
    url = sqlite_state(folder, "old")
    back_up(folder, url, folder / "backups" / NAME)
    shutil.rmtree(folder / "recordings")
    sqlite_state(folder, "new")
    return folder


def put_back(folder: Path) -> None:
    url = parse_url(sqlite_url(folder))
    restore.carry_out(folder, url, restore.prepare(folder, url, folder / "backups" / NAME, PASSPHRASE))


def test_the_old_state_comes_back_and_the_new_one_is_kept(data_dir: Path) -> None:
    assert state_of(data_dir) == {"new"}
    put_back(data_dir)
    assert state_of(data_dir) == {"old"}
    assert (data_dir / "speech-cache" / "made.again").exists()
    assert (data_dir / "backups" / NAME).exists()
    assert not (data_dir / "restoring").exists()
    kept = next(data_dir.glob("before-*"))
    assert files_of(kept) == {"new"}
    assert {path.stat().st_mode & 0o077 for path in (data_dir / "backups").iterdir()} == {0}
    assert restore.forget_old(data_dir) == 1
    assert not list(data_dir.glob("before-*"))


def test_a_database_outside_the_data_folder_comes_back_too(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "data", tmp_path / "db"
    elsewhere.mkdir()
    url = parse_url(f"sqlite:///{elsewhere}/mine.db")
    sqlite_state(folder, "old", url)
    back_up(folder, url, tmp_path / NAME)
    shutil.rmtree(folder / "recordings")
    sqlite_state(folder, "new", url)
    restore.carry_out(folder, url, restore.prepare(folder, url, tmp_path / NAME, PASSPHRASE))
    assert state_of(folder, url) == {"old"}


def test_without_recordings_those_of_now_stay(data_dir: Path) -> None:
    url = parse_url(sqlite_url(data_dir))
    path = data_dir / "backups" / "small.tar.age"
    manifest = back_up(data_dir, url, path, recordings=False)
    assert not any("recordings" in file.name for file in manifest.files)
    restore.carry_out(data_dir, url, restore.prepare(data_dir, url, path, PASSPHRASE))
    assert (data_dir / "recordings" / "new" / "call.ogg").exists()


def test_rows_written_meanwhile_are_in_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    url = sqlite_state(folder, "old")
    with closing(sqlite3.connect(folder / "secretary.db")) as database, database:
        database.execute("CREATE TABLE pairs (number INTEGER, twin INTEGER, filling BLOB)")
        database.executemany("INSERT INTO pairs VALUES (?, ?, randomblob(4000))", [(-n, -n) for n in range(3000)])
    ending, written = threading.Event(), 0

    def write() -> None:
        nonlocal written
        with closing(sqlite3.connect(folder / "secretary.db", timeout=10)) as database:
            while not ending.is_set():
                with database:
                    database.execute("INSERT INTO pairs VALUES (?, NULL, randomblob(500))", (written,))
                    database.execute("UPDATE pairs SET twin = number WHERE twin IS NULL")
                written += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        while written < 20:
            time.sleep(0.01)
        before = written
        back_up(folder, url, tmp_path / NAME)
        after = written
    finally:
        ending.set()
        thread.join()
    assert after > before, "nobody was held up for the whole of the backup"
    restore.carry_out(folder, url, restore.prepare(folder, url, tmp_path / NAME, PASSPHRASE))
    with closing(sqlite3.connect(folder / "secretary.db")) as database:
        count, halves = database.execute("SELECT count(*) - 3000, sum(twin IS NULL) FROM pairs").fetchone()
        highest = database.execute("SELECT max(number) + 1 FROM pairs").fetchone()[0]
    assert before <= count <= after + 1
    assert (count, halves) == (highest, 0)


@pytest.mark.parametrize("damage", ["cut", "flip", "passphrase"])
def test_what_cannot_be_restored_touches_nothing(data_dir: Path, damage: str) -> None:
    path, url = data_dir / "backups" / NAME, parse_url(sqlite_url(data_dir))
    whole = bytearray(path.read_bytes())
    if damage == "cut":
        del whole[-5000:]
    if damage == "flip":
        whole[len(whole) // 2] ^= 1
    path.write_bytes(whole)
    before = sorted(each.name for each in data_dir.iterdir())
    with pytest.raises(RefusedError):
        restore.prepare(data_dir, url, path, PASSPHRASE if damage != "passphrase" else "another long one")
    assert state_of(data_dir) == {"new"}
    assert sorted(each.name for each in data_dir.iterdir()) == before


def test_a_newer_versions_backup_is_refused_and_an_older_ones_brought_up_to_date(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    url = sqlite_state(folder, "old")
    with closing(sqlite3.connect(folder / "secretary.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    back_up(folder, url, tmp_path / NAME)
    with pytest.raises(RefusedError, match="newer"):
        restore.prepare(folder, url, tmp_path / NAME, PASSPHRASE)

    from alembic import command
    from alembic.runtime.migration import MigrationContext
    from sqlalchemy import create_engine

    older = tmp_path / "older"
    older.mkdir()
    url = parse_url(sqlite_url(older))
    engine = create_engine(url.set(drivername="sqlite"))
    with engine.begin() as connection:
        alembic = migrate.config()
        alembic.attributes["connection"] = connection
        command.upgrade(alembic, "0004")
        connection.exec_driver_sql("CREATE TABLE trial (mark TEXT)")
        connection.exec_driver_sql("INSERT INTO trial VALUES ('old')")
    engine.dispose()
    write_files(older, "old")
    manifest = back_up(older, url, tmp_path / "older.tar.age")
    assert manifest.about.revision == "0004"
    restore.carry_out(older, url, restore.prepare(older, url, tmp_path / "older.tar.age", PASSPHRASE))
    engine = create_engine(url.set(drivername="sqlite"))
    with engine.connect() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == max(migrate.revisions())
    engine.dispose()
    assert state_of(older) == {"old"}


def test_a_sqlite_backup_does_not_go_into_postgresql(data_dir: Path) -> None:
    with pytest.raises(RefusedError, match="PostgreSQL"):
        restore.prepare(data_dir, parse_url("postgresql://x@y/z"), data_dir / "backups" / NAME, PASSPHRASE)


def test_an_empty_folder_is_closed_to_others_and_one_in_use_left_as_it_is(tmp_path: Path) -> None:
    fresh, used = tmp_path / "fresh", tmp_path / "used"
    for folder, name in ((fresh, ".gitkeep"), (used, "somebody's")):
        folder.mkdir()
        folder.chmod(0o755)
        (folder / name).touch()
        Hold(folder).close()
    assert [folder.stat().st_mode & 0o777 for folder in (fresh, used)] == [0o700, 0o755]


def test_while_anybody_uses_the_folder_it_is_not_replaced(data_dir: Path) -> None:
    url = parse_url(sqlite_url(data_dir))
    user, other = enter(data_dir, url), Hold(data_dir)
    try:
        with pytest.raises(ConflictError):
            other.alone()
        user.close()
        other.alone()
    finally:
        user.close()
        other.close()


def test_what_is_staged_is_carried_out_at_the_next_start_and_not_beside_a_running_server(data_dir: Path) -> None:
    url = parse_url(sqlite_url(data_dir))
    running = enter(data_dir, url)
    restore.stage(data_dir, restore.prepare(data_dir, url, data_dir / "backups" / NAME, PASSPHRASE))
    enter(data_dir, url).close()
    assert state_of(data_dir) == {"new"}
    running.close()
    enter(data_dir, url).close()
    assert state_of(data_dir) == {"old"}
    enter(data_dir, url).close()
    assert len(list(data_dir.glob("before-*"))) == 1


_RESTORE = """
import sys
from pathlib import Path
from services.backup import restore
from services.storage.engine import parse_url, sqlite_url
folder = Path(sys.argv[1]); url = parse_url(sqlite_url(folder))
print("ready", flush=True); sys.stdin.readline()
restore.carry_out(folder, url, restore.prepare(folder, url, Path(sys.argv[2]), sys.argv[3]))
print("done", flush=True)
"""


def test_killed_anywhere_it_is_one_state_or_the_other(data_dir: Path, tmp_path: Path) -> None:
    dice = random.Random(7)
    seen: list[str] = []
    for number in range(8):
        folder = tmp_path / f"round{number}"
        shutil.copytree(data_dir, folder)
        process = subprocess.Popen(
            [sys.executable, "-c", _RESTORE, str(folder), str(folder / "backups" / NAME), PASSPHRASE],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        with process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdout.readline()
            process.stdin.write(b"\n")
            process.stdin.flush()
            if number:
                time.sleep(dice.uniform(0.0, 0.5))
                process.send_signal(signal.SIGKILL)
            else:
                process.stdout.readline()
        enter(folder, parse_url(sqlite_url(folder))).close()
        state = state_of(folder)
        assert state in ({"old"}, {"new"})
        seen += state
        shutil.rmtree(folder)
    assert seen[0] == "old"


def test_stopped_after_every_single_rename_it_is_finished_at_the_next_start(data_dir: Path, tmp_path: Path) -> None:
    """The same as a kill, at each of the moments that a clock hits too rarely."""
    from services.backup import swap

    url = parse_url(sqlite_url(data_dir))
    steps = 0
    for stop_after in range(20):
        folder = tmp_path / f"step{stop_after}"
        shutil.copytree(data_dir, folder)
        url = parse_url(sqlite_url(folder))
        prepared = restore.prepare(folder, url, folder / "backups" / NAME, PASSPHRASE)
        (folder / "before-x").mkdir()
        journal = swap.Journal(prepared.id, "finish", "before-x", restore._moves(folder, url, prepared, "before-x"))
        steps = len(journal.moves)
        if stop_after > steps:
            break
        journal.write(folder)
        swap.carry_on(folder, swap.Journal("x", "finish", "before-x", journal.moves[:stop_after]))
        if stop_after % 2:
            journal.phase = "undo"
            journal.write(folder)
        enter(folder, url).close()
        assert state_of(folder) == ({"new"} if stop_after % 2 else {"old"})
        assert not (folder / "restore.json").exists()
    assert steps > 3


def test_a_folder_that_cannot_be_moved_leaves_everything_as_it_was(data_dir: Path) -> None:
    url = parse_url(sqlite_url(data_dir))
    prepared = restore.prepare(data_dir, url, data_dir / "backups" / NAME, PASSPHRASE)
    # A file where the last rename wants a folder: the system's own refusal, as of a mount that cannot be moved.
    moves = restore._moves(data_dir, url, prepared, "before-x")
    (data_dir / "before-x").mkdir()
    (data_dir / "blocked").write_text("")
    from services.backup import swap

    journal = swap.Journal(prepared.id, "finish", "before-x", [*moves, ("before-x/secret.key", "blocked/deeper/x")])
    with pytest.raises(StorageError, match="exchanged"):
        swap.swap(data_dir, journal)
    assert state_of(data_dir) == {"new"}


def test_a_disk_without_room_is_told_before_anything_is_written(data_dir: Path) -> None:
    with pytest.raises(StorageError, match="free"):
        maker.expect_room(data_dir, 1 << 60)
