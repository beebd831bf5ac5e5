"""Group commit: what waits is written at once, nothing is lost to a lock, and nobody pays for another's fault."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from servers import sqlite_only
from sqlalchemy import event as hooks
from sqlalchemy import text
from sqlalchemy.orm import Session

from services.domain import TakenMessage
from services.errors import StorageError
from services.events import CallEvent, CallEventType
from services.storage.calls.calls import CallStore
from services.storage.calls.conversations import Conversations
from services.storage.calls.messages import Messages
from services.storage.database import Database
from services.storage.group import GroupWriter, Work


@contextmanager
def commits(database: Database) -> Iterator[list[object]]:
    """Within the context, note every commit of the writer."""
    noted: list[object] = []
    engines = database._engines  # the house has no other use for a count
    engine = engines.group or engines.writer.sync_engine

    def note(connection: object) -> None:
        noted.append(connection)

    hooks.listen(engine, "commit", note)
    yield noted
    hooks.remove(engine, "commit", note)


async def fill(database: Database, *, spare: bool) -> None:
    """Make the disk look full to who writes together, or clear it again."""

    def limit(session: Session) -> None:
        pages = 1_000_000 if spare else session.scalar(text("PRAGMA page_count"))
        session.execute(text(f"PRAGMA max_page_count = {pages}"))

    await database.write_together(limit, what="a limit")


def started(call_id: str) -> CallEvent:
    return CallEvent("default", call_id, 0, 0, CallEventType.STARTED, {"number": call_id})


def said(call_id: str, sequence: int, words: object) -> CallEvent:
    data = {"index": sequence - 1, "role": "caller", "intended": words, "heard": words, "language": "en"}
    rest = {"start": 0.0, "end": 1.0, "source": "", "detail": "", "words": [], "persona": "", "persona_version": 0}
    last = {"model": "", "tools": [], "tokens_in": 0, "tokens_out": 0, "stages": {}, "playout": {}}
    return CallEvent("default", call_id, sequence, 0, CallEventType.TURN, data | rest | last | {"interrupted_by": ""})


async def test_what_waits_shares_a_commit(database: Database) -> None:
    calls = CallStore(database)
    with commits(database) as noted:
        await asyncio.gather(*(calls.append(started(f"c{number}")) for number in range(50)))
    assert len(noted) <= 2
    assert len((await calls.list("default", limit=100))[0]) == 50


async def test_an_event_that_cannot_be_stored_costs_the_others_nothing(database: Database) -> None:
    calls = CallStore(database)
    await asyncio.gather(*(calls.append(started(f"c{number}")) for number in range(4)))
    outcomes = await asyncio.gather(
        calls.append(said("c0", 1, "hello")),
        calls.append(said("c1", 1, object())),
        calls.append(said("nobody", 1, "hello")),
        calls.append(said("c2", 1, "hello")),
        calls.append(said("c2", 1, "hello")),
        calls.append(said("c3", 1, "hello")),
        return_exceptions=True,
    )
    assert [type(each) for each in outcomes] == [type(None), StorageError, StorageError, *[type(None)] * 3]
    assert "never started" in str(outcomes[2])
    heard = [[turn.heard for turn in await calls.turns("default", f"c{number}")] for number in range(4)]
    assert heard == [["hello"], [], ["hello"], ["hello"]]
    assert database.part().state.value == "ready", "a refused record is no outage"


async def test_an_error_of_the_work_itself_reaches_who_asked_for_it(database: Database) -> None:
    def fail(session: Session) -> None:
        session.execute(text("UPDATE companies SET name = 'spoilt'"))
        raise KeyError("on purpose")

    def name(session: Session) -> str:
        return str(session.scalar(text("SELECT name FROM companies WHERE id = 'default'")))

    outcomes = await asyncio.gather(
        database.write_together(fail, what="a failure"),
        database.write_together(name, what="a look"),
        return_exceptions=True,
    )
    assert isinstance(outcomes[0], KeyError)
    assert outcomes[1] == "Bakery"


async def test_only_the_newest_state_of_a_conversation_is_written(database: Database) -> None:
    conversations = Conversations(database)
    first, second = [await conversations.open("default", "web", number, "en", "anna") for number in "12"]
    with commits(database) as noted:
        saves = [conversations.save_state("default", first.id, {"step": step}) for step in range(20)]
        await asyncio.gather(*saves, conversations.save_state("default", second.id, {"step": "other"}))
    assert len(noted) <= 2
    assert (await conversations.open("default", "web", "1", "en", "anna")).state == {"step": 19}
    assert (await conversations.open("default", "web", "2", "en", "anna")).state == {"step": "other"}


async def test_a_state_is_kept_as_it_was_when_it_was_handed_over(database: Database) -> None:
    conversations = Conversations(database)
    opened = await conversations.open("default", "web", "1", "en", "anna")
    state = {"notes": ["said"]}
    saving = asyncio.create_task(conversations.save_state("default", opened.id, state))
    await asyncio.sleep(0)
    state["notes"].append("thought better of")
    await saving
    assert (await conversations.open("default", "web", "1", "en", "anna")).state == {"notes": ["said"]}


async def test_what_nobody_waits_for_any_more_is_written_all_the_same(database: Database) -> None:
    calls = CallStore(database)
    appending = asyncio.create_task(calls.append(started("c1")))
    await asyncio.sleep(0)
    appending.cancel()
    await asyncio.gather(appending, return_exceptions=True)
    await database.close()
    assert await calls.get("default", "c1") is not None


@sqlite_only
async def test_a_message_that_the_disk_has_no_room_for_is_kept_and_written_later(database: Database) -> None:
    messages = Messages(database)
    message = TakenMessage("m1", "default", "", "c1", "en", "John", "+1", "late " * 20_000, confirmed=True)
    await fill(database, spare=False)
    saving = asyncio.create_task(messages.save(message))
    noting = asyncio.create_task(messages.set_audio("default", "m1", "m1.ogg"))
    done, _ = await asyncio.wait({saving, noting}, timeout=0.5)
    assert not done
    assert await messages.list("default") == []
    saving.cancel()  # as a call that is over does
    await fill(database, spare=True)
    await noting
    assert [(each.matter, each.audio_path) for each in await messages.list("default")] == [(message.matter, "m1.ogg")]


@sqlite_only
async def test_what_need_not_be_kept_fails_at_once_on_a_full_disk(database: Database) -> None:
    def spread(session: Session) -> None:
        session.execute(text("UPDATE companies SET name = :name"), {"name": "x" * 100_000})

    await fill(database, spare=False)
    with pytest.raises(StorageError, match="disk is full"):
        await database.write_together(spread, what="a long name")
    assert database.part().state.value == "down"


async def test_closing_gives_up_what_cannot_be_written() -> None:
    async def full(works: Work[list[Any]]) -> list[Any]:
        raise StorageError("The disk is full.") from OSError("no room")

    writer = GroupWriter(full, "here")
    saving = asyncio.create_task(writer.run(lambda _session: None, what="a message", keep=100.0))
    await asyncio.sleep(0.05)
    await writer.close(0.1)
    with pytest.raises(StorageError, match="closed before"):
        await saving
