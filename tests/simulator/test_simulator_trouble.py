"""Random trouble tells the truth, whatever the host does."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from telephony.simulator import ModemSimulator, Plan, RandomTrouble, SimulatedCall, Written
from telephony.simulator.trouble import IDLE_EVENTS, MANNERS, TALK_EVENTS


@asynccontextmanager
async def attended(b: Any) -> AsyncIterator[None]:
    """A host that answers every ring on the port of `b`, and knows nothing of trouble."""

    async def attend() -> None:
        while True:
            if await b.at.line(60) == "RING":
                b.at.send("ATA\r")

    task = asyncio.create_task(attend())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_the_same_seed_draws_the_same_plans_and_every_fault_comes() -> None:
    sim = ModemSimulator()
    one, other = (RandomTrouble(sim, 7) for _ in range(2))
    plans = [one.draw() for _ in range(600)]
    assert plans == [other.draw() for _ in range(600)]
    assert {plan.event for plan in plans} == {"", *TALK_EVENTS}
    assert {name for plan in plans for name in plan.manners} == set(MANNERS)
    assert all(plan.event in IDLE_EVENTS or not plan.event or plan.moment == "talking" for plan in plans)
    assert len({plan.number for plan in plans}) == 600
    assert {letter.moment for plan in plans for letter in plan.written} == {
        "before",
        "ringing",
        "talking",
        "ending",
        "after",
    }
    assert any(plan.gives_up_after is not None for plan in plans)


async def test_a_calm_call_and_one_that_the_module_loses(bench: Callable[..., Any]) -> None:
    async with bench(reset_seconds=0.1) as b, attended(b):
        trouble = RandomTrouble(b.sim, 1)
        calm = await trouble.call(plan=Plan("+79990000001", talk_seconds=0.2))
        assert (calm.answered, calm.ended_by, calm.struck) == (True, "caller", False)
        assert calm.answer_seconds is not None
        assert calm.answer_seconds < 0.2 <= calm.talked_seconds
        lost = await trouble.call(plan=Plan("+79990000002", "port-returns-elsewhere", "talking", delay=0.1))
        assert (lost.answered, lost.ended_by, lost.struck) == (True, "modem", True)
        assert b.sim.reachable_since is not None
        assert trouble.happened == [calm, lost]


async def test_nobody_answers(bench: Callable[..., Any]) -> None:
    async with bench(pace=0.1) as b:
        trouble = RandomTrouble(b.sim, 1, patience=0.3)
        missed = await trouble.call(plan=Plan("+79990000001", "deaf-until-reset", "ending"))
        assert (missed.called, missed.answered, missed.struck, missed.ended_by) == (True, False, False, "caller")
        assert missed.rings == missed.shown == 2
        gone = await trouble.call(plan=Plan("+79990000002", "registration-lost", "after", gives_up_after=0.05))
        assert (gone.rings, gone.struck) == (1, True)


@pytest.mark.parametrize("event", ["unplugged", "port-vanishes", "usb-reenumerates"])
async def test_a_caller_comes_as_soon_as_the_module_is_back(bench: Callable[..., Any], event: str) -> None:
    async with bench(reset_seconds=0.1, pace=0.1) as b:
        before = b.sim.at_port
        trouble = RandomTrouble(b.sim, 3, patience=0.1)
        happened = await trouble.call(plan=Plan("+79990000001", event, "before"))
        assert happened.called
        assert happened.rings == 1
        assert (b.sim.at_port == before) is (event == "port-vanishes")


async def test_letters_reach_the_sim_once(bench: Callable[..., Any]) -> None:
    async with bench(reset_seconds=0.1) as b:
        trouble = RandomTrouble(b.sim, 3, patience=0.1)
        letters = tuple(
            Written("+79990000001", f"Message {moment}", moment) for moment in ("before", "ringing", "ending", "after")
        )
        await trouble.call(plan=Plan("+79990000001", "unplugged", "after", written=letters))
        # Nobody answered, so there was no end of a talk to write at.
        assert [letter.moment for letter in trouble.written] == ["before", "ringing", "after"]
        await asyncio.sleep(0.6)
        assert len(b.sim.stored_sms()) == 3


async def test_the_caller_may_do_something_of_its_own(bench: Callable[..., Any]) -> None:
    async with bench() as b, attended(b):
        heard = []

        async def hold(call: SimulatedCall) -> None:
            heard.append(call.number)
            await call.hang_up()
            await call.press("1")  # nobody is there any more

        happened = await RandomTrouble(b.sim, 1).call(hold, Plan("+79990000001", "wedged-audio", "talking", delay=1.0))
        assert heard == ["+79990000001"]
        assert (happened.ended_by, happened.struck, happened.sickness) == ("caller", False, "")
