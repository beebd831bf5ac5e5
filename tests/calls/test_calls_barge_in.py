"""The caller speaks over the secretary: she falls silent, and what is stored is what was heard."""

import asyncio

import numpy as np
from front_door import ROOT
from phone import Phone

from telephony.simulator import RATE, SimulatedCall, read_wav

SPEECH = read_wav(ROOT / "tests" / "speech" / "football-slt.wav")
AUDIBLE = 184  # -45 dBFS


async def test_a_caller_who_speaks_over_the_greeting_is_given_way(phone: Phone) -> None:
    spoken: list[int] = []

    async def talk(call: SimulatedCall) -> None:
        await call.answered()
        async with asyncio.timeout(20):
            while np.abs(call.recording()[:, 1]).max(initial=0) < AUDIBLE:  # noqa: ASYNC110 - the far end's ear
                await asyncio.sleep(0.02)
        await asyncio.sleep(1.0)
        spoken.append(call.speak(SPEECH))
        await asyncio.sleep(len(SPEECH) / RATE)
        await call.hang_up()

    async with phone() as (installation, line):
        placed = await line.hold("+79990001122", talk)
        turns = await installation.books.calls.turns(installation.company_id, placed.call_id)
    (begin,) = spoken
    over = np.abs(placed.recording[begin : begin + len(SPEECH), 1].astype(np.int32))
    assert over[: RATE // 10].max() >= AUDIBLE, "she was speaking when the caller began"
    assert over[-RATE // 2 :].max() < AUDIBLE, "she was silent before the caller had finished"
    greeting, caller = turns[0], turns[1]
    assert greeting.interrupted_by == "caller"
    assert greeting.intended.startswith(greeting.heard)
    assert 0 < len(greeting.heard) < len(greeting.intended)
    assert (caller.role, caller.heard != "") == ("caller", True)
