"""The audit log on both databases: everything is noted, in one chain, and every tampering is found."""

import asyncio
import json
import random
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from servers import postgres_database
from sqlalchemy import column, delete, insert, select, table, text, update

from services.domain import FaqEntry
from services.errors import StorageError
from services.storage.audit.acting import Actor, acting_as
from services.storage.audit.hook import note_in
from services.storage.audit.log import Audit, AuditFilter, erase_details
from services.storage.content.faq import FaqEntries
from services.storage.database import Database
from services.storage.engine import sqlite_url
from services.storage.isolation import every_company
from services.storage.people.account_tables import UserRow
from services.storage.people.companies import Companies
from services.storage.people.users import Users
from services.storage.tables import FaqEntryRow

ROOT = Path(__file__).parents[2]
OLGA = Actor("user", "u1", "olga", "default", "192.0.2.7", "r-1")


@pytest.fixture(params=["sqlite", "postgresql"])
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """A database of each kind with the company "default"."""
    if request.param == "sqlite":
        database = Database(sqlite_url(tmp_path / "data"))
        async with _opened(database):
            yield database
        return
    with postgres_database() as url:
        async with _opened(Database(url)) as database:
            yield database


@asynccontextmanager
async def _opened(database: Database) -> AsyncIterator[Database]:
    await database.migrate()
    await Companies(database).ensure_default("Bakery", "ru", "Europe/Moscow", {})
    yield database
    await database.close()


def _url(database: Database) -> str:
    return database._url.render_as_string(hide_password=False)


async def _findings(database: Database) -> str:
    return " ".join((await Audit(database).verify()).findings)


async def test_a_change_is_noted_with_before_and_after_and_who_made_it(house: Database) -> None:
    with acting_as(OLGA):
        made = await Users(house).add("default", "ivan", "$argon2id$secret", "user")
        of_made = select(UserRow).where(UserRow.company_id == "default", UserRow.id == made.id)
        async with house.write() as session:
            row = (await session.scalars(of_made)).one()
            row.password_hash, row.role = "$argon2id$another", "guest"
        async with house.write() as session:
            await session.delete((await session.scalars(of_made)).one())
    found, _ = await Audit(house).list("default", only=AuditFilter(resource="users", resource_id=made.id))
    assert [each.action for each in found] == ["delete", "edit", "create"]
    assert {(each.actor_kind, each.actor_id, each.actor_name, each.address, each.request_id) for each in found} == {
        ("user", "u1", "olga", "192.0.2.7", "r-1")
    }
    assert json.loads(found[1].detail or "") == {
        "before": {"password_hash": "changed", "role": "user"},
        "after": {"password_hash": "changed", "role": "guest"},
    }
    assert "secret" not in "".join(each.detail or "" for each in found)
    assert not await _findings(house)


async def test_what_is_rolled_back_is_not_noted(house: Database) -> None:
    before = await Audit(house).head()
    with suppress(ZeroDivisionError):
        async with house.write() as session:
            session.add(_entry("f1"))
            await session.flush()
            raise ZeroDivisionError
    assert await Audit(house).head() == before
    async with house.write() as session:
        with suppress(ZeroDivisionError):
            async with session.begin_nested():
                session.add(_entry("f2"))
                await session.flush()
                raise ZeroDivisionError
        async with session.begin_nested():
            session.add(_entry("f3"))
    found, _ = await Audit(house).list("default", only=AuditFilter(resource="faq"))
    assert [each.resource_id for each in found] == ["f3"]
    assert not await _findings(house)


async def test_work_that_shares_a_commit_is_noted_in_the_name_of_who_asked_for_it(house: Database) -> None:
    async def add(actor: Actor, entry_id: str) -> None:
        with acting_as(actor):
            await house.write_together(lambda session: session.add(_entry(entry_id)), what="an entry")

    ivan = Actor("key", "k1", "ivan", "default")
    await asyncio.gather(add(OLGA, "f1"), add(ivan, "f2"), add(OLGA, "f3"))
    found, _ = await Audit(house).list("default", only=AuditFilter(resource="faq"))
    assert {each.resource_id: each.actor_name for each in found} == {"f1": "olga", "f2": "ivan", "f3": "olga"}


async def test_bulk_statements_on_audited_tables_are_refused_unless_they_say_why(house: Database) -> None:
    of_default = FaqEntryRow.company_id == "default"
    statements = (
        update(FaqEntryRow).where(of_default).values(enabled=False),
        delete(FaqEntryRow).where(of_default),
        insert(UserRow).values(id="x"),
        update(table("companies", column("name"))).values(name="x"),
    )
    for statement in statements:
        with pytest.raises(RuntimeError, match="not be audited"):
            async with house.write() as session:
                await session.execute(statement)
    async with house.write() as session:
        await session.execute(statements[0].execution_options(unaudited="a test"))


async def test_the_chain_holds_after_random_writes_of_many_tasks(house: Database) -> None:
    faq, users, audit, dice = FaqEntries(house), Users(house), Audit(house), random.Random(5)

    async def work(number: int) -> None:
        with acting_as(Actor("user", f"u{number}", f"user {number}", "default")):
            for step in range(8):
                match dice.randrange(3):
                    case 0:
                        await faq.add("default", _question(f"{number}-{step}"))
                    case 1:
                        await users.add("default", f"user{number}.{step}", "hash", "user")
                    case _:
                        await audit.note("sign_in", "session", "", {"name": "Ольга \x00 \ud83d"})

    before = (await audit.head()).seq
    await asyncio.gather(*(work(number) for number in range(6)))
    verdict = await audit.verify()
    assert verdict.findings == ()
    assert verdict.head == verdict.checked == before + 48


_WRITER = """
import asyncio, sys
from services.storage.audit.acting import Actor, acting_as
from services.storage.audit.log import Audit
from services.storage.database import Database
async def main():
    database = Database(sys.argv[1])
    audit = Audit(database)
    with acting_as(Actor("command", name=sys.argv[2], company_id="default")):
        await asyncio.gather(*(audit.note("look", "test", str(n)) for n in range(20)))
    await database.close()
asyncio.run(main())
"""


async def test_two_processes_write_one_chain(house: Database) -> None:
    before = (await Audit(house).head()).seq
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", _WRITER, _url(house), f"process {number}", cwd=ROOT)
        for number in range(2)
    ]
    assert [await each.wait() for each in processes] == [0, 0]
    verdict = await Audit(house).verify()
    assert verdict.findings == ()
    assert verdict.head == before + 40


async def test_the_database_itself_refuses_to_change_or_remove_entries(house: Database) -> None:
    await _some(house, 3)
    refused = (
        "UPDATE audit_log SET actor_name = 'nobody' WHERE seq = 2",
        "UPDATE audit_log SET detail = '{}' WHERE seq = 2",
        "UPDATE audit_log SET detail = NULL, salt = NULL, digest = '' WHERE seq = 2",
        "DELETE FROM audit_log WHERE seq = 2",
        "DELETE FROM audit_head",
        "UPDATE audit_head SET seq = 1",
    )
    for statement in refused:
        with pytest.raises(StorageError, match="append-only"):
            async with house.write() as session:
                await session.execute(text(statement), execution_options=every_company("a test"))
    async with house.write() as session:
        erased = text("UPDATE audit_log SET detail = NULL, salt = NULL WHERE seq = 2")
        await session.execute(erased, execution_options=every_company("a test"))
    assert not await _findings(house)


TAMPERINGS = {
    "edited": ("UPDATE audit_log SET actor_name = 'nobody' WHERE seq = 4", "the entry 4 was changed"),
    "moved in time": (
        "UPDATE audit_log SET at = (SELECT at FROM audit_log WHERE seq = 2) WHERE seq = 4",
        "4 was chang",
    ),
    "detail edited": ("UPDATE audit_log SET detail = '{\"n\":9}' WHERE seq = 4", "detail of the entry 4 was changed"),
    "detail taken": ("UPDATE audit_log SET detail = NULL WHERE seq = 4", "without its salt"),
    "digest emptied": ("UPDATE audit_log SET digest = '', detail = NULL, salt = NULL WHERE seq = 4", "4 was changed"),
    "removed": ("DELETE FROM audit_log WHERE seq = 4", "the entries 4 to 4 were removed"),
    "oldest removed": ("DELETE FROM audit_log WHERE seq <= 2", "the entries 1 to 2 were removed"),
    "newest removed": ("DELETE FROM audit_log WHERE seq >= 6", "the newest entries, 6 to"),
    "all removed": ("DELETE FROM audit_log", "the newest entries, 1 to"),
    "swapped": (
        "UPDATE audit_log SET seq = 100 WHERE seq = 4; UPDATE audit_log SET seq = 4 WHERE seq = 5; "
        "UPDATE audit_log SET seq = 5 WHERE seq = 100",
        "the entry 4 was changed",
    ),
    "put in": (
        "INSERT INTO audit_log SELECT 100, at, company_id, actor_kind, actor_id, actor_name, address, request_id, "
        "action, resource, resource_id, detail, salt, digest, previous, hash FROM audit_log WHERE seq = 4",
        "the entry 100 is newer than the head",
    ),
    "cut unnoted": (
        "INSERT INTO audit_anchors SELECT seq, hash, at FROM audit_log WHERE seq = 3; DELETE FROM audit_log "
        "WHERE seq <= 3",
        "cut off without a note",
    ),
    "newest removed and the head set back": (
        "DELETE FROM audit_log WHERE seq >= 6; UPDATE audit_head SET seq = 5",
        "the head does not fit",
    ),
}


@pytest.mark.parametrize("how", TAMPERINGS)
async def test_whoever_gets_past_the_triggers_is_found(tmp_path: Path, how: str) -> None:
    async with _opened(Database(sqlite_url(tmp_path / "data"))) as database:
        await _some(database, 8)
        assert not await _findings(database)
        statements, told = TAMPERINGS[how]
        connection = sqlite3.connect(tmp_path / "data" / "secretary.db")
        try:
            names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
            for (name,) in names:
                connection.execute(f"DROP TRIGGER {name}")
            connection.executescript(statements)
        finally:
            connection.close()
        assert told in await _findings(database)


async def test_details_are_erased_and_the_chain_still_holds(house: Database) -> None:
    audit = Audit(house)
    with acting_as(OLGA):
        await audit.note("export", "contacts", "c1", {"number": "+79161234567", "name": "Ольга"})
        await audit.note("export", "contacts", "c2", {"number": "+79160000000"})
    async with house.write() as session:
        assert await erase_details(session, "other", "+79161234567") == 0
        assert await erase_details(session, "default", "Ольга") == 1
    newest, before = (await audit.list("default"))[0][:2]
    assert (before.detail, before.erased) == (None, True)
    assert newest.detail == '{"number":"+79160000000"}'
    assert not await _findings(house)


async def test_a_cut_log_holds_from_where_it_was_cut(house: Database) -> None:
    audit = Audit(house)
    await _some(house, 5)
    assert await audit.cut(datetime.now(UTC) - timedelta(days=1)) == 0
    middle = datetime.now(UTC)
    await _some(house, 3)
    head = await audit.head()
    gone = await audit.cut(middle)
    assert gone == head.seq - 3
    verdict = await audit.verify()
    assert verdict.findings == ()
    assert verdict.checked == 4
    assert (await audit.list(None))[0][0].action == "cut"
    assert await audit.cut(datetime.now(UTC) + timedelta(days=1)) == 4, "the note of the first cut goes, its own stays"
    assert await audit.cut(datetime.now(UTC) + timedelta(days=1)) == 0
    assert not await _findings(house)


async def test_lists_are_filtered_and_go_on_where_they_stopped(house: Database) -> None:
    audit = Audit(house)
    await _some(house, 5)
    first, cursor = await audit.list("default", 3, only=AuditFilter(action="look"))
    second, end = await audit.list("default", 3, cursor, only=AuditFilter(action="look"))
    assert [each.resource_id for each in [*first, *second]] == ["4", "3", "2", "1", "0"]
    assert end is None
    assert (await audit.list("other"))[0] == []
    assert len((await audit.list("default", only=AuditFilter(actor="olga")))[0]) == 5
    exported = [each.seq async for each in audit.all(None)]
    assert exported == list(range(1, (await audit.head()).seq + 1))


async def test_the_newest_entries_can_be_checked_alone(house: Database) -> None:
    await _some(house, 8)
    verdict = await Audit(house).verify(newest=3)
    assert (verdict.checked, verdict.findings) == (3, ())


async def _some(database: Database, how_many: int) -> None:
    with acting_as(OLGA):
        async with database.write() as session:
            for number in range(how_many):
                note_in(session.sync_session, "look", "test", str(number), {"n": number})


def _question(name: str) -> FaqEntry:
    return FaqEntry(name, f"Question {name}?", "Answer.", "en")


def _entry(entry_id: str) -> FaqEntryRow:
    now = datetime.now(UTC)
    return FaqEntryRow(
        id=entry_id,
        company_id="default",
        question="?",
        answer="!",
        alternatives=[],
        language="en",
        enabled=True,
        created_at=now,
        updated_at=now,
    )


async def test_an_audited_row_is_found_again(house: Database) -> None:
    async with house.write() as session:
        session.add(_entry("f9"))
    query = select(FaqEntryRow.version).where(FaqEntryRow.company_id == "default", FaqEntryRow.id == "f9")
    async with house.read() as session:
        assert await session.scalar(query) == 1
