import asyncio
import selectors
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from services.audio.frame import Frame, silence
from services.audio.paced import PacedWriter
from services.audio.playout import PlayoutQueue


class JumpingSelector(selectors.DefaultSelector):
    """Instead of sleeping, moves the loop's time on: an hour of schedule passes in a moment."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        self.now += timeout or 0.0
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.jumping = JumpingSelector()
        super().__init__(self.jumping)

    def time(self) -> float:
        return self.jumping.now

    def stall(self, seconds: float) -> None:
        self.jumping.now += seconds


class Device:
    """Plays what it was given in real time, and keeps the books: what it holds, when it ran dry."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.loop = loop
        self.over = 0.0
        self.fullest = 0.0
        self.dry = 0.0
        self.writes: list[float] = []

    async def write(self, frame: Frame) -> None:
        now = self.loop.time()
        self.dry += max(0.0, now - self.over)
        self.over = max(self.over, now) + 0.02
        self.fullest = max(self.fullest, self.over - now)
        self.writes.append(now)


def play(scenario: Callable[[VirtualLoop, Device], Awaitable[None]]) -> Device:
    loop = VirtualLoop()
    device = Device(loop)
    try:
        loop.run_until_complete(asyncio.wait_for(scenario(loop, device), 10_000))
    finally:
        loop.close()
    return device


async def run_for(seconds: float, writer: PacedWriter) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(writer.run(), seconds)


def test_ten_minutes_neither_drift_nor_burst() -> None:
    writers: list[PacedWriter] = []

    async def scenario(loop: VirtualLoop, device: Device) -> None:
        writer = PacedWriter(lambda: silence(8_000), device.write)
        writers.append(writer)
        await run_for(600, writer)

    device = play(scenario)
    assert abs(len(device.writes) - (600 / 0.02 + 2)) <= 1
    assert device.fullest <= 0.06 + 1e-6
    assert device.dry < 1e-6
    assert writers[0].missed == 0
    assert writers[0].written == len(device.writes)


def test_lateness_within_the_cushion_costs_nothing() -> None:
    async def scenario(loop: VirtualLoop, device: Device) -> None:
        async def slow(frame: Frame) -> None:
            await device.write(frame)
            if len(device.writes) % 50 == 0:
                loop.stall(0.035)

        writer = PacedWriter(lambda: silence(8_000), slow)
        await run_for(60, writer)
        assert writer.missed == 0

    device = play(scenario)
    assert abs(len(device.writes) - 3_002) <= 2
    assert device.dry < 1e-6
    assert device.fullest <= 0.06 + 1e-6


@pytest.mark.parametrize("where", ["in a write", "in the sleep"])
def test_a_stall_is_a_gap_and_not_a_burst(where: str) -> None:
    queues: list[PlayoutQueue] = []
    taken: list[Frame] = []

    async def scenario(loop: VirtualLoop, device: Device) -> None:
        queue = PlayoutQueue(8_000)
        queue.tap(taken.append)
        queues.append(queue)

        async def write(frame: Frame) -> None:
            await device.write(frame)
            if where == "in a write" and len(device.writes) == 50:
                loop.stall(0.2)

        if where == "in the sleep":
            loop.call_later(0.951, loop.stall, 0.2)
        writer = PacedWriter(queue.take, write, on_missed=queue.skip)
        await run_for(2, writer)
        assert 6 <= writer.missed <= 8  # 200 ms less the 40 to 60 ms that were ahead

    device = play(scenario)
    assert device.fullest <= 0.06 + 1e-6
    assert 0.13 < device.dry < 0.17
    # The output position keeps step with the clock: what is taken at the end is due at the end.
    assert abs(taken[-1].end / 8_000 - device.over) < 0.021
    at_once = max(sum(1 for other in device.writes if other == moment) for moment in device.writes)
    assert at_once <= 3


def test_many_small_gaps_add_up_to_whole_ticks() -> None:
    missed: list[int] = []

    async def scenario(loop: VirtualLoop, device: Device) -> None:
        async def write(frame: Frame) -> None:
            await device.write(frame)
            if len(device.writes) % 10 == 0:
                loop.stall(0.07)

        await run_for(60, PacedWriter(lambda: silence(8_000), write, on_missed=missed.append))

    device = play(scenario)
    assert abs(sum(missed) * 0.02 - device.dry) < 0.021
    assert device.dry > 1


def test_a_failing_write_ends_it() -> None:
    async def scenario(loop: VirtualLoop, device: Device) -> None:
        async def broken(frame: Frame) -> None:
            raise OSError("the port is gone")

        with pytest.raises(OSError, match="gone"):
            await PacedWriter(lambda: silence(8_000), broken).run()

    play(scenario)
