"""Taking a call: whatever breaks around the conversation, the caller is answered and the call is stored to its end."""

import asyncio
from pathlib import Path

import pytest
from virtual_time import run_virtually
from voice_desk import Books, a_desk
from voice_fakes import Act, FakeLine, FakeMouth, MemoryLog

from services.clock import LoopClock
from services.domain import CompanyProfile, Persona
from services.errors import EngineUnavailableError, LineError, SecretaryError, StorageError
from services.events import CallEvent, CallEventType, EventBus
from services.tts.protocol import Voice
from services.voice.journal import CallJournal
from services.voice.reception import Reception


def types(log: MemoryLog) -> list[str]:
    return [event.type.value for event in log.events]


class Silent(FakeMouth):
    """Has no voice for any language."""

    def voice_for(self, language: str, gender: str, wanted: str = "") -> Voice:
        raise EngineUnavailableError("There is no voice.")


class Vanishing(FakeLine):
    """Its modem is lost when the call is to be ended."""

    async def hangup(self) -> None:
        await super().hangup()
        raise LineError("The modem is gone.")


def only_recording(folder: Path) -> Path:
    (recording,) = folder.rglob("*.ogg")
    return recording


async def test_a_call_is_stored_from_its_first_event_to_its_last(tmp_path: Path) -> None:
    log = MemoryLog()
    await Reception(a_desk(tmp_path, log)).take(FakeLine([Act(0.3, hang_up=True)]))
    assert types(log) == ["started", "answered", "recorded", "turn", "ended"]
    assert log.events[-1].data["outcome"] == "answered"
    assert only_recording(tmp_path).stat().st_mode & 0o777 == 0o600


async def test_a_line_that_cannot_be_ended_still_leaves_a_whole_call(tmp_path: Path) -> None:
    log = MemoryLog()
    await Reception(a_desk(tmp_path, log)).take(Vanishing([Act(0.2, hang_up=True)]))
    assert types(log)[-1] == "ended"
    assert log.events[-1].data["reason"] == "caller_hangup"


async def test_a_caller_who_is_gone_before_the_answer_is_a_missed_call(tmp_path: Path) -> None:
    log, line = MemoryLog(), FakeLine([])
    await line.hangup()
    await Reception(a_desk(tmp_path, log)).take(line)
    assert types(log) == ["started", "ended"]
    assert log.events[-1].data["outcome"] == "missed"


async def test_without_a_voice_nobody_is_answered_into_silence(tmp_path: Path) -> None:
    log = MemoryLog()
    with pytest.raises(EngineUnavailableError):
        await Reception(a_desk(tmp_path, log, mouth=Silent())).take(FakeLine([]))
    assert types(log) == ["started", "ended"]
    assert log.events[-1].data["outcome"] == "failed"


class Nobody(Books):
    """A company for which nobody answers."""

    async def get(self, company_id: str, slug: str) -> Persona | None:
        return None

    async def for_language(self, company_id: str, language: str) -> Persona | None:
        return None


class NoCompany(Nobody):
    """No company at all: nothing can be stored under it."""

    async def profile(self, company_id: str) -> CompanyProfile | None:
        return None


@pytest.mark.parametrize(("books", "stored"), [(Nobody(), ["started", "ended"]), (NoCompany(), [])])
async def test_a_call_that_nobody_can_take_is_not_forgotten(tmp_path: Path, books: Books, stored: list[str]) -> None:
    log = MemoryLog()
    with pytest.raises(SecretaryError):
        await Reception(a_desk(tmp_path, log, companies=books, personas=books)).take(FakeLine([]))
    assert types(log) == stored
    assert all(event.data["outcome"] == "failed" for event in log.events[1:])


async def test_a_call_that_is_cancelled_is_closed_in_the_store(tmp_path: Path) -> None:
    log, line = MemoryLog(), FakeLine([])
    task = asyncio.create_task(Reception(a_desk(tmp_path, log)).take(line))
    await asyncio.sleep(0.3)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert types(log)[-1] == "ended"


async def test_a_recording_folder_that_cannot_be_written_costs_the_recording_only(tmp_path: Path) -> None:
    log = MemoryLog()
    (tmp_path / "recordings").write_text("in the way")
    await Reception(a_desk(tmp_path, log)).take(FakeLine([Act(0.2, hang_up=True)]))
    assert "degraded" in types(log)
    assert [event.data["path"] for event in log.events if event.type is CallEventType.RECORDED][-1] == ""
    assert log.events[-1].data["outcome"] == "answered"


# -- the journal ------------------------------------------------------------------------------------------------------


class Choking(MemoryLog):
    """Cannot store one kind of event, for a reason nobody thought of."""

    async def append(self, event: CallEvent) -> None:
        if event.type is CallEventType.DIGITS:
            raise TypeError("not serialisable")
        await super().append(event)


class Stuck(MemoryLog):
    """Never finishes storing."""

    async def append(self, event: CallEvent) -> None:
        await asyncio.Event().wait()


async def test_an_event_that_cannot_be_stored_does_not_cost_those_behind_it() -> None:
    log = Choking()
    journal = CallJournal("default", "call", log, EventBus(), LoopClock())
    for each in (CallEventType.STARTED, CallEventType.DIGITS, CallEventType.ENDED):
        journal.record(each)
    await journal.close()
    assert types(log) == ["started", "ended"]


async def test_whoever_waits_for_the_end_hears_of_it_though_the_store_is_stuck() -> None:
    bus = EventBus()
    journal = CallJournal("default", "call", Stuck(), bus, LoopClock())
    with bus.subscribe() as events:
        journal.record(CallEventType.ENDED)
        await journal.close(timeout=0.05)
        assert (await asyncio.wait_for(anext(events), 1)).type is CallEventType.ENDED


class AwayFor(MemoryLog):
    """Cannot be written to for some seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    async def append(self, event: CallEvent) -> None:
        if asyncio.get_running_loop().time() < self._seconds:
            raise StorageError("The database is away.")
        await super().append(event)


def test_a_call_that_began_while_the_store_was_away_is_stored_when_it_is_back() -> None:
    log = AwayFor(300)

    async def call() -> None:
        journal = CallJournal("default", "call", log, EventBus(), LoopClock())
        for each in (CallEventType.STARTED, CallEventType.ANSWERED, CallEventType.TURN):
            journal.record(each)
        await asyncio.sleep(400)
        journal.record(CallEventType.ENDED)
        await journal.close()

    run_virtually(call())
    assert types(log) == ["started", "answered", "turn", "ended"]


async def test_a_store_that_is_far_behind_does_not_end_the_call() -> None:
    journal = CallJournal("default", "call", Stuck(), EventBus(), LoopClock())
    for _ in range(10_100):
        journal.record(CallEventType.DIGITS)
    await journal.close(timeout=0.05)
