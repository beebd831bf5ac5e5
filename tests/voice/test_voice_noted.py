"""A call in which nobody of ours talks: stored from its first moment to its outcome all the same."""

import asyncio
from pathlib import Path

import pytest
from voice_desk import a_desk
from voice_fakes import FakeLine, MemoryLog

from services.errors import NotTakenError
from services.voice.desk import Desk
from services.voice.line import LineInfo
from services.voice.reception import Reception

INFO = LineInfo("gsm", "out", "company", "+79990000007", contact="+79991234567", line="two", call_id="a-call")


def colleagues_line() -> FakeLine:
    line = FakeLine([])
    line.info = INFO
    return line


def a_reception(folder: Path) -> tuple[Reception, MemoryLog, Desk]:
    log = MemoryLog()
    desk = a_desk(folder, log)
    return Reception(desk), log, desk


def told(log: MemoryLog) -> list[tuple[str, str]]:
    return [(event.type.value, str(event.data.get("outcome", ""))) for event in log.events]


async def test_an_answered_call(tmp_path: Path) -> None:
    reception, log, desk = a_reception(tmp_path)
    async with reception.noted(colleagues_line()) as answered:
        assert [call.call_id for call in desk.directory.calls("company")] == ["a-call"]
        answered()
        await asyncio.sleep(0.02)
    assert told(log) == [("started", ""), ("answered", ""), ("ended", "answered")]
    assert (log.events[0].data["number"], log.events[0].data["direction"]) == ("+79990000007", "out")
    assert log.events[-1].data["seconds"] >= 0.02
    assert desk.directory.calls("company") == []


@pytest.mark.parametrize("outcome", ["busy", "no_answer", "rejected"])
async def test_a_call_that_nobody_takes(tmp_path: Path, outcome: str) -> None:
    reception, log, _ = a_reception(tmp_path)
    with pytest.raises(NotTakenError):
        async with reception.noted(colleagues_line()):
            raise NotTakenError("It came to nothing.", outcome=outcome)
    assert told(log) == [("started", ""), ("ended", outcome)]


async def test_a_call_that_is_given_up_or_breaks_is_ended_too(tmp_path: Path) -> None:
    reception, log, _ = a_reception(tmp_path)

    async def broken(error: BaseException, *, taken: bool) -> None:
        async with reception.noted(colleagues_line()) as answered:
            if taken:
                answered()
            raise error

    with pytest.raises(RuntimeError):
        await broken(RuntimeError("the joining broke"), taken=True)
    with pytest.raises(asyncio.CancelledError):
        await broken(asyncio.CancelledError(), taken=False)
    assert [outcome for kind, outcome in told(log) if kind == "ended"] == ["answered", "cancelled"]
