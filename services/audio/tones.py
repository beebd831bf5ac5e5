"""Steady tones on a telephone line: ringback, busy, a voicemail's beep, a fax; heard, and told apart.

Windows of 80 ms, one each 20 ms, under a Hann window: a spectrum that is one or two lines and little else is a tone,
as long as its lines stay where they are and as loud. Speech does not hold that for a quarter of a second, music rarely.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.audio.frame import FRAME_SECONDS, Frame, frame_samples

LOWEST, HIGHEST = 350.0, 2_200.0
SHORTEST_SECONDS = 0.25
PURITY = 0.9
"""Least part of the energy that lies in the lines of a tone: 10 dB of noise."""
LEAST_DBFS = -45.0
STEADY_HZ = 10.0
_WINDOW_SECONDS = 0.08
_STEADY_POWER = 4.0  # 6 dB
_LINE = 2  # a line under a Hann window is two bins wide to each side
_ROUNDING_HZ = 3.0
_LEAST_SECOND = 0.05  # -13 dB: a second line below that is an overtone or noise
_PATIENCE = 2  # windows beside a tone that end it
_KEPT = 100


@dataclass(frozen=True, slots=True)
class Tone:
    """A tone that has ended: `frequency` in Hz, and `second`, the higher of two, or 0.0 for a single one.

    `seconds` is how long it lasted, `ended` when it ended, in seconds of the stream; both are true to 0.03 s.
    """

    frequency: float
    second: float
    seconds: float
    ended: float


class Signal(StrEnum):
    """What a tone means."""

    RINGBACK = "ringback"
    BUSY = "busy"
    UNOBTAINABLE = "unobtainable"
    FAX = "fax"
    BEEP = "beep"
    UNKNOWN = "unknown"


class ToneDetector:
    """Hears the tones of 350 to 2200 Hz in one stream at `rate` Hz that last a quarter of a second or more."""

    def __init__(self, rate: int) -> None:
        size = round(_WINDOW_SECONDS * rate)
        self._window: NDArray[np.float32] = np.hanning(size).astype(np.float32)
        self._buffer: NDArray[np.float32] = np.zeros(size, np.float32)
        self._hertz = rate / size
        self._least = frame_samples(rate) * (32_768 * 10 ** (LEAST_DBFS / 20)) ** 2
        self._run: list[tuple[float, float]] = []  # the frequencies of its first windows
        self._windows = 0
        self._power = 0.0
        self._beside = 0

    def push(self, frame: Frame) -> Tone | None:
        """Take the next 20 ms; return the tone that ended, some 60 ms ago."""
        samples = frame.samples.astype(np.float32)
        size = len(samples)
        self._buffer[:-size] = self._buffer[size:]
        self._buffer[-size:] = samples
        lines, power = None, 0.0
        if self._run or float(samples @ samples) > self._least:  # most of a call costs no transform
            lines, power = self._lines()
        if lines and self._run and self._continues(lines, power):
            if len(self._run) < _KEPT:
                self._run.append(lines)
            self._windows += 1
            self._power = max(self._power, power)
            self._beside = 0
            return None
        self._beside += 1
        if self._run and self._beside < _PATIENCE:
            return None
        tone = self._ended(frame)
        self._run, self._power, self._beside = [lines] if lines else [], power, 0
        self._windows = len(self._run)
        return tone

    def _lines(self) -> tuple[tuple[float, float] | None, float]:
        """Return the one or two frequencies that the window consists of, or None, and its power."""
        spectrum = np.fft.rfft(self._buffer * self._window)
        powers = spectrum.real**2 + spectrum.imag**2
        total = float(powers.sum())
        if total <= 0:
            return None, 0.0
        first = int(powers.argmax())
        frequency = self._frequency(powers, first)
        heard = _take_line(powers, first)
        if not LOWEST - _ROUNDING_HZ <= frequency <= HIGHEST + _ROUNDING_HZ:
            return None, total
        if heard >= PURITY * total:
            return (frequency, 0.0), total
        other = int(powers.argmax())
        second = self._frequency(powers, other)
        also = _take_line(powers, other)
        if heard + also < PURITY * total or also < _LEAST_SECOND * heard:
            return None, total
        return (min(frequency, second), max(frequency, second)), total

    def _frequency(self, powers: NDArray[np.floating[Any]], index: int) -> float:
        """Return the frequency of the line at `index`, between the bins by a parabola through the decibels."""
        if not 0 < index < len(powers) - 1:
            return index * self._hertz
        left, middle, right = (math.log(max(float(power), 1e-9)) for power in powers[index - 1 : index + 2])
        bend = left - 2 * middle + right
        return (index + (0.5 * (left - right) / bend if bend < -1e-6 else 0.0)) * self._hertz

    def _continues(self, lines: tuple[float, float], power: float) -> bool:
        steady = all(
            abs(now - was) <= STEADY_HZ for now, was in zip(lines, self._run[len(self._run) // 2], strict=True)
        )
        return steady and power * _STEADY_POWER >= self._power

    def _ended(self, frame: Frame) -> Tone | None:
        # A window counts while about half of it is filled: as many do as frames were filled, less a half on average.
        seconds = (self._windows + 0.5) * FRAME_SECONDS
        if seconds < SHORTEST_SECONDS:
            return None
        first, second = (float(np.median(values)) for values in zip(*self._run, strict=True))
        ended = frame.end / frame.rate - _WINDOW_SECONDS / 2 - (_PATIENCE - 1) * FRAME_SECONDS
        return Tone(round(first, 1), round(second, 1), round(seconds, 2), round(ended, 2))


def classify(tones: Sequence[Tone]) -> Signal:
    """Say what the last of the tones means, by its frequency and by the cadence of those before it.

    Ringback: 425 Hz for 0.7 s or more (most of the world), 400+450 (United Kingdom), 440+480 (North America). Busy: the
    same single tone short and again after as short a pause, or 480+620. The three rising special information tones
    before an announcement that a number cannot be reached: 950, 1400, 1800 Hz (ITU-T E.180). A fax calls with 1100 Hz
    every three seconds and answers with 2100 Hz (ITU-T T.30). A lone tone of another pitch is a beep; one at 425 Hz of
    a voicemail would be taken for ringback, which after an answer it cannot be.
    """
    if not tones:
        return Signal.UNKNOWN
    last = tones[-1]
    if last.second:
        heard = last.frequency, last.second
        return next((signal for pair, signal in _PAIRS.items() if _near(heard, pair)), Signal.UNKNOWN)
    if len(tones) >= 3 and _near([tone.frequency for tone in tones[-3:]], (950, 1_400, 1_800), 50):
        return Signal.UNOBTAINABLE
    again = len(tones) >= 2 and _near((tones[-2].frequency,), (last.frequency,)) and not tones[-2].second
    pause = last.ended - last.seconds - tones[-2].ended if again else 0.0
    if 390 <= last.frequency <= 460:
        if last.seconds >= 0.7:
            return Signal.RINGBACK if last.seconds <= 3 else Signal.UNKNOWN
        return Signal.BUSY if again and pause <= 0.7 and abs(pause - last.seconds) < 0.15 else Signal.UNKNOWN
    answering = _near((last.frequency,), (2_100,)) and last.seconds >= 2
    calling = _near((last.frequency,), (1_100,), 38) and 2 < pause < 4
    if answering or calling:
        return Signal.FAX
    return Signal.BEEP if last.seconds <= 2 else Signal.UNKNOWN


_PAIRS = {
    (440.0, 480.0): Signal.RINGBACK,
    (400.0, 450.0): Signal.RINGBACK,
    (480.0, 620.0): Signal.BUSY,
}


def _near(heard: Sequence[float], expected: Sequence[float], tolerance: float = 15) -> bool:
    return all(abs(a - b) <= tolerance for a, b in zip(heard, expected, strict=True))


def _take_line(powers: NDArray[np.floating[Any]], index: int) -> float:
    """Return the power of the line at `index` and take it out of the spectrum."""
    line = powers[max(0, index - _LINE) : index + _LINE + 1]
    power = float(line.sum())
    line[:] = 0
    return power
