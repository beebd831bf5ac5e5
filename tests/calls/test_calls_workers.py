"""An engine's process is killed in the middle of a call: the caller is served on, and the call is stored."""

import asyncio
import os
import signal

import psutil
from front_door import ROOT
from phone import Phone

from services.domain import Turn
from services.events import CallEvent, CallEventType
from services.installation import Installation
from telephony.simulator import CallerEvent, read_wav

SPEECH = ROOT / "tests" / "speech"
HOURS, PRICES, MATTER = (read_wav(SPEECH / f"{name}-slt.wav") for name in ("hours", "prices", "football"))
NUMBER = "+79995554433"


def kill_worker(engine: str) -> int:
    """Kill the one worker process of `engine` (the module's name); return its process id."""
    (worker,) = [each for each in psutil.Process().children() if any(engine in part for part in each.cmdline())]
    os.kill(worker.pid, signal.SIGKILL)
    return worker.pid


async def turns_of(installation: Installation, call_id: str) -> tuple[Turn, ...]:
    record = await installation.books.calls.get(installation.company_id, call_id)
    assert record is not None
    assert (record.outcome, record.end_reason) == ("answered", "caller_hangup")
    return await installation.books.calls.turns(installation.company_id, call_id)


async def test_ears_that_die_while_the_caller_speaks_are_replaced(phone: Phone) -> None:
    degraded: list[str] = []
    killed: list[int] = []

    def on_caller(event: CallerEvent) -> None:
        if event.kind == "speaks" and event.turn == 0:
            asyncio.get_running_loop().call_later(1.0, lambda: killed.append(kill_worker("pocketsphinx_worker")))

    def on_event(event: CallEvent) -> None:
        if event.type is CallEventType.DEGRADED:
            degraded.append(event.data["part"])

    async with phone() as (installation, line):
        placed = await line.place(NUMBER, [MATTER, PRICES], on_event=on_event, on_caller=on_caller)
        turns = await turns_of(installation, placed.call_id)
        assert killed
        assert "stt" in degraded
        assert placed.answered, "the caller was answered each time, also when the words were lost"
        assert (turns[-1].source, turns[-2].role) == ("faq", "caller")
        assert "prices" in turns[-1].detail, "the turn after the one that was lost is understood again"
        assert kill_worker("pocketsphinx_worker") not in killed, "it was another process that understood it"


async def test_a_voice_that_dies_while_it_speaks_goes_on(phone: Phone) -> None:
    killed: list[int] = []

    def on_event(event: CallEvent) -> None:
        if event.type is CallEventType.SAYING and len(killed) < 2:
            killed.append(kill_worker("espeak_worker"))

    async with phone() as (installation, line):
        placed = await line.place(NUMBER, [HOURS], on_event=on_event)
        turns = await turns_of(installation, placed.call_id)
        assert len(set(killed)) == 2
        assert placed.answered
        greeting, _, answer = turns
        assert "hours" in answer.detail
        for turn in (greeting, answer):
            assert turn.heard == turn.intended
            assert not turn.interrupted_by
