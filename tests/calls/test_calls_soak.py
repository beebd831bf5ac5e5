"""Call after call on one modem, with callers who do what a seed says: nothing may be left of any of them."""

import asyncio
import random
from pathlib import Path

import pytest
from open_things import OpenThings, open_readers, settled
from phone import Phone

from services.installation import Installation
from telephony.simulator import SimulatedCall, SimulatorError, read_wav

SPEECH = Path(__file__).resolve().parents[1] / "speech"
SAID = [f"{name}-slt" for name in ("hours", "prices", "message", "name", "number", "yes", "no", "football", "long")]
WARM_UP = 2
"""Calls before the first count: threads of pools and connections come with the first work and stay."""


class RestlessCaller:
    """Speaks, keys, waits and hangs up when the dice say so, seldom when it is polite."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice

    async def __call__(self, call: SimulatedCall) -> None:
        """Hold the call. Raises TimeoutError when nobody answers."""
        await call.answered(30)
        try:
            for _ in range(self._dice.randint(1, 3)):
                await asyncio.sleep(self._dice.choice((0.0, 0.5, 1.5, 3.0)))
                await self._do(call)
        except SimulatorError:
            pass  # the secretary has hung up
        await call.hang_up()

    async def _do(self, call: SimulatedCall) -> None:
        match self._dice.choice(("speak", "speak", "speak and leave", "keys", "nothing")):
            case "speak":
                samples = read_wav(SPEECH / f"{self._dice.choice(SAID)}.wav")
                call.speak(samples)
                await asyncio.sleep(min(len(samples) / 8000, 5.0))
            case "speak and leave":
                call.speak(read_wav(SPEECH / "long-rms.wav"))
                await asyncio.sleep(self._dice.uniform(0.1, 2.0))
                await call.hang_up()
            case "keys":
                for key in self._dice.choice(("1", "0", "12#", "5551234567#")):
                    await call.press(key)
            case _:
                await asyncio.sleep(1.0)


async def is_whole(installation: Installation, call_id: str) -> None:
    """Assert what must hold of every stored call, however it went."""
    record = await installation.books.calls.get(installation.company_id, call_id)
    assert record is not None
    assert record.outcome == "answered"
    assert record.end_reason in {"caller_hangup", "own_hangup"}, record
    assert record.ended_at is not None
    turns = await installation.books.calls.turns(installation.company_id, call_id)
    assert [turn.index for turn in turns] == list(range(len(turns)))
    for turn in turns:
        assert turn.intended.startswith(turn.heard), turn
        assert turn.interrupted_by or turn.heard == turn.intended


async def call_after_call(phone: Phone, calls: int, seed: int, more_memory: float) -> None:
    dice = random.Random(seed)
    async with phone() as (installation, line):
        before = OpenThings.now()
        for number in range(calls):
            if number == max(WARM_UP, calls // 4):
                await open_readers(installation.platform.database)
                before = OpenThings.now()
            placed = await line.hold(f"+7999{seed:03}{number:04}", RestlessCaller(dice))
            await is_whole(installation, placed.call_id)
        after = await settled(before)
        assert after.memory - before.memory < more_memory, (before, after)
        whole, _ = await installation.books.calls.list(installation.company_id, limit=200)
        assert len(whole) == min(calls, 200)


async def test_callers_who_do_as_they_please_leave_nothing_behind(phone: Phone) -> None:
    await call_after_call(phone, calls=9, seed=4, more_memory=64.0)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", [1, 2])
async def test_a_hundred_callers_who_do_as_they_please(phone: Phone, seed: int) -> None:
    await call_after_call(phone, calls=100, seed=seed, more_memory=48.0)
