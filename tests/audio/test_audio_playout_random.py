"""Random sequences of playing, ducking, pausing and going back: nothing is lost, nothing said twice."""

import asyncio
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from services.audio.frame import Frame
from services.audio.playout import REMEMBERED_SECONDS, PlayoutQueue

RATE = 8_000
SIZE = 160
LOUD = 20_000
REMEMBERED = round(REMEMBERED_SECONDS * 50)

STEPS = st.one_of(
    st.tuples(st.just("put"), st.integers(1, 8)),
    st.tuples(st.just("take"), st.integers(1, 40)),
    st.tuples(st.just("resume"), st.integers(-SIZE, 30 * SIZE)),
    st.tuples(st.just("duck"), st.integers(-30, 0)),
    st.tuples(st.sampled_from(["pause", "discard"]), st.just(0)),
)


def marked(number: int) -> Frame:
    """A loud frame that is known again at any gain: one sample, whose place says the number, has the other sign."""
    samples = np.full(SIZE, LOUD, np.int16)
    samples[30 + number % 100] = -LOUD
    return Frame(samples, RATE, number * SIZE)


class Listener:
    """Knows which frames wait and which were heard, and holds the queue to it."""

    def __init__(self, queue: PlayoutQueue) -> None:
        self.queue = queue
        self.sent = 0
        self.heard: list[int] = []
        self.waiting: list[int] = []

    async def put(self, number: int) -> None:
        for _ in range(number):
            await self.queue.put(marked(self.sent))
            self.waiting.append(self.sent)
            self.sent += 1

    def take(self, number: int) -> None:
        for _ in range(number):
            before = self.queue.played
            samples = self.queue.take().samples
            if self.queue.played == before:
                assert not samples.any()
                continue
            self.heard.append(self.waiting.pop(0))
            assert np.flatnonzero(samples < 0).tolist() == [30 + self.heard[-1] % 100]

    def resume(self, back: int) -> None:
        before = self.queue.played
        self.queue.resume(back)
        frames, rest = divmod(before - self.queue.played, SIZE)
        assert rest == 0
        assert 0 <= frames <= min(REMEMBERED, max(0, -(-back // SIZE)))
        for _ in range(frames):
            self.waiting.insert(0, self.heard.pop())

    def discard(self) -> None:
        assert self.queue.discard() == len(self.heard) * SIZE
        self.waiting.clear()


@settings(max_examples=200, deadline=None)
@given(st.lists(STEPS, max_size=30))
def test_nothing_is_lost_and_nothing_said_twice_but_what_was_asked_for(steps: list[tuple[str, int]]) -> None:
    asyncio.run(_drive(steps))


async def _drive(steps: list[tuple[str, int]]) -> None:
    queue = PlayoutQueue(RATE, capacity_seconds=60.0)
    listener = Listener(queue)
    out: list[Frame] = []
    queue.tap(out.append)
    for step, number in [*steps, ("resume", 0), ("take", 250)]:
        match step:
            case "put":
                await listener.put(number)
            case "take":
                listener.take(number)
            case "resume":
                listener.resume(number)
            case "duck":
                queue.duck(number)
            case "pause":
                queue.pause()
            case _:
                listener.discard()
        assert queue.queued == len(listener.waiting) * SIZE
        assert queue.played == len(listener.heard) * SIZE
    assert not listener.waiting
    assert listener.heard == sorted(set(listener.heard))
    assert [after.position - before.position for before, after in pairwise(out)] == [SIZE] * (len(out) - 1)
    await asyncio.wait_for(queue.drained(), 1)
