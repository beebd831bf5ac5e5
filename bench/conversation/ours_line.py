"""Our line to the far end: the project's PlayoutQueue between the conversation and the caller's ear."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from bench.conversation.far_end import LEAD, FarEnd
from bench.conversation.workload import FRAME_SECONDS, RATE
from services.audio.frame import Frame
from services.audio.paced import PacedWriter
from services.voice.line import Capability, Closed, LineEvent, LineInfo
from services.voice.playout_line import PlayoutLine


class BenchLine(PlayoutLine):
    """An AudioLine by the far end's rule: what is sent while it is idle is handed on at once, then one each 20 ms.

    As on a real line there is always something handed on, silence when there is nothing to say, and the taps see it.
    """

    capabilities = frozenset({Capability.HANG_UP})

    def __init__(self, far: FarEnd) -> None:
        super().__init__(RATE)
        self.info = LineInfo("bench", "in", "default", language="en")
        self._far = far
        self._loop = asyncio.get_running_loop()
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
        await super().send(frame)
        if self._next is None:
            self._play()

    def discard_unsent(self) -> int:
        """Drop what is queued."""
        self._far.discard()
        return super().discard_unsent()

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
