import asyncio
import errno
import stat
import threading
from pathlib import Path

import pytest
from servers import sqlite_only
from sqlalchemy import text

from services.domain import FaqEntry
from services.errors import StorageError
from services.parts import State
from services.storage.content.faq import FaqEntries
from services.storage.database import Database
from services.storage.engine import parse_url, place, sqlite_url
from services.storage.people.companies import Companies


@pytest.fixture
def foreign_file(data_dir: Path) -> Path:
    """A file that is no database, where ours should be."""
    data_dir.mkdir()
    file = data_dir / "secretary.db"
    file.write_bytes(b"my only copy of something else" * 200)
    return file


@pytest.fixture
def file_as_folder(data_dir: Path) -> Path:
    data_dir.write_text("a file where the folder should be")
    return data_dir


def modes(folder: Path) -> dict[str, int]:
    return {each.name: stat.S_IMODE(each.stat().st_mode) for each in (folder, *folder.iterdir())}


def content(file: Path) -> bytes:
    return file.read_bytes()


def spoil(file: Path) -> None:
    with file.open("r+b") as stream:
        stream.seek(4096)
        stream.write(b"\xff" * (file.stat().st_size - 4096))


@sqlite_only
async def test_pragmas_are_on_for_readers_and_the_writer(database: Database) -> None:
    async def pragmas(kind: str) -> dict[str, object]:
        async with database.write() if kind == "write" else database.read() as session:
            names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "query_only")
            return {name: await session.scalar(text(f"PRAGMA {name}")) for name in names}

    common = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000}
    assert await pragmas("write") == {**common, "query_only": 0}
    assert await pragmas("read") == {**common, "query_only": 1}


async def test_the_folder_and_the_files_are_private(data_dir: Path) -> None:
    database = Database(sqlite_url(data_dir))
    await database.migrate()
    async with database.write() as session:
        await session.execute(text("UPDATE companies SET name = name"))
    found = modes(data_dir)
    await database.close()
    assert found.pop("data") == 0o700
    assert found.keys() >= {"secretary.db", "secretary.db-wal"}
    assert set(found.values()) == {0o600}


async def test_a_write_that_fails_leaves_nothing_behind(database: Database) -> None:
    async def fail() -> None:
        async with database.write() as session:
            await session.execute(text("UPDATE companies SET name = 'spoilt'"))
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        await fail()
    profile = await Companies(database).profile("default")
    assert profile is not None
    assert profile.name == "Bakery"


async def test_a_cancelled_write_rolls_back_and_frees_the_database(database: Database) -> None:
    begun = asyncio.Event()

    async def write_for_ever() -> None:
        async with database.write() as session:
            await session.execute(text("UPDATE companies SET name = 'spoilt'"))
            begun.set()
            await asyncio.sleep(3600)

    task = asyncio.create_task(write_for_ever())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await Companies(database).update_facts("default", {"en": {"hours": "9 to 6"}})
    profile = await Companies(database).profile("default")
    assert profile is not None
    assert (profile.name, profile.fact("hours", "en")) == ("Bakery", "9 to 6")


async def test_writes_cancelled_at_any_point_never_leave_a_lock(database: Database) -> None:
    companies = Companies(database)
    for ticks in range(40):
        task = asyncio.create_task(companies.update_facts("default", {"en": {"n": str(ticks)}}))
        for _ in range(ticks):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await companies.update_facts("default", {"en": {"n": "last"}})
    profile = await companies.profile("default")
    assert profile is not None
    assert profile.fact("n", "en") == "last"


async def test_reads_go_on_while_somebody_writes_and_see_one_moment(database: Database) -> None:
    async with database.write() as session:
        await session.execute(text("UPDATE companies SET name = 'not yet'"))
        profile = await Companies(database).profile("default")
        assert profile is not None
        assert profile.name == "Bakery"


async def test_reading_cannot_write(database: Database) -> None:
    with pytest.raises(StorageError, match="cannot be opened for writing"):
        async with database.read() as session:
            await session.execute(text("DELETE FROM companies"))
    assert await Companies(database).profile("default") is not None


async def test_two_processes_on_one_database_write_at_once_without_being_refused(
    database: Database, database_url: str
) -> None:
    second = Database(database_url)
    try:
        await second.migrate()

        async def count_up(each: Database) -> None:
            for _ in range(25):
                async with each.write() as session:
                    seen = await session.scalar(text("SELECT faq_revision FROM companies WHERE id = 'default'"))
                    await session.execute(
                        text("UPDATE companies SET faq_revision = :n WHERE id = 'default'"), {"n": seen + 1}
                    )

        await asyncio.gather(*(count_up(each) for each in (database, second, database, second)))
        assert await FaqEntries(database).revision("default") == "100"
    finally:
        await second.close()


@sqlite_only
async def test_a_full_disk_is_said_and_loses_nothing(database: Database) -> None:
    companies = Companies(database)
    async with database.write() as session:
        pages = await session.scalar(text("PRAGMA page_count"))
        await session.execute(text(f"PRAGMA max_page_count = {pages}"))
    with pytest.raises(StorageError, match="disk is full"):
        await companies.update_facts("default", {"ru": {"prices": "дорого " * 100_000}})
    assert database.part().state is State.DOWN
    assert "Free some space" in database.part().remedy

    async with database.write() as session:
        await session.execute(text("PRAGMA max_page_count = 1000000"))
    await companies.update_facts("default", {"ru": {"prices": "дорого"}})
    assert database.part().state is State.READY
    profile = await companies.profile("default")
    assert profile is not None
    assert profile.fact("prices", "ru") == "дорого"


async def test_a_file_that_is_no_database_is_left_as_it_is(data_dir: Path, foreign_file: Path) -> None:
    before = content(foreign_file)
    threads = threading.active_count()
    database = Database(sqlite_url(data_dir))
    with pytest.raises(StorageError, match="damaged or is no database"):
        await database.migrate()
    with pytest.raises(StorageError, match="damaged or is no database"):
        await Companies(database).profile("default")
    with pytest.raises(StorageError, match="damaged or is no database"):
        await FaqEntries(database).add("default", FaqEntry("f1", "?", "!", "en"))
    assert content(foreign_file) == before
    assert (await database.check()).state is State.DOWN
    await database.close()
    # to_thread keeps one worker of its own; a connection that was not closed would keep one each.
    for _ in range(500):
        if threading.active_count() <= threads + 1:
            break
        await asyncio.sleep(0.01)
    assert threading.active_count() <= threads + 1


@sqlite_only
async def test_a_damaged_database_is_said(database: Database, data_dir: Path) -> None:
    await database.close()
    spoil(data_dir / "secretary.db")
    with pytest.raises(StorageError, match="damaged or is no database"):
        await Companies(database).profile("default")
    assert (await database.check()).state is State.DOWN
    await database.close()


async def test_a_folder_that_cannot_be_made_is_said(file_as_folder: Path) -> None:
    database = Database(sqlite_url(file_as_folder))
    with pytest.raises(StorageError, match="cannot be opened for writing") as caught:
        await database.migrate()
    assert "SECRETARY_DATA_DIR" in caught.value.remedy
    assert content(file_as_folder) == b"a file where the folder should be"
    await database.close()


async def test_a_database_that_was_never_set_up_is_said(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path))
    assert database.part().state is State.DOWN
    with pytest.raises(StorageError, match="not of this version"):
        await Companies(database).profile("default")
    await database.close()


async def test_a_database_of_a_newer_version_is_left_as_it_is(database: Database) -> None:
    async with database.write() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StorageError, match="newer version") as caught:
        await database.migrate()
    assert "9999" in caught.value.message
    assert await Companies(database).profile("default") is not None
    await database.close()


async def test_the_state_is_ready_after_the_migration(database: Database, database_url: str) -> None:
    part = await database.check()
    assert (part.name, part.state, part.required) == ("database", State.READY, True)
    assert place(parse_url(database_url)) in part.detail


@pytest.mark.parametrize(
    "url", ["", "nonsense", "mysql://a:b@c/d", "sqlite://", "sqlite:///:memory:", "://", "sqlite+aiosqlite://"]
)
def test_an_unusable_url_is_said(url: str) -> None:
    with pytest.raises(StorageError) as caught:
        Database(url)
    assert caught.value.remedy


def test_a_missing_driver_is_said_without_the_password() -> None:
    with pytest.raises(StorageError, match="not installed") as caught:
        Database("postgresql+psycopg://secretary:hush@localhost/secretary")
    assert "hush" not in str(caught.value)


def test_the_place_of_a_database_never_shows_its_password() -> None:
    assert "hush" not in place(parse_url("postgresql://secretary:hush@localhost/secretary"))


def test_a_bare_sqlite_url_gets_its_driver() -> None:
    assert parse_url("sqlite:////tmp/x.db").drivername == "sqlite+aiosqlite"


async def test_a_server_that_is_away_is_said_and_is_over_when_it_is_back(database: Database) -> None:
    # asyncpg passes the system's refusal of a connection on as it is.
    with pytest.raises(StorageError, match=r"cannot be reached \(Connection refused\)"):
        async with database.read():
            raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
    assert database.part().state is State.DOWN
    assert (await database.check()).state is State.READY
