"""The caller's side of a line: a microphone, and an ear that knows when what was heard."""

import asyncio
import wave
from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.conversation.workload import FRAME_SAMPLES, FRAME_SECONDS, until

LEAD = 0.06  # seconds a sender that keeps the line's pace may be ahead of the ear


Sound = NDArray[np.int16]

VOICE: Sound = np.full(FRAME_SAMPLES, 8000, np.int16)
VOICE_BYTES = VOICE.tobytes()


@dataclass(frozen=True)
class Sounds:
    """What the microphone gives, frame by frame, over and over: the caller's speech, and what lies between."""

    speech: list[Sound]
    room: list[Sound]


SIMPLE = Sounds([VOICE], [np.zeros(FRAME_SAMPLES, np.int16)])
"""For ears that decide the turn: any sound, and silence."""


def recorded() -> Sounds:
    """Return a second and a half of speech without a pause, and the noise of a room at -58 dBFS.

    The noise is loud enough that no detector's gate closes, so a voice activity model is asked about each window.
    """
    with wave.open(str(Path(__file__).resolve().parents[2] / "tests" / "speech" / "long-rms.wav")) as file:
        narrow = np.frombuffer(file.readframes(file.getnframes()), np.int16)[round(1.05 * 8000) : round(2.55 * 8000)]
    steps = np.arange(2 * len(narrow)) / 2
    wide = np.interp(steps, np.arange(len(narrow)), narrow).astype(np.int16)
    noise = np.random.default_rng(0).normal(0, 40, 50 * FRAME_SAMPLES).astype(np.int16)
    return Sounds(list(wide.reshape(-1, FRAME_SAMPLES)), list(noise.reshape(-1, FRAME_SAMPLES)))


class FarEnd:
    """One caller's line, the same for every contender.

    The rule of the line: a frame that is handed to it while it is idle is heard at that instant, one that is handed
    while others wait is heard after them. So `first_sound` is the instant at which the first non-silent frame was
    handed over, and shows the pipeline alone, not the phase of a 20 ms tick. A gap is the time for which the ear ran
    dry inside a reply. A sender may be ahead as far as it likes; `discard` drops what has not been heard.
    """

    sounds = SIMPLE

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
        """Take a frame from the pipeline; one of silence is not heard."""
        if not any(samples):
            return
        now = self._loop.time()
        if self.first_sound is None:
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

    async def microphone(self) -> AsyncGenerator[Sound, None]:
        """Give the caller's frames, one every 20 ms on an absolute schedule, until the caller hangs up."""
        due, number, spoke = self._loop.time(), 0, False
        while not self.closed.is_set():
            if not self.muted:
                number, spoke = (0 if self.speaking and not spoke else number + 1), self.speaking
                sounds = self.sounds.speech if spoke else self.sounds.room
                yield sounds[number % len(sounds)]
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
