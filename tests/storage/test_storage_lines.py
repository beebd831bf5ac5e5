import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from servers import sqlite_only

from services.errors import StorageError
from services.events import CallEvent, CallEventType
from services.storage.calls.call_counts import CallCounts
from services.storage.calls.calls import CallStore
from services.storage.calls.lines import Lines
from services.storage.database import Database
from services.storage.texts.tables import TextMessageRow

START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
IMEI, OTHER_IMEI = "860000000000001", "860000000000002"


async def call(calls: CallStore, number: str, at: datetime, outcome: str = "answered", **data: Any) -> None:
    call_id = f"{number}-{at.isoformat()}-{data}"
    company = data.pop("company", "default")
    values = {"direction": "in", "line": "gsm", "number": number, "started_at": at.isoformat(), **data}
    await calls.append(CallEvent(company, call_id, 0, 0, CallEventType.STARTED, values))
    if outcome:
        end = {"outcome": outcome, "reason": "", "seconds": 0.0}
        await calls.append(CallEvent(company, call_id, 1, 1, CallEventType.ENDED, end))


async def message(database: Database, number: str, at: datetime, direction: str, line: str = "gsm") -> None:
    row = TextMessageRow(
        company_id="default", line=line, direction=direction, number=number, text="", status="", created_at=at
    )
    async with database.write() as session:
        session.add(row)


async def test_a_modem_keeps_its_name_wherever_it_is_plugged_in(database: Database) -> None:
    lines = Lines(database)
    assert await lines.name_for("default", "gsm", IMEI) == "gsm"
    assert await lines.name_for("default", "gsm", OTHER_IMEI) == "gsm-2"
    assert await lines.name_for("default", "sip", "desk@example.com") == "sip"
    assert await lines.name_for("default", "gsm", IMEI) == "gsm"
    assert await Lines(database).name_for("default", "gsm", OTHER_IMEI) == "gsm-2"
    assert await lines.name_for("other", "gsm", IMEI) == "gsm"
    assert [line.name for line in await lines.list("default")] == ["gsm", "gsm-2", "sip"]
    found = await lines.find("default", "gsm", OTHER_IMEI)
    assert found is not None
    assert found.name == "gsm-2"
    assert await lines.find("default", "sip", IMEI) is None


async def test_a_line_without_a_modem_is_taken_over_with_its_policy(database: Database) -> None:
    lines = Lines(database)
    await lines.ensure("default", "gsm", "gsm")
    await lines.set_policy("default", "gsm", {"persona": "anna"})
    assert await lines.name_for("default", "gsm", IMEI) == "gsm"
    line = await lines.get("default", "gsm")
    assert line is not None
    assert (line.identity, line.policy) == (IMEI, {"persona": "anna"})
    assert await lines.name_for("default", "gsm", OTHER_IMEI) == "gsm-2"


async def test_a_modem_that_does_not_say_who_it_is_has_the_only_line(database: Database) -> None:
    lines = Lines(database)
    assert await lines.name_for("default", "gsm", IMEI) == "gsm"
    assert await lines.name_for("default", "gsm", "") == "gsm"
    line = await lines.get("default", "gsm")
    assert line is not None
    assert line.identity == IMEI
    await lines.name_for("default", "gsm", OTHER_IMEI)
    assert await lines.name_for("default", "gsm", "") == "gsm-3"  # it may be either: neither policy is given to it
    assert await lines.name_for("default", "gsm", "") == "gsm-3"


async def test_a_free_name_is_taken_whatever_its_kind(database: Database) -> None:
    lines = Lines(database)
    await lines.ensure("default", "gsm", "sip", "desk@example.com")
    assert await lines.name_for("default", "gsm", IMEI) == "gsm-2"


async def test_modems_that_come_up_together_get_a_line_each(database: Database) -> None:
    lines = Lines(database)
    names = await asyncio.gather(*(lines.name_for("default", "gsm", f"86000000000000{n}") for n in range(6)))
    assert sorted(names) == ["gsm", *(f"gsm-{n}" for n in range(2, 7))]


async def test_ensure_makes_a_line_once(database: Database) -> None:
    lines = Lines(database)
    made = await lines.ensure("default", "front desk", "sip", "desk@example.com")
    again = await lines.ensure("default", "front desk", "gsm", IMEI)
    assert again == made
    assert (made.kind, made.identity, made.version, made.policy) == ("sip", "desk@example.com", 1, {})


async def test_an_edit_is_refused_when_somebody_else_was_faster(database: Database) -> None:
    lines = Lines(database)
    made = await lines.ensure("default", "gsm", "gsm")
    mine = await lines.set_policy("default", "gsm", {"persona": "anna"}, made.version)
    assert mine is not None
    assert (mine.version, mine.policy) == (2, {"persona": "anna"})
    assert await lines.set_policy("default", "gsm", {"persona": "emma"}, made.version) is None
    assert await lines.policy("default", "gsm") == {"persona": "anna"}
    forced = await lines.set_policy("default", "gsm", {})
    assert forced is not None
    assert (forced.version, forced.policy) == (3, {})


async def test_of_edits_at_once_one_wins(database: Database) -> None:
    lines = Lines(database)
    await lines.ensure("default", "gsm", "gsm")
    done = await asyncio.gather(*(lines.set_policy("default", "gsm", {"n": n}, 1) for n in range(5)))
    assert sum(each is not None for each in done) == 1


async def test_there_is_no_policy_of_a_line_that_is_not_there(database: Database) -> None:
    lines = Lines(database)
    await lines.ensure("other", "gsm", "gsm")
    assert await lines.policy("default", "gsm") is None
    assert await lines.get("default", "gsm") is None
    with pytest.raises(StorageError, match="no line 'gsm'"):
        await lines.set_policy("default", "gsm", {}, 1)


async def test_calls_of_a_caller_are_counted(database: Database) -> None:
    calls, counts = CallStore(database), CallCounts(database)
    for minutes, outcome in ((0, "answered"), (1, "missed"), (2, "rejected"), (3, "cut"), (4, "")):
        await call(calls, "+79161234567", START + timedelta(minutes=minutes), outcome)
    await call(calls, "89161234567", START)
    await call(calls, "+79161234567", START, line="gsm-2")
    await call(calls, "+79161234567", START, direction="out")
    await call(calls, "+79161234567", START, company="other")
    await call(calls, "", START)
    await call(calls, "", START + timedelta(minutes=1))

    async def count(*numbers: str, since: datetime = START) -> int:
        return await counts.calls_from("default", "gsm", numbers, since)

    assert await count("+79161234567") == 4
    assert await count("+79161234567", "89161234567") == 5
    assert await count("+79161234567", since=START + timedelta(minutes=3)) == 2
    assert await count("") == 2
    assert await count("+79160000000") == 0


async def test_what_was_placed_and_written_is_told(database: Database) -> None:
    calls, counts = CallStore(database), CallCounts(database)
    await call(calls, "+79161234567", START, "busy", direction="out")
    await call(calls, "+79161234567", START - timedelta(seconds=1), "busy", direction="out")
    await call(calls, "+79160000000", START, direction="out", line="gsm-2")
    await call(calls, "+79160000000", START)
    assert await counts.dialled("default", "gsm", START) == [("+79161234567", START)]
    await message(database, "+79161234567", START, "out")
    await message(database, "+79161234567", START, "in")
    await message(database, "+79161234567", START, "out", line="gsm-2")
    assert await counts.texted("default", "gsm", START) == [("+79161234567", START)]


async def test_who_has_reached_us(database: Database) -> None:
    calls, counts = CallStore(database), CallCounts(database)
    await call(calls, "+79160000001", START, "missed", line="gsm-2")
    await call(calls, "+79160000002", START, "rejected")
    await call(calls, "+79160000003", START, direction="out")
    await message(database, "+79160000004", START, "in")
    await message(database, "+79160000005", START, "out")
    reached = [await counts.has_reached_us("default", [f"+7916000000{n}"], START) for n in range(1, 6)]
    assert reached == [True, False, False, True, False]
    assert not await counts.has_reached_us("default", ["+79160000001"], START + timedelta(seconds=1))
    assert not await counts.has_reached_us("other", ["+79160000001"], START)


@sqlite_only
async def test_counting_looks_into_an_index(database: Database) -> None:
    """A year of calls must not be read through while a phone rings."""
    queries: list[tuple[str, tuple[object, ...]]] = [
        (
            "SELECT count(*) FROM calls WHERE company_id=? AND number IN (?,?) AND started_at>=?",
            ("default", "a", "b", 0),
        ),
        ("SELECT number FROM calls WHERE company_id=? AND started_at>=? AND line=?", ("default", 0, "gsm")),
        ("SELECT policy FROM lines WHERE company_id=? AND name=?", ("default", "gsm")),
        ("SELECT number FROM text_messages WHERE company_id=? AND created_at>=? AND line=?", ("default", 0, "gsm")),
    ]
    async with database.read() as session:
        connection = await session.connection()
        for query, values in queries:
            plan = (await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values)).all()
            assert all("USING INDEX" in row[-1] or "USING COVERING INDEX" in row[-1] for row in plan), (query, plan)
