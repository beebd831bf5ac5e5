"""What is PostgreSQL's own: servers that go away and come back, what they refuse, and what no server stores."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from servers import GUARDED, Postgres, drop_database, postgres, postgres_only
from sqlalchemy import text
from sqlalchemy.orm import Session

from services.domain import TakenMessage
from services.errors import StorageError
from services.events import CallEvent, CallEventType
from services.parts import State
from services.storage import postgresql
from services.storage.calls.calls import CallStore
from services.storage.calls.messages import Messages
from services.storage.database import Database
from services.storage.engine import parse_url
from services.storage.people.companies import Companies
from services.storage.people.users import Users

pytestmark = postgres_only


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    database = Database(url)
    try:
        yield database
    finally:
        await database.close()


@pytest.fixture(scope="module")
def own_server() -> Iterator[Postgres]:
    """A server that a test may stop."""
    with Postgres(durable=True) as server:
        yield server


@pytest.fixture
async def lonely(own_server: Postgres, database_kind: str) -> AsyncIterator[Database]:
    """A database on the server that a test may stop."""
    assert database_kind == "postgresql"
    own_server.stop()
    own_server.start()
    name = own_server.new_database()
    async with opened(own_server.url(name)) as database:
        await database.migrate()
        await Companies(database).ensure_default("Bakery", "ru", "Europe/Moscow", {})
        yield database


def message(number: int) -> TakenMessage:
    return TakenMessage(f"m{number}", "default", "", "c1", "en", "John", "+1", "the matter", confirmed=True)


async def refused(url: str) -> StorageError:
    async with opened(url) as database:
        with pytest.raises(StorageError) as caught:
            await database.migrate()
        with pytest.raises(StorageError):
            await Companies(database).profile("default")
        assert database.part().state is State.DOWN
        assert "otters" not in str(caught.value)
        return caught.value


async def test_a_server_that_is_restarted_is_told_and_found_again(lonely: Database, own_server: Postgres) -> None:
    companies = Companies(lonely)
    assert (await lonely.check()).state is State.READY
    own_server.kill()
    with pytest.raises(StorageError, match="cannot be reached"):
        await companies.profile("default")
    assert lonely.part().state is State.DOWN
    assert "Check that it runs" in lonely.part().remedy
    own_server.start()
    assert (await lonely.check()).state is State.READY
    assert await companies.profile("default") is not None


async def test_a_connection_that_breaks_within_a_transaction_is_an_outage(lonely: Database) -> None:
    with pytest.raises(StorageError, match=r"ended the connection|cannot be reached"):
        async with lonely.write() as session:
            await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    assert lonely.part().state is State.DOWN
    async with lonely.write() as session:
        await session.execute(text("SELECT 1"))
    assert lonely.part().state is State.READY


async def test_a_message_waits_for_a_server_that_is_away(lonely: Database, own_server: Postgres) -> None:
    messages = Messages(lonely)
    await messages.save(message(0))
    own_server.kill()
    saving = [asyncio.create_task(messages.save(message(number))) for number in range(1, 4)]
    done, _ = await asyncio.wait(saving, timeout=0.5)
    assert not done
    own_server.start()
    async with asyncio.timeout(30):
        await asyncio.gather(*saving)
    assert {each.id for each in await messages.list("default")} == {"m0", "m1", "m2", "m3"}


async def test_a_power_cut_of_the_server_loses_nothing_that_was_acknowledged(
    lonely: Database, own_server: Postgres
) -> None:
    messages, acknowledged, enough = Messages(lonely), set[str](), asyncio.Event()

    async def save(number: int) -> None:
        await messages.save(message(number))
        acknowledged.add(f"m{number}")
        if len(acknowledged) == 40:
            enough.set()

    async def save_on() -> None:
        for start in range(0, 100_000, 5):
            await asyncio.gather(*(save(start + more) for more in range(5)))

    saving = asyncio.create_task(save_on())
    await enough.wait()
    own_server.kill()
    saving.cancel()
    await asyncio.gather(saving, return_exceptions=True)
    before = set(acknowledged)
    own_server.start()
    stored = {each.id for each in await messages.list("default", limit=100_000)}
    assert before <= stored


async def test_what_need_not_be_kept_fails_at_once_while_the_server_is_away(
    lonely: Database, own_server: Postgres
) -> None:
    own_server.stop()
    with pytest.raises(StorageError, match="cannot be reached"):
        await lonely.write_together(_rename, what="a name")
    own_server.start()


async def test_a_wrong_password_and_a_missing_database_are_told(database_url: str) -> None:
    server, name = postgres(), str(parse_url(database_url).database)
    wrong = await refused(server.url(name, f"{GUARDED}:five dry otters"))
    assert "does not let the user" in wrong.message
    assert "password" in wrong.remedy
    absent = await refused(server.url("nowhere"))
    assert "no database of the name" in absent.message
    drop_database(database_url)
    assert "no database" in (await refused(database_url)).message


async def test_too_many_connections_are_told(lonely: Database, own_server: Postgres) -> None:
    name = parse_url(lonely._url.render_as_string(hide_password=False)).database
    own_server.sql(f"ALTER DATABASE {name} CONNECTION LIMIT 0")
    url = own_server.url(str(name), f"{GUARDED}:five wet otters")
    async with opened(url) as database:
        with pytest.raises(StorageError, match="too many connections"):
            await Companies(database).profile("default")
        assert database.part().state is State.DOWN


async def test_what_takes_too_long_is_ended_by_the_server(database: Database) -> None:
    async def dawdle() -> None:
        async with database.read() as session:
            await session.execute(text("SET LOCAL statement_timeout = 50"))
            await session.execute(text("SELECT pg_sleep(5)"))

    with pytest.raises(StorageError, match="took too long"):
        await dawdle()
    assert (await database.check()).state is State.READY


async def test_writers_of_two_processes_come_one_after_the_other(database: Database, database_url: str) -> None:
    order: list[str] = []
    async with opened(database_url) as second:

        async def write(where: Database, name: str) -> None:
            async with where.write() as session:
                await session.execute(text("SELECT 1"))
                order.append(f"{name} begins")
                await asyncio.sleep(0.02)
                order.append(f"{name} ends")

        await asyncio.gather(*(write((database, second)[number % 2], str(number)) for number in range(6)))
    assert order == [f"{line.split()[0]} {what}" for line in order[::2] for what in ("begins", "ends")]


async def test_a_name_that_two_take_at_once_is_taken_once(database: Database, database_url: str) -> None:
    async with opened(database_url) as second:
        users = [Users(database), Users(second)]
        outcomes = await asyncio.gather(
            *(users[number % 2].add("default", "anna", "hash", "user") for number in range(6)), return_exceptions=True
        )
    assert sorted(type(each).__name__ for each in outcomes) == [*["AccountError"] * 5, "UserRecord"]


async def test_a_lease_waits_for_no_writer(database: Database) -> None:
    async with database.write() as session, asyncio.timeout(5):
        await session.execute(text("SELECT 1"))
        async with database.write_out_of_turn() as other:
            assert await other.scalar(text("SELECT 1")) == 1


async def test_a_nul_and_a_number_that_is_none_do_not_lose_an_event(database: Database) -> None:
    calls = CallStore(database)
    await calls.append(CallEvent("default", "c\x001", 0, 0, CallEventType.STARTED, {"number": "+7\x00916"}))
    data = {"text": "a\x00b", "score": float("nan"), "deep": [{"k\x00": float("inf")}, 'said "NaN"']}
    await calls.append(CallEvent("default", "c1", 1, 0, CallEventType.DIGITS, data))
    async with database.read() as session:
        stored = await session.scalar(
            text("SELECT data FROM call_events WHERE company_id = 'default' AND sequence = 1")
        )
        as_text = await session.scalar(
            text("SELECT data ->> 'text' FROM call_events WHERE company_id = 'default' AND sequence = 1")
        )
    assert as_text == "ab"
    assert '"said \\"NaN\\""' in str(stored) or "said" in str(stored)
    call = await calls.get("default", "c1")
    assert call is not None
    assert call.number == "+7916"


async def test_a_reader_sees_one_moment(database: Database) -> None:
    async with database.read() as session:
        before = await session.scalar(text("SELECT name FROM companies WHERE id = 'default'"))
        await database.write_together(_rename, what="a name")
        assert await session.scalar(text("SELECT name FROM companies WHERE id = 'default'")) == before
    async with database.read() as session:
        assert await session.scalar(text("SELECT name FROM companies WHERE id = 'default'")) == "new"


def _rename(session: Session) -> None:
    session.execute(text("UPDATE companies SET name = 'new' WHERE id = 'default'"))


def test_the_url_is_read_as_other_programs_write_it(database_kind: str) -> None:
    assert database_kind == "postgresql"
    parsed = parse_url("postgres://anna:hush@db/secretary?sslmode=require")
    assert (parsed.drivername, dict(parsed.query)) == ("postgresql+asyncpg", {"ssl": "require"})
    with pytest.raises(StorageError, match="options"):
        parse_url("postgresql://db/secretary?options=-c")
    assert postgresql.READERS > 0
