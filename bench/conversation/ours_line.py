"""Our line to the far end: the project's PlayoutQueue between the conversation and the caller's ear."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager

from bench.conversation.far_end import LEAD, FarEnd
from bench.conversation.workload import FRAME_SECONDS, RATE
from services.audio.frame import Frame
from services.audio.paced import PacedWriter
from services.audio.playout import PlayoutQueue
from services.voice.line import Capability, Closed, LineEvent, LineInfo


class BenchLine:
    """An AudioLine by the far end's rule: what is sent while it is idle is handed on at once, then one each 20 ms.

    As on a real line there is always something handed on, silence when there is nothing to say, and the taps see it.
    """

    capabilities = frozenset({Capability.HANG_UP})
    rate = RATE

    def __init__(self, far: FarEnd) -> None:
        self.info = LineInfo("bench", "in", "default", language="en")
        self._far = far
        self._loop = asyncio.get_running_loop()
        self._playout = PlayoutQueue(RATE)
        self._next: asyncio.TimerHandle | None = None

    async def answer(self) -> None:
        """Take the call."""

    async def events(self) -> AsyncIterator[LineEvent]:
        """Iterate over the caller's frames."""
        position = 0
        async for samples in self._far.microphone():
            if self._next is None:
                self._playout.take()
            yield Frame(samples, RATE, position)
            position += len(samples)
        self._playout.close()
        if self._next is not None:
            self._next.cancel()
        yield Closed("caller_hangup")

    async def send(self, frame: Frame) -> None:
        """Queue one frame for playing."""
        await self._playout.put(frame)
        if self._next is None:
            self._play()

    def discard_unsent(self) -> int:
        """Drop what is queued."""
        self._far.discard()
        return self._playout.discard()

    @property
    def played(self) -> int:
        """Samples handed on."""
        return self._playout.played

    @property
    def queued(self) -> int:
        """Samples that wait."""
        return self._playout.queued

    def duck(self, decibels: float) -> None:
        """Play quieter."""
        self._playout.duck(decibels)

    def pause(self) -> None:
        """Hand on silence and keep what is queued."""
        self._playout.pause()

    def resume(self, back: int = 0) -> None:
        """Go on after a pause."""
        self._playout.resume(back)

    def tap(self, listener: Callable[[Frame], None]) -> None:
        """Call `listener` with what is handed on."""
        self._playout.tap(listener)

    async def drained(self) -> None:
        """Wait until everything is handed on."""
        await self._playout.drained()

    async def send_digits(self, digits: str) -> None:
        """Nobody listens to keys here."""

    async def transfer(self, to: str) -> None:
        """Nobody to connect with."""

    async def hangup(self) -> None:
        """End the call."""
        self._far.hang_up()

    def _play(self) -> None:
        """Hand on what is due, keeping the lead of a real line; rest until the next is due."""
        self._next = None
        while self._playout.queued:
            due = self._far.over - LEAD + FRAME_SECONDS
            if due > self._loop.time():
                self._next = self._loop.call_at(due, self._play)
                return
            before = self._playout.played
            frame = self._playout.take()
            if self._playout.played > before:
                self._far.hand(frame.samples)
            else:  # paused: silence is written
                self._next = self._loop.call_later(FRAME_SECONDS, self._play)
                return


class PacedLine(BenchLine):
    """The same line, written to by the clocked writer that telephony uses, 40 to 60 ms ahead of the ear."""

    async def events(self) -> AsyncIterator[LineEvent]:
        """Iterate over the caller's frames."""
        position = 0
        async for samples in self._far.microphone():
            yield Frame(samples, RATE, position)
            position += len(samples)
        self._playout.close()
        yield Closed("caller_hangup")

    async def send(self, frame: Frame) -> None:
        """Queue one frame for playing."""
        await self._playout.put(frame)

    async def write(self) -> None:
        """Write for ever."""
        await PacedWriter(self._playout.take, self._hand, on_missed=self._playout.skip).run()

    async def _hand(self, frame: Frame) -> None:
        if frame.samples.any():
            self._far.hand(frame.samples)


@asynccontextmanager
async def paced_line(far: FarEnd) -> AsyncGenerator[PacedLine, None]:
    """Open such a line; it is written to until the context ends."""
    line = PacedLine(far)
    writer = asyncio.create_task(line.write())
    try:
        yield line
    finally:
        writer.cancel()
        await asyncio.gather(writer, return_exceptions=True)
