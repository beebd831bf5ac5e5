"""The caller's side of a line: a microphone, and an ear that knows when what was heard."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from bench.conversation.workload import FRAME_SAMPLES, FRAME_SECONDS, until

LEAD = 0.06  # seconds a sender that keeps the line's pace may be ahead of the ear


def _vowel() -> NDArray[np.int16]:
    """A frame of a loud periodic sound; whole periods of 150 Hz do not fit, so it clicks a little: nobody listens."""
    phase = 2 * np.pi * 150 * np.arange(FRAME_SAMPLES) / 16_000
    return (9000 * np.sin(phase)).astype(np.int16)


LOUD = _vowel()
QUIET = np.zeros(FRAME_SAMPLES, np.int16)
VOICE = np.full(FRAME_SAMPLES, 8000, np.int16)
VOICE_BYTES = VOICE.tobytes()


class FarEnd:
    """One caller's line, the same for every contender.

    The rule of the line: a frame that is handed to it while it is idle is heard at that instant, one that is handed
    while others wait is heard after them. So `first_sound` is the instant at which the first non-silent frame was
    handed over, and shows the pipeline alone, not the phase of a 20 ms tick. A gap is the time for which the ear ran
    dry inside a reply. A sender may be ahead as far as it likes; `discard` drops what has not been heard.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.speaking = False
        self.muted = False  # the microphone gives nothing at all
        self.closed = asyncio.Event()
        self.on_transcript: Callable[[str], None] = lambda _text: None
        self.on_barge_in: Callable[[], None] | None = None
        self.barge_in_at: float | None = None
        self.over = 0.0
        self.heard_first = asyncio.Event()
        self.heard_all = asyncio.Event()
        self.expect(float("inf"))

    def expect(self, seconds: float) -> None:
        """Begin to listen to a reply of that many seconds."""
        self.first_sound: float | None = None
        self.sound = 0.0
        self.longest_gap = 0.0
        self.last_event = 0.0
        self._wanted = seconds - FRAME_SECONDS / 2
        self.heard_first.clear()
        self.heard_all.clear()

    @property
    def ahead(self) -> float:
        """Seconds of sound that were handed over and are not heard yet."""
        return self.over - self._loop.time()

    def hand(self, samples: Iterable[int], seconds: float = FRAME_SECONDS) -> None:
        """Take sound from the pipeline; silence before the first sound of a reply is no sound."""
        now = self._loop.time()
        if self.first_sound is None:
            if not any(samples):
                return
            self.first_sound = now
            self.heard_first.set()
        elif now - self.over > self.longest_gap:
            self.longest_gap = now - self.over
        self.over = max(self.over, now) + seconds
        self.sound += seconds
        self.last_event = now
        if self.sound >= self._wanted:
            self.heard_all.set()

    def discard(self) -> None:
        """Drop what has not been heard yet."""
        self.last_event = self._loop.time()
        self.over = min(self.over, self.last_event)

    async def quiet(self, seconds: float) -> None:
        """Wait until nothing has been heard for so long."""
        while self._loop.time() < self.over + seconds:
            await until(self.over + seconds)

    async def paced(self) -> None:
        """Wait until the sender is less than a frame ahead of what it may be."""
        await until(self.over - LEAD + FRAME_SECONDS)

    async def microphone(self) -> AsyncGenerator[NDArray[np.int16], None]:
        """Give the caller's frames, one every 20 ms on an absolute schedule, until the caller hangs up."""
        due = self._loop.time()
        while not self.closed.is_set():
            if not self.muted:
                yield LOUD if self.speaking else QUIET
            due += FRAME_SECONDS
            await until(due)

    def watch(self) -> None:
        """Begin to look out for a barge-in."""
        self.barge_in_at = None

    def barged_in(self) -> None:
        """Note that the pipeline was told, or found out, that the caller interrupts; the first time counts."""
        if self.barge_in_at is None:
            self.barge_in_at = self._loop.time()

    def hang_up(self) -> None:
        """End the call."""
        self.closed.set()
