"""The other person's end of the line: a mouth, an ear, and a recording of both on one clock."""

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from telephony.simulator.log import SimulatorError
from telephony.simulator.person.resample import Samples
from telephony.simulator.person.tones import CHUNK, RATE, dtmf

CHUNK_SECONDS = CHUNK / RATE

SPEECH_LIMIT = 15 * 60 * RATE
RECORDING_LIMIT = 2 * 60 * 60 * RATE // CHUNK
NOISE_FLOOR = 3

AUDIBLE = 184
"""A sample this large is sound and no noise floor: -45 dBFS."""


@dataclass(frozen=True, slots=True)
class HeardChunk:
    """20 ms (160 samples, int16, 8 kHz) that began to play at `at` seconds of `time.monotonic()`."""

    at: float
    samples: Samples


def first_audible(samples: Samples) -> int | None:
    """Index of the first sample of sound, None when all is silence."""
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) >= AUDIBLE)
    return int(loud[0]) if loud.size else None


def speech_end(samples: Samples) -> int:
    """Index just after the last sample of speech, so that a recording's own trailing silence does not count.

    Speech is what is above -45 dBFS and above -40 dB of the recording's own peak; 0 when all is silence.
    """
    size = np.abs(samples.astype(np.int32))
    threshold = max(AUDIBLE, int(size.max(initial=0)) // 100)
    loud = np.flatnonzero(size >= threshold)
    return int(loud[-1]) + 1 if loud.size else 0


class FarEnd:
    """Positions count samples at 8 kHz from the answer, which is `started_at` on `time.monotonic()`."""

    def __init__(self, seed: int) -> None:
        noise = np.random.default_rng(random.Random(seed).getrandbits(32))  # noqa: S311 - noise, not a secret
        self._noise = noise.integers(-NOISE_FLOOR, NOISE_FLOOR, RATE, dtype=np.int16, endpoint=True)
        self._speech: deque[Samples] = deque()
        self._queued = 0
        self._tones: deque[Samples] = deque()
        self._sent: list[Samples] = []
        self._generated = 0
        self._listeners: list[Callable[[HeardChunk], None]] = []
        self.heard: list[HeardChunk] = []
        self.started_at: float | None = None

    def start(self, at: float) -> None:
        """The call was answered at `at`; nothing can be heard in the first chunk's time, it is still on its way."""
        self.started_at = at
        self.hear(np.zeros(CHUNK, np.int16), at)

    def time_of(self, position: int) -> float:
        """When the sample at `position` passes, on `time.monotonic()`. Raises SimulatorError before the answer."""
        if self.started_at is None:
            raise SimulatorError("The call has not been answered yet.")
        return self.started_at + position / RATE

    def speak(self, samples: Samples) -> int:
        """Queue int16 speech at 8 kHz; return the position at which it will begin. At most 15 minutes wait."""
        if samples.dtype != np.int16 or samples.ndim != 1:
            raise SimulatorError("Speech for the line is a one-dimensional array of int16 at 8 kHz.")
        if self.started_at is None:
            raise SimulatorError("Nobody speaks before the call is answered.")
        if self._queued + samples.size > SPEECH_LIMIT:
            raise SimulatorError("More than 15 minutes of speech are waiting to be spoken.")
        begins = self._generated + self._queued
        self._speech.append(samples)
        self._queued += samples.size
        return begins

    def play_tone(self, key: str) -> None:
        """The host sent a digit: its tone is heard here over whatever else plays."""
        tone = dtmf(key)
        tone = np.concatenate([tone, np.zeros(-tone.size % CHUNK, np.int16)])
        self._tones.extend(np.split(tone, tone.size // CHUNK))

    def next_chunk(self) -> Samples:
        """The next 20 ms from the mouth: queued speech, else the faint noise of a quiet room."""
        chunk = np.resize(np.roll(self._noise, -(self._generated % RATE)), CHUNK)
        filled = 0
        while self._speech and filled < CHUNK:
            head = self._speech[0]
            part = head[: CHUNK - filled]
            chunk[filled : filled + part.size] = part
            filled += part.size
            if part.size == head.size:
                self._speech.popleft()
            else:
                self._speech[0] = head[part.size :]
        self._queued -= filled
        self._generated += CHUNK
        if len(self._sent) < RECORDING_LIMIT:
            self._sent.append(chunk)
        return chunk

    def hear(self, samples: Samples, at: float) -> None:
        """20 ms reach the ear."""
        heard = HeardChunk(at, self._tones.popleft() if self._tones else samples)
        if len(self.heard) < RECORDING_LIMIT:
            self.heard.append(heard)
        for listener in self._listeners:
            listener(heard)

    def listen(self, listener: Callable[[HeardChunk], None]) -> None:
        """Call `listener` with every chunk as it is heard; it must return at once."""
        self._listeners.append(listener)

    def recording(self) -> Samples:
        """int16, shape (n, 2), 8 kHz from the answer: left what was said, right what was heard, at this end."""
        empty = np.zeros(0, np.int16)
        left = np.concatenate([empty, *self._sent])
        right = np.concatenate([empty, *(chunk.samples for chunk in self.heard)])
        length = min(left.size, right.size)
        return np.stack([left[:length], right[:length]], axis=1)
