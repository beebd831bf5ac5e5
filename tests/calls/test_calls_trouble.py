"""Call after call on one modem to which everything happens that happens to modems: each is stored as it was."""

import asyncio
from pathlib import Path

import pytest
from open_things import OpenThings, settled
from troubled_line import all_calls, ready, troubled_line, unread, untrue

from services.installation import OpenInstallation
from telephony.simulator import ModemSimulator, RandomTrouble

BACK_SECONDS = 15.0
"""How soon the line must answer once the ports are back and the modem is on the network."""
SILENT = ("deaf", "stuck")
"""A modem that does not answer is asked again, opened anew and reset in the end: that takes longer than a re-plug."""


async def _calls(open_installation: OpenInstallation, calls: int, seed: int, more_memory: float) -> None:
    async with (
        open_installation(language="en") as installation,
        ModemSimulator(seed=seed, ring_period=1.0) as sim,
        troubled_line(installation, sim) as pool,
    ):
        trouble = RandomTrouble(sim, seed)
        before, slow, silent = OpenThings.now(), [], False
        for number in range(calls):
            if number == max(3, calls // 4):
                before = OpenThings.now()
            happened = await trouble.call()
            waited = happened.answer_seconds or 0.0
            gave_up = not happened.answered and happened.ended_by == "caller" and happened.plan.gives_up_after is None
            silent, was_silent = happened.plan.event.startswith(SILENT), silent
            if (waited > BACK_SECONDS or gave_up) and not silent and not was_silent:
                slow.append(happened)
        await ready(pool)
        wrong = untrue(trouble.happened, await all_calls(installation))
        wrong += await unread(installation, trouble.written)
        assert wrong == []
        assert slow == []
        await asyncio.sleep(1.0)
        after = await settled(before)
        assert after.memory - before.memory < more_memory, (before, after)


@pytest.mark.timeout(240)
async def test_a_few_troubled_calls(
    open_installation: OpenInstallation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    await _calls(open_installation, 5, seed=11, more_memory=60.0)


@pytest.mark.soak
@pytest.mark.timeout(7200)
async def test_two_hundred_troubled_calls(
    open_installation: OpenInstallation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    await _calls(open_installation, 200, seed=4, more_memory=40.0)
