"""The outgoing queue of a line: it knows what has really been played, which is what the caller can have heard."""

import asyncio
from collections import deque
from collections.abc import Callable

import structlog

from services.audio.frame import FRAME_SECONDS, Frame, frame_samples, silence

log = structlog.get_logger()


class PlayoutQueue:
    """Frames wait here until the line takes them, one every 20 ms; what is missing is filled with silence.

    Two counts run side by side. `played` counts only queued frames: how far into the speech we are. The positions of
    taken frames count all output since the start, filler included: when it was on the line.

    An underrun is a filler frame inside an utterance: it is counted when the frame that ends the gap continues the one
    before the gap (its position is that frame's end, as in the output of one synthesis). A pause between utterances,
    whose positions begin anew, is no underrun, and so nobody has to announce where utterances begin and end.

    All methods belong to one event loop. Waiting in `put` and `drained` ends with the taker, `discard` or `close`.
    """

    def __init__(self, rate: int, capacity_seconds: float = 2.0) -> None:
        self.rate = rate
        self.played = 0
        self.underruns = 0
        self._capacity = max(1, round(capacity_seconds / FRAME_SECONDS))
        self._frames: deque[Frame] = deque()
        self._output = 0
        self._expected: int | None = None  # position that would continue the utterance
        self._gap = 0
        self._taps: list[Callable[[Frame], None]] = []
        self._generation = 0
        self._closed = False
        self._room = asyncio.Event()
        self._empty = asyncio.Event()
        self._room.set()
        self._empty.set()

    @property
    def queued(self) -> int:
        """Samples that wait."""
        return len(self._frames) * frame_samples(self.rate)

    @property
    def closed(self) -> bool:
        """True after `close`."""
        return self._closed

    async def put(self, frame: Frame) -> None:
        """Queue one frame; waits while the queue is full. A no-op after `close`.

        A frame that waited here when `discard` was called is dropped with the rest: it belonged to that speech.
        Raises AudioError for a frame of another rate.
        """
        frame.expect_rate(self.rate)
        generation = self._generation
        while len(self._frames) >= self._capacity and not self._closed:
            self._room.clear()
            await self._room.wait()
            if self._generation != generation:
                return
        if self._closed:
            return
        self._frames.append(frame)
        self._empty.clear()

    def take(self) -> Frame:
        """Return the next frame, or silence when there is none; never waits. Its position counts all output."""
        if self._frames:
            queued = self._frames.popleft()
            if queued.position == self._expected:
                self.underruns += self._gap
            self._gap = 0
            self._expected = queued.end
            self.played += len(queued.samples)
            frame = Frame(queued.samples, self.rate, self._output)
            self._wake()
        else:
            self._gap += 1
            frame = silence(self.rate, self._output)
        self._output = frame.end
        for listener in tuple(self._taps):
            self._tell(listener, frame)
        return frame

    def skip(self, frames: int) -> None:
        """Move the output position past ticks that the line has missed: the other side heard nothing meanwhile.

        Without this a stall would shift every later frame against the caller's side, in the recording and in the
        echo canceller. Queued frames stay; inside an utterance the hole counts as underruns.
        """
        self._output += frames * frame_samples(self.rate)
        self._gap += frames

    def discard(self) -> int:
        """Drop what is queued and what still waits in `put`; return `played`."""
        self._frames.clear()
        self._generation += 1
        self._expected = None
        self._wake()
        return self.played

    def tap(self, listener: Callable[[Frame], None]) -> None:
        """Call `listener` with each taken frame, silence too; it must return at once, and is let go if it raises."""
        self._taps.append(listener)

    async def drained(self) -> None:
        """Wait until nothing is queued: all was taken, or discarded, or the queue closed."""
        await self._empty.wait()

    def close(self) -> None:
        """End the queue and wake all who wait; idempotent. Afterwards `put` does nothing and `take` gives silence."""
        self._closed = True
        self.discard()

    def _wake(self) -> None:
        self._room.set()
        if not self._frames:
            self._empty.set()

    def _tell(self, listener: Callable[[Frame], None], frame: Frame) -> None:
        try:
            listener(frame)
        except Exception:
            # A fault in a watcher must not cost the caller the voice.
            log.exception("A listener to the outgoing audio failed and is no longer called.")
            self._taps.remove(listener)
