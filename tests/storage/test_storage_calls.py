import asyncio
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from services.domain import Turn
from services.errors import StorageError
from services.events import CallEvent, CallEventType
from services.storage.calls.calls import CallStore
from services.storage.calls.conversations import Conversations
from services.storage.database import Database
from services.storage.isolation import every_company
from services.storage.tables import CallEventRow

ANY = every_company("a test looks at all of them")
START = datetime(2026, 5, 4, 9, 30, 15, 250_000, tzinfo=UTC)
TURN = Turn(
    index=0,
    role="caller",
    intended="Вы работаете в субботу?",
    heard="Вы работаете в субботу?",
    language="ru",
    start=2.5,
    end=4.25,
    confidence=0.75,
    words=({"text": "Вы", "start": 2.5, "end": 2.75, "confidence": 0.5},),
    stages={"stt": 120.5},
    tools=("calendar",),
)


def event(
    sequence: int, kind: CallEventType, company_id: str = "default", call_id: str = "c1", **data: Any
) -> CallEvent:
    return CallEvent(company_id, call_id, sequence, sequence * 1000, kind, data)


def started(call_id: str = "c1", company_id: str = "default", at: datetime = START, **data: Any) -> CallEvent:
    values = {
        "channel": "gsm",
        "direction": "in",
        "number": "+79161234567",
        "language": "ru",
        "persona": "anna",
        "conversation_id": "",
        "line": "sim7600",
        "started_at": at.isoformat(),
        **data,
    }
    return CallEvent(company_id, call_id, 0, 0, CallEventType.STARTED, values)


async def events_stored(database: Database) -> int:
    async with database.read() as session:
        return await session.scalar(select(func.count()).select_from(CallEventRow), execution_options=ANY) or 0


async def test_a_call_is_what_its_events_say(database: Database) -> None:
    conversation = await Conversations(database).open("default", "gsm", "+79161234567", "ru", "anna")
    calls = CallStore(database)
    await calls.append(started(conversation_id=conversation.id, purpose="the annual check"))
    going_on = await calls.get("default", "c1")
    assert going_on is not None
    assert (going_on.outcome, going_on.ended_at, going_on.answered_at) == ("", None, None)

    await calls.append(event(1, CallEventType.ANSWERED))
    await calls.append(event(4, CallEventType.TURN, **asdict(TURN)))
    await calls.append(event(5, CallEventType.DIGITS, digits="12#"))
    await calls.append(
        event(9, CallEventType.ENDED, outcome="completed", reason="caller_hangup", seconds=8.5, stats={"turns": 1})
    )
    await calls.append(event(10, CallEventType.RECORDED, path="recordings/2026/05/c1.ogg"))

    call = await calls.get("default", "c1")
    assert call is not None
    assert asdict(call) == {
        "id": "c1",
        "company_id": "default",
        "conversation_id": conversation.id,
        "channel": "gsm",
        "line": "sim7600",
        "direction": "in",
        "number": "+79161234567",
        "language": "ru",
        "persona": "anna",
        "started_at": START,
        "answered_at": START + timedelta(seconds=1),
        "ended_at": START + timedelta(seconds=9),
        "seconds": 8.5,
        "outcome": "completed",
        "end_reason": "caller_hangup",
        "purpose": "the annual check",
        "recording_path": "recordings/2026/05/c1.ogg",
        "stats": {"turns": 1},
    }
    assert await calls.turns("default", "c1") == (TURN,)
    assert await events_stored(database) == 6


async def test_what_is_only_shown_is_never_stored(database: Database) -> None:
    calls = CallStore(database)
    await calls.append(started())
    await calls.append(event(1, CallEventType.INTERIM, role="caller", text="Вы раб"))
    await calls.append(event(2, CallEventType.SAYING, text="Да."))
    assert await events_stored(database) == 1


async def test_the_same_event_again_changes_nothing(database: Database) -> None:
    calls = CallStore(database)
    for _ in range(2):
        await calls.append(started())
        await calls.append(event(1, CallEventType.TURN, **asdict(TURN)))
    await calls.append(event(1, CallEventType.ENDED, outcome="completed", reason="", seconds=1.0, stats={}))
    assert await events_stored(database) == 2
    assert await calls.turns("default", "c1") == (TURN,)
    call = await calls.get("default", "c1")
    assert call is not None
    assert call.outcome == ""


async def test_an_event_and_its_projection_are_stored_together_or_not_at_all(database: Database) -> None:
    calls = CallStore(database)
    await calls.append(started())
    with pytest.raises(StorageError, match="contradicts"):
        await calls.append(event(1, CallEventType.TURN, index=0, role="caller"))
    assert await events_stored(database) == 1
    await calls.append(event(1, CallEventType.TURN, **asdict(TURN)))
    assert await calls.turns("default", "c1") == (TURN,)


async def test_an_event_of_an_unknown_call_is_refused(database: Database) -> None:
    with pytest.raises(StorageError, match="never started"):
        await CallStore(database).append(event(1, CallEventType.ANSWERED))


async def test_a_call_without_a_stored_conversation_or_a_readable_time_is_kept(database: Database) -> None:
    calls = CallStore(database)
    await calls.append(started(conversation_id="nowhere", started_at="yesterday"))
    call = await calls.get("default", "c1")
    assert call is not None
    assert call.conversation_id == ""
    assert datetime.now(UTC) - call.started_at < timedelta(minutes=5)


@pytest.mark.parametrize(
    "written", ["2026-05-04T12:30:15.250+03:00", "2026-05-04T09:30:15.250Z", "2026-05-04T09:30:15.250"]
)
async def test_times_are_kept_in_utc(database: Database, written: str) -> None:
    calls = CallStore(database)
    await calls.append(started(started_at=written))
    call = await calls.get("default", "c1")
    assert call is not None
    assert (call.started_at, call.started_at.tzinfo) == (START, UTC)


async def test_open_calls_are_cut_at_their_last_event(database: Database) -> None:
    calls = CallStore(database)
    await calls.append(started("c1"))
    await calls.append(event(2, CallEventType.ANSWERED))
    await calls.append(event(7, CallEventType.TURN, **asdict(TURN)))
    await calls.append(started("c2", "other"))
    await calls.append(started("c3"))
    await calls.append(event(3, CallEventType.ENDED, call_id="c3", outcome="completed", reason="", seconds=1, stats={}))

    assert await calls.close_open_calls() == 2
    assert await calls.close_open_calls() == 0
    cut, other, whole = await asyncio.gather(
        calls.get("default", "c1"), calls.get("other", "c2"), calls.get("default", "c3")
    )
    assert cut is not None
    assert other is not None
    assert whole is not None
    assert (cut.outcome, cut.end_reason, cut.ended_at, cut.seconds) == (
        "cut",
        "crash",
        START + timedelta(seconds=7),
        5.0,
    )
    assert (other.outcome, other.seconds, whole.outcome) == ("cut", 0.0, "completed")
    async with database.read() as session:
        last = await session.scalar(
            select(CallEventRow)
            .where(CallEventRow.company_id == "default", CallEventRow.call_id == "c1")
            .order_by(CallEventRow.sequence.desc())
            .limit(1)
        )
        assert last is not None
        assert (last.sequence, last.type) == (8, "ended")


async def test_calls_are_listed_newest_first_in_pages(database: Database) -> None:
    calls = CallStore(database)
    ids = [f"c{number}" for number in range(7)]
    for number, call_id in enumerate(ids):
        # Pairs share their start, so that the id has to decide.
        await calls.append(started(call_id, at=START + timedelta(microseconds=number // 2)))
    await calls.append(started("foreign", "other"))

    seen: list[str] = []
    cursor: str | None = None
    for _ in range(4):
        page, cursor = await calls.list("default", 2, cursor)
        seen += [call.id for call in page]
        await calls.append(started(f"later{len(seen)}", at=START + timedelta(days=len(seen))))
    assert seen == ids[::-1]
    assert cursor is None
    assert len((await calls.list("default", 0))[0]) == 1


@pytest.mark.parametrize("cursor", ["x", "12", "12.", ".c1", "9" * 40 + ".c1", "c1.12"])
async def test_a_strange_cursor_is_refused(database: Database, cursor: str) -> None:
    with pytest.raises(StorageError, match="cursor"):
        await CallStore(database).list("default", 10, cursor)


async def test_the_last_call_of_a_number(database: Database) -> None:
    calls = CallStore(database)
    await calls.append(started("old", at=START))
    await calls.append(started("new", at=START + timedelta(days=1)))
    await calls.append(started("hidden", number=""))
    last = await calls.last_call("default", "+79161234567")
    assert last is not None
    assert last.id == "new"
    assert await calls.last_call("default", "") is None
    assert await calls.last_call("default", "+1") is None


async def test_one_company_sees_and_changes_nothing_of_another(database: Database) -> None:
    calls = CallStore(database)
    await calls.append(started())
    await calls.append(event(1, CallEventType.TURN, **asdict(TURN)))
    assert await calls.get("other", "c1") is None
    assert await calls.turns("other", "c1") == ()
    assert await calls.list("other") == ((), None)
    assert await calls.last_call("other", "+79161234567") is None
    with pytest.raises(StorageError):
        await calls.append(event(2, CallEventType.ANSWERED, company_id="other"))
    with pytest.raises(StorageError):
        await calls.append(started(company_id="other"))
    assert await events_stored(database) == 2


async def test_the_database_itself_refuses_a_row_that_points_into_another_company(database: Database) -> None:
    await CallStore(database).append(started())
    with pytest.raises(StorageError, match="contradicts"):
        async with database.write() as session:
            session.add(
                CallEventRow(
                    company_id="other", call_id="c1", sequence=5, at_ms=0, type="answered", data={}, recorded_at=START
                )
            )


async def test_many_calls_append_at_once(database: Database) -> None:
    calls = CallStore(database)

    async def one(call_id: str) -> None:
        await calls.append(started(call_id))
        for sequence in range(1, 6):
            await calls.append(event(sequence, CallEventType.DIGITS, call_id=call_id, digits="1"))

    await asyncio.gather(*(one(f"c{number}") for number in range(8)))
    assert await events_stored(database) == 48


async def test_a_half_character_from_a_browser_does_not_lose_the_sentence(database: Database) -> None:
    calls = CallStore(database)
    await calls.append(started())
    await calls.append(event(1, CallEventType.TURN, **{**asdict(TURN), "heard": "да \ud83d", "intended": "да \ud83d"}))
    assert [turn.heard for turn in await calls.turns("default", "c1")] == ["да ?"]
