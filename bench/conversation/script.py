"""What the caller does: speaks, waits for the whole answer, speaks again; or interrupts; or hangs up early."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bench.conversation.far_end import FarEnd
from bench.conversation.workload import EARS, ENGINES, QUESTION, REPLY_SECONDS, until

SPEECH = 1.5
BREATH = 0.4
PATIENCE = 3.0
CYCLE = SPEECH + EARS + ENGINES + REPLY_SECONDS + BREATH

Serve = Callable[[FarEnd], Awaitable[None]]
"""Holds one call on a line until the caller hangs up."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How one turn went: `due` is when the final transcript was due, seconds of the loop's clock.

    `added` is the time from there to the first sound, less what the engines take; None where no answer came whole.
    """

    due: float
    added: float | None
    longest_gap: float


async def ask(far: FarEnd, speech: float = SPEECH) -> float:
    """Say something; return when its final transcript came, after having given it to the ears."""
    loop = asyncio.get_running_loop()
    far.speaking = True
    end = loop.time() + speech
    await until(end)
    far.speaking = False
    due = end + EARS
    await until(due)
    far.on_transcript(QUESTION)
    return due


async def turn(far: FarEnd) -> Answer:
    """Ask, and listen to the whole answer."""
    far.expect(REPLY_SECONDS)
    due = await ask(far)
    try:
        async with asyncio.timeout(ENGINES + REPLY_SECONDS + PATIENCE):
            await far.heard_all.wait()
    except TimeoutError:
        return Answer(due, None, far.longest_gap)
    assert far.first_sound is not None
    await until(far.over + BREATH)
    return Answer(due, far.first_sound - due - ENGINES, far.longest_gap)


async def interrupt(far: FarEnd) -> float | None:
    """Ask, speak over the answer; return the seconds from the barge-in to the last frame, None if there was none."""
    far.expect(float("inf"))
    await ask(far)
    try:
        async with asyncio.timeout(PATIENCE):
            await far.heard_first.wait()
    except TimeoutError:
        return None
    await asyncio.sleep(1.0)
    far.watch()
    far.speaking = True
    if far.on_barge_in is not None:
        far.barged_in()
        far.on_barge_in()
    await asyncio.sleep(1.0)
    far.speaking = False
    return None if far.barge_in_at is None else max(0.0, far.last_event - far.barge_in_at)


async def call(serve: Serve, talk: Callable[[FarEnd], Awaitable[None]]) -> None:
    """Hold one call in which the caller does `talk`."""
    far = FarEnd()
    serving = asyncio.ensure_future(serve(far))
    try:
        await asyncio.sleep(0.5)
        await far.quiet(0.3)  # a greeting is heard to its end
        await talk(far)
    finally:
        far.hang_up()
        try:
            async with asyncio.timeout(10):
                await serving
        except TimeoutError:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
