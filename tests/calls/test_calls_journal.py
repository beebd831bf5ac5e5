"""The journal of a call whose database is late: what the call said is stored behind its back, or its loss is told."""

import asyncio

import pytest
import structlog
from virtual_time import run_virtually

from services.clock import LoopClock
from services.errands import Errands
from services.events import CallEvent, CallEventType, EventBus
from services.voice.journal import CallJournal

SAID = (CallEventType.STARTED, CallEventType.TURN, CallEventType.TURN, CallEventType.ENDED)


class Slow:
    """Takes its time over every event."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.stored: list[CallEventType] = []

    async def append(self, event: CallEvent) -> None:
        await asyncio.sleep(self._seconds)
        self.stored.append(event.type)


def now() -> float:
    return asyncio.get_running_loop().time()


def a_journal(log: Slow, errands: Errands) -> CallJournal:
    journal = CallJournal("default", "call", log, EventBus(), LoopClock(), errands)
    for each in SAID:
        journal.record(each)
    return journal


def test_a_call_waits_ten_seconds_for_its_events_and_the_rest_are_stored_behind_it() -> None:
    log = Slow(30.0)

    async def call() -> None:
        errands = Errands()
        await a_journal(log, errands).close()
        assert now() == pytest.approx(10.0)
        assert not log.stored
        await asyncio.sleep(200.0)
        assert tuple(log.stored) == SAID
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_virtually(call())


def test_a_call_that_is_cancelled_while_it_stores_is_stored_all_the_same() -> None:
    log = Slow(1.0)

    async def call() -> None:
        closing = asyncio.create_task(a_journal(log, Errands()).close())
        await asyncio.sleep(0.5)
        closing.cancel()
        await asyncio.wait({closing})
        assert now() == pytest.approx(0.5)
        await asyncio.sleep(10.0)
        assert tuple(log.stored) == SAID

    run_virtually(call())


@pytest.mark.parametrize("stops", [True, False])
def test_what_is_lost_is_told_with_its_call(*, stops: bool) -> None:
    async def call() -> None:
        errands = Errands()
        await a_journal(Slow(1e6), errands).close()
        if stops:
            await errands.close()
            assert now() == pytest.approx(15.0)
        else:
            await asyncio.sleep(2000.0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with structlog.testing.capture_logs() as logged:
        run_virtually(call())
    lost = [each for each in logged if each["event"] == "events of a call are lost"]
    assert [(each["call"], each["events"]) for each in lost] == [("call", len(SAID))]
