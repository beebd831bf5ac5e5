"""The outgoing queue of a line: it knows what has really been played, which is what the caller can have heard."""

import asyncio
from collections import deque
from collections.abc import Callable

import structlog

from services.audio.frame import FRAME_SECONDS, Frame, frame_samples, silence
from services.audio.gain import Fader, gain_of

log = structlog.get_logger()

REMEMBERED_SECONDS = 0.5
"""So much of what was taken can be played again after a pause."""

_REFILL_SECONDS = 0.2  # of room: a sender that was woken for each frame taken would cost more than all the rest here


class PlayoutQueue:
    """Frames wait here until the line takes them, one every 20 ms; what is missing is filled with silence.

    Two counts run side by side. `played` counts only queued frames: how far into the speech we are. The positions of
    taken frames count all output since the start, filler included: when it was on the line.

    An underrun is a filler frame inside an utterance: it is counted when the frame that ends the gap continues the one
    before the gap (its position is that frame's end, as in the output of one synthesis). A pause between utterances,
    whose positions begin anew, is no underrun, and so nobody has to announce where utterances begin and end. What
    `pause` holds back is no underrun either.

    Changes of loudness never click: the next frame taken glides to the new gain in a straight line, and so does the
    frame that ends before a pause and the one that begins after it.

    A sender that found the queue full goes on when a quarter of it is free, or 0.2 s, whichever is less.

    All methods belong to one event loop. Waiting in `put` and `drained` ends with the taker, `discard` or `close`.
    """

    def __init__(self, rate: int, capacity_seconds: float = 2.0) -> None:
        self.rate = rate
        self.played = 0
        self.underruns = 0
        self._capacity = max(1, round(capacity_seconds / FRAME_SECONDS))
        self._refill_at = self._capacity - max(1, min(round(_REFILL_SECONDS / FRAME_SECONDS), self._capacity // 4))
        self._frames: deque[Frame] = deque()
        self._taken: deque[Frame] = deque(maxlen=round(REMEMBERED_SECONDS / FRAME_SECONDS))
        self._nothing = silence(rate).samples
        self._nothing.flags.writeable = False  # one array for every filler frame
        self._fader = Fader()
        self._gain = 1.0
        self._paused = False
        self._output = 0
        self._expected: int | None = None  # position that would continue the utterance
        self._gap = 0
        self._taps: tuple[Callable[[Frame], None], ...] = ()
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

    def offer(self, frame: Frame) -> bool:
        """Queue one frame without waiting; False, and nothing queued, when the queue is full or closed.

        Raises AudioError for a frame of another rate.
        """
        frame.expect_rate(self.rate)
        if self._closed or len(self._frames) >= self._capacity:
            return False
        self._frames.append(frame)
        self._empty.clear()
        return True

    def take(self) -> Frame:
        """Return the next frame, or silence when there is none; never waits. Its position counts all output."""
        if self._frames and not (self._paused and self._fader.level == 0.0):
            queued = self._frames.popleft()
            self._taken.append(queued)
            samples, position = queued.samples, queued.position
            if position == self._expected:
                self.underruns += self._gap
            self._gap = 0
            self._expected = position + len(samples)
            self.played += len(samples)
            if not self._fader.idle:
                samples = self._fader.shape(samples)
            self._wake()
        else:
            samples = self._nothing
            self._pass_silence()
        frame = Frame(samples, self.rate, self._output)
        self._output += len(samples)
        for listener in self._taps:
            self._tell(listener, frame)
        return frame

    def skip(self, frames: int) -> None:
        """Move the output position past ticks that the line has missed: the other side heard nothing meanwhile.

        Without this a stall would shift every later frame against the caller's side, in the recording and in the
        echo canceller. Queued frames stay; inside an utterance the hole counts as underruns.
        """
        self._output += frames * frame_samples(self.rate)
        if not self._paused:
            self._gap += frames

    def duck(self, decibels: float) -> None:
        """Play `decibels` (<= 0) quieter than queued from the next frame on, until told otherwise; 0 is as queued.

        Raises AudioError above 0 dB.
        """
        self._gain = gain_of(decibels)
        if not self._paused:
            self._fader.glide_to(self._gain)

    def pause(self) -> None:
        """Give silence and keep what is queued, until `resume` or `discard`; `put` and `drained` wait on.

        Speech that is sounding fades to nothing within the next queued frame, which counts as played; where nothing
        sounds, between utterances or before the first, nothing more goes out.
        """
        self._paused = True
        if self._expected is None or self._gap:
            self._fader.jump_to(0.0)
        else:
            self._fader.glide_to(0.0)

    def resume(self, back: int = 0) -> None:
        """Go on after `pause`, fading in over a frame; without a pause nothing happens.

        `back` samples of what was played are played again, rounded up to whole frames, as far as the last 0.5 s of
        output go; they leave the count in `played`. Speech that had no time to fade out just goes on: nothing was
        missed, so nothing is repeated.
        """
        if not self._paused:
            return
        self._paused = False
        if self._fader.level == 0.0:
            self._rewind(-(-back // frame_samples(self.rate)))
        self._fader.glide_to(self._gain)

    def discard(self) -> int:
        """Drop what is queued and what still waits in `put`, and what a pause held; return `played`.

        What is queued next begins at the gain that `duck` set last.
        """
        self._frames.clear()
        self._taken.clear()
        self._paused = False
        self._fader.jump_to(self._gain)
        self._generation += 1
        self._expected = None
        self._wake()
        return self.played

    def tap(self, listener: Callable[[Frame], None]) -> None:
        """Call `listener` with each taken frame, silence too; it must return at once, and is let go if it raises."""
        self._taps += (listener,)

    async def drained(self) -> None:
        """Wait until nothing is queued: all was taken, or discarded, or the queue closed."""
        await self._empty.wait()

    def close(self) -> None:
        """End the queue and wake all who wait; idempotent. Afterwards `put` does nothing and `take` gives silence."""
        self._closed = True
        self.discard()

    def _pass_silence(self) -> None:
        """Count a frame of filler. A pause stops the clock: it makes no gap, and nothing is forgotten meanwhile."""
        if self._paused:
            self._fader.jump_to(0.0)  # nothing was there to fade
            return
        self._gap += 1
        if self._taken:
            self._taken.popleft()

    def _rewind(self, frames: int) -> None:
        for _ in range(min(frames, len(self._taken))):
            again = self._taken.pop()
            self._frames.appendleft(again)
            self.played -= len(again.samples)
            self._empty.clear()

    def _wake(self) -> None:
        if len(self._frames) <= self._refill_at:
            self._room.set()
        if not self._frames:
            self._empty.set()

    def _tell(self, listener: Callable[[Frame], None], frame: Frame) -> None:
        try:
            listener(frame)
        except Exception:
            # A fault in a watcher must not cost the caller the voice.
            log.exception("A listener to the outgoing audio failed and is no longer called.")
            self._taps = tuple(each for each in self._taps if each is not listener)
