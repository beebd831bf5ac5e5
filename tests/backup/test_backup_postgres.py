"""PostgreSQL backed up and put back with its own tools, on a real server."""

import asyncio
import shutil
from pathlib import Path

import pytest
from backup_state import PASSPHRASE, back_up, files_of, write_files
from servers import GUARDED, GUARDED_PASSWORD, postgres, postgres_database

from services.backup import maker, restore
from services.backup import postgres as tools
from services.backup.entrance import enter
from services.backup.swap import Journal, read_journal
from services.errors import RefusedError, StorageError
from services.storage.database import Database
from services.storage.engine import parse_url

NAME = "secretary-20261121T000000Z.tar.age"


def mark_rows(url: str, mark: str) -> None:
    database = str(parse_url(url).database)
    postgres().sql(
        "CREATE TABLE IF NOT EXISTS trial (mark text)",
        "DELETE FROM trial",
        f"INSERT INTO trial SELECT '{mark}' FROM generate_series(1, 500)",
        database=database,
    )


def rows_of(url: str) -> set[str]:
    return set(postgres().sql("SELECT DISTINCT mark FROM trial", database=str(parse_url(url).database)).split())


def test_rows_and_files_come_back_together(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    with postgres_database() as address:
        url = parse_url(address)
        mark_rows(address, "old")
        write_files(folder, "old")
        manifest = back_up(folder, url, folder / "backups" / NAME)
        assert manifest.about.database == "postgresql"
        shutil.rmtree(folder / "recordings")
        write_files(folder, "new")
        mark_rows(address, "new")
        postgres().sql("CREATE TABLE of_a_newer_version (x int)", database=str(url.database))
        prepared = restore.prepare(folder, url, folder / "backups" / NAME, PASSPHRASE)
        assert rows_of(address) == {"new"}
        restore.carry_out(folder, url, prepared)
        assert (rows_of(address), files_of(folder)) == ({"old"}, {"old"})
        with pytest.raises(RuntimeError, match="of_a_newer_version"):
            postgres().sql("SELECT 1 FROM of_a_newer_version", database=str(url.database))
        assert tools.marked(url) == ""

        async def opens() -> None:
            database = Database(address)
            await database.migrate()
            assert (await database.check()).state == "ready"
            await database.close()

        asyncio.run(opens())


def test_killed_between_the_rows_and_the_files_it_is_finished_or_taken_back(tmp_path: Path) -> None:
    for taken in (True, False):
        folder = tmp_path / str(taken)
        folder.mkdir()
        with postgres_database() as address:
            url = parse_url(address)
            mark_rows(address, "old")
            write_files(folder, "old")
            back_up(folder, url, folder / "backups" / NAME)
            shutil.rmtree(folder / "recordings")
            write_files(folder, "new")
            mark_rows(address, "new")
            prepared = restore.prepare(folder, url, folder / "backups" / NAME, PASSPHRASE)
            (folder / "before-x").mkdir()
            tools.dump(url, folder / "before-x" / "secretary.pgdump")
            moves = restore._moves(folder, url, prepared, "before-x")
            Journal(prepared.id, "database", "before-x", moves).write(folder)
            if taken:
                tools.replace(url, folder / "restoring" / "secretary.pgdump", prepared.id)
            enter(folder, url).close()
            expected = {"old"} if taken else {"new"}
            assert (rows_of(address), files_of(folder)) == (expected, expected)
            assert read_journal(folder) is None


def test_a_dump_that_ends_early_changes_nothing(tmp_path: Path) -> None:
    with postgres_database() as address:
        url = parse_url(address)
        mark_rows(address, "old")
        tools.dump(url, tmp_path / "dump")
        mark_rows(address, "new")
        whole = (tmp_path / "dump").read_bytes()
        for share in (0.3, 0.6, 0.9):
            (tmp_path / "cut").write_bytes(whole[: int(len(whole) * share)])
            with pytest.raises(RefusedError):
                tools.expect_whole(tmp_path / "cut")
            with pytest.raises(StorageError):
                tools.replace(url, tmp_path / "cut", "mark")
            assert rows_of(address) == {"new"}
        tools.replace(url, tmp_path / "dump", "mark")
        assert rows_of(address) == {"old"}


def test_the_password_is_on_no_command_line_and_a_wrong_one_is_a_sentence(tmp_path: Path) -> None:
    name = postgres().new_database()
    right = parse_url(postgres().url(name, f"{GUARDED}:{GUARDED_PASSWORD.replace(' ', '%20')}"))
    assert tools.query(right, "SELECT 1") == "1"
    wrong = parse_url(postgres().url(name, f"{GUARDED}:nonsense"))
    with pytest.raises(StorageError) as raised:
        maker.make(maker.Origin(tmp_path, wrong, "1"), tmp_path / "b.tar.age", PASSPHRASE, work_factor=2)
    assert "nonsense" not in str(raised.value)
    assert "password" in str(raised.value)
    assert not list(tmp_path.glob("b.tar*"))
    postgres().drop(name)


def test_without_postgresqls_programs_the_remedy_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(StorageError, match="postgresql-client"):
        tools.tool("pg_nothing_of_that_name")
