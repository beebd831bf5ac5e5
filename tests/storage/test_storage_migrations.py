import asyncio
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from servers import sqlite_only
from sqlalchemy import Connection, UniqueConstraint, inspect

from services.domain import Persona
from services.storage import migrate
from services.storage.calls.calls import CallStore
from services.storage.content.personas import Personas
from services.storage.database import Database
from services.storage.engine import make_engine, parse_url, prepare_file
from services.storage.people.companies import Companies
from services.storage.tables import Base

OF_THE_INSTALLATION = {"companies", "leases", "audit_log", "audit_head", "audit_anchors"}
ROOT = Path(__file__).parents[2]
MIGRATE = """
import asyncio, sys
from services.storage.database import Database
async def main():
    database = Database(sys.argv[1])
    await database.migrate()
    await database.close()
asyncio.run(main())
"""


async def within(url: str, work: Callable[[Connection], None]) -> None:
    """Do something in a transaction as a migration does it."""
    engine = make_engine(parse_url(url), "migration")
    try:
        async with engine.begin() as connection:
            await connection.run_sync(work)
    finally:
        await engine.dispose()


async def test_the_migrations_make_exactly_the_tables_of_the_models(empty_database_url: str) -> None:
    def compare(connection: Connection) -> None:
        # PostgreSQL cannot compare a default of JSON.
        options = {"compare_type": True, "compare_server_default": connection.dialect.name == "sqlite"}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Base.metadata) == []
        assert context.get_current_heads() == tuple(ScriptDirectory.from_config(migrate.config()).get_heads())

    await asyncio.to_thread(migrate.upgrade, parse_url(empty_database_url))
    await within(empty_database_url, compare)


def test_there_is_one_line_of_revisions() -> None:
    assert len(ScriptDirectory.from_config(migrate.config()).get_heads()) == 1


@sqlite_only
async def test_a_second_migration_changes_nothing(database: Database, data_dir: Path) -> None:
    def dump() -> list[str]:
        connection = sqlite3.connect(data_dir / "secretary.db")
        try:
            return list(connection.iterdump())
        finally:
            connection.close()

    before = dump()
    await database.migrate()
    assert dump() == before


def test_every_business_table_belongs_to_a_company_and_is_found_by_it() -> None:
    for table in Base.metadata.sorted_tables:
        if table.name in OF_THE_INSTALLATION:
            continue
        column = table.c.company_id
        assert not column.nullable, table.name
        assert {key.target_fullname for key in column.foreign_keys} >= {"companies.id"}, table.name
        leading = [next(iter(index.columns)).name for index in table.indexes]
        leading += [next(iter(each.columns)).name for each in table.constraints if isinstance(each, UniqueConstraint)]
        assert "company_id" in leading, table.name


async def test_two_processes_may_set_up_a_new_database_at_once(empty_database_url: str) -> None:
    def one_revision(connection: Connection) -> None:
        assert connection.exec_driver_sql("SELECT count(*) FROM alembic_version").scalar() == 1

    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", MIGRATE, empty_database_url, cwd=ROOT, stderr=asyncio.subprocess.PIPE
        )
        for _ in range(3)
    ]
    outputs = await asyncio.gather(*(each.communicate() for each in processes))
    assert [each.returncode for each in processes] == [0, 0, 0], [error for _, error in outputs]
    await within(empty_database_url, one_revision)


async def test_databases_of_one_process_may_set_up_at_once(empty_database_url: str) -> None:
    databases = [Database(empty_database_url) for _ in range(4)]
    await asyncio.gather(*(each.migrate() for each in databases))
    for each in databases:
        await each.close()


@sqlite_only
async def test_a_migration_waits_for_who_is_just_writing_the_new_file(database: Database, data_dir: Path) -> None:
    # Outside WAL, SQLite refuses the switch to WAL at once while another process writes, whatever its busy timeout.
    await database.close()
    other = sqlite3.connect(data_dir / "secretary.db", isolation_level=None)
    try:
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN IMMEDIATE")
        migration = asyncio.create_task(database.migrate())
        done, _ = await asyncio.wait([migration], timeout=0.3)
        assert not done
        other.execute("COMMIT")
        await migration
    finally:
        other.close()


# What release 0.1.0 had written: a company with its persona, a call, and a turn of it.
AT_0001 = """
INSERT INTO companies VALUES ('default', 'Bakery', 'ru', 'Europe/Moscow', '{}', 0, '2026-05-04 09:00:00');
INSERT INTO personas VALUES ('p1', 'default', 'anna', 'Анна', 'ru', 'female', 'Здравствуйте!', 'Спокойная.', '', '',
    0.6, 300, 1, TRUE, '2026-05-04 09:00:00', '2026-05-04 09:00:00');
INSERT INTO calls VALUES ('c1', 'default', NULL, 'gsm', 'sim7600', 'in', '+7916', 'ru', 'anna', '2026-05-04 09:30:00',
    '2026-05-04 09:30:02', '2026-05-04 09:31:00', 58.0, 'answered', 'caller_hangup', '', '{}');
INSERT INTO turns VALUES ('t1', 'default', NULL, 'c1', 0, 'secretary', 'Добрый день', 'Добрый', 'ru', 1.0, 2.5, 'faq',
    'f1', 0.9, NULL, '[]', 'anna', 1, '', '[]', 0, 0, '{"first_sound": 583.5}', 'caller', '2026-05-04 09:30:05');
"""


async def test_a_database_of_the_first_revision_keeps_its_rows(empty_database_url: str) -> None:
    def fill(connection: Connection) -> None:
        alembic = migrate.config()
        alembic.attributes["connection"] = connection
        command.upgrade(alembic, "0001")
        for statement in filter(str.strip, AT_0001.split(";")):
            connection.exec_driver_sql(statement)

    prepare_file(parse_url(empty_database_url))
    await within(empty_database_url, fill)
    database = Database(empty_database_url)
    try:
        await database.migrate()
        anna = await Personas(database).get("default", "anna")
        turns = await CallStore(database).turns("default", "c1")
    finally:
        await database.close()
    assert anna == Persona("anna", "Анна", "ru", "female", "Здравствуйте!", "Спокойная.")
    assert [(turn.heard, turn.stages, turn.playout) for turn in turns] == [("Добрый", {"first_sound": 583.5}, {})]


async def test_the_migrations_can_be_taken_back(database: Database, database_url: str) -> None:
    def down(connection: Connection) -> None:
        alembic = migrate.config()
        alembic.attributes["connection"] = connection
        command.downgrade(alembic, "base")
        assert inspect(connection).get_table_names() == ["alembic_version"]

    await database.close()
    await within(database_url, down)
    await database.migrate()
    assert await Companies(database).profile("default") is None
