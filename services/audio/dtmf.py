"""Telephone keys as tones in the sound (ITU-T Q.23): making them, and hearing them by the limits of ITU-T Q.24.

A key is two sines, one of a low and one of a high group. They are heard by a Goertzel bank in windows of 15 ms, one
each 10 ms. Three in a row must hold the same pair and little else, so a tone of 40 ms is always heard and one below 23
ms never; three without it end the key, so a pause of 40 ms parts two keys and a hole of 20 ms does not. How the phase
runs on from window to window tells the frequency itself, to a few Hz: that, and how little else there is, keeps speech
out.
"""

from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from math import atan2, pi, remainder, sin

import numpy as np
from numpy.typing import NDArray

from services.audio.frame import Frame, Samples
from services.errors import AudioError

LOW = (697, 770, 852, 941)
HIGH = (1209, 1336, 1477, 1633)
LAYOUT = ("123A", "456B", "789C", "*0#D")
KEYS = frozenset("".join(LAYOUT))

WINDOW_SECONDS, HOP_SECONDS = 0.015, 0.010
HITS = 3
MISSES = 3
PURITY = 0.75
"""Least part of the energy that the two tones make up; speech has its harmonics beside them."""
_CRUDE_PURITY = 0.35  # before the loss of a tone beside its nominal frequency is known: at most 2.3 dB in a window
TOLERANCE = 0.022
"""Part of the nominal frequency: 1.5 % must be heard, 3.5 % must not."""
MOST_LOW_ABOVE, MOST_HIGH_ABOVE = 10.0, 7.0  # dB of twist; Q.24 asks for 8 and 4
LEAST_DBFS = -45.0
"""Level of the whole signal. Q.24 asks for -25 dBm0 a tone, some -31 dBFS, but a modem's gain is not known."""
_FADED = 0.1  # of the key's loudest window: what rings on after a key, or comes back as its echo, is not the key
_FORGOTTEN = 0.9  # of that loudness a window after the key: in a second a key may be as soft as it likes
_TELLING = 4.0  # the tone stands 6 dB above the others of its group


def dtmf_tones(
    keys: str, rate: int, *, tone_seconds: float = 0.1, pause_seconds: float = 0.1, level_dbfs: float = -14.0
) -> Samples:
    """Return the keys as sound: (n,) int16 at `rate` Hz, each followed by its pause.

    `level_dbfs` is the RMS level of the low tone, the high one is 2 dB stronger (the line takes that off again). Tones
    rise and fall over 2 ms. Raises AudioError for a character that is no key.
    """
    if not KEYS.issuperset(keys):
        raise AudioError(f"{keys!r} holds characters that are no telephone keys.", "Use 0-9, *, # and A-D.")
    seconds = np.arange(round(tone_seconds * rate)) / rate
    edge = np.clip(np.minimum(seconds, seconds[::-1]) / 0.002, 0, 1)
    shape = 32_768 * 2**0.5 * 10 ** (level_dbfs / 20) * (0.5 - 0.5 * np.cos(pi * edge))
    pause = np.zeros(round(pause_seconds * rate), np.int16)
    parts: list[Samples] = [np.zeros(0, np.int16)]
    for key in keys:
        low, high = frequencies(key)
        tone = np.sin(2 * pi * low * seconds) + 10 ** (2 / 20) * np.sin(2 * pi * high * seconds)
        parts += [np.clip(np.rint(shape * tone), -32_768, 32_767).astype(np.int16), pause]
    return np.concatenate(parts)


def frequencies(key: str) -> tuple[int, int]:
    """Return the two frequencies of a key in Hz."""
    row = next(index for index, keys in enumerate(LAYOUT) if key in keys)
    return LOW[row], HIGH[LAYOUT[row].index(key)]


@dataclass(frozen=True, slots=True)
class _Hit:
    """One window that a pair of tones dominates: parts of its energy and phases (radians) of the low and high tone."""

    low: int
    high: int
    energy: float
    parts: tuple[float, float]
    phases: tuple[float, float]


class DtmfDetector:
    """Hears the keys in one stream of frames at `rate` Hz (a multiple of 400); about 10 us a frame at 8 kHz."""

    def __init__(self, rate: int) -> None:
        if rate % 400:
            raise AudioError(f"Telephone keys cannot be heard at {rate} Hz.", "Use a line of 8000 or 16000 Hz.")
        self._rate = rate
        self._window = round(WINDOW_SECONDS * rate)
        self._hop = round(HOP_SECONDS * rate)
        self._bank = _bank(rate, self._window, self._hop)
        self._buffer: NDArray[np.float32] = np.zeros(len(self._bank), np.float32)
        self._least = self._window * (32_768 * 10 ** (LEAST_DBFS / 20)) ** 2
        self._hits: deque[_Hit] = deque(maxlen=HITS)
        self._held = ""  # the key that was reported and still sounds
        self._loudest = 0.0
        self._missed = 0

    def push(self, frame: Frame) -> list[str]:
        """Take the next 20 ms; return the keys that became certain in it, each once however long it is held."""
        buffer, size = self._buffer, len(frame.samples)
        buffer[:-size] = buffer[size:]
        buffer[-size:] = frame.samples
        early, late = buffer[: self._window], buffer[self._hop : self._hop + self._window]
        energies = float(early @ early), float(late @ late)
        if max(energies) < self._least:
            self._miss()
            self._miss()
            return []
        spectrum = buffer @ self._bank
        values, powers = spectrum.tolist(), (spectrum * spectrum).tolist()
        keys = []
        for at, energy in ((0, energies[0]), (16, energies[1])):
            hit = self._pair(values[at : at + 16], powers[at : at + 16], energy)
            if hit is None:
                self._miss()
            elif key := self._take(hit):
                keys.append(key)
        return keys

    def _pair(self, values: list[float], powers: list[float], energy: float) -> _Hit | None:
        """Return the pair of tones that this window consists of, if it does; eight pairs (cosine, sine) each."""
        if energy < max(self._least, self._loudest * _FADED):
            return None
        power = [real + imaginary for real, imaginary in zip(powers[::2], powers[1::2], strict=True)]
        low, high = max(power[:4]), max(power[4:])
        scale = 2 / (self._window * energy)  # a sine fills its window: |X|^2 = window / 2 * energy
        if (low + high) * scale < _CRUDE_PURITY:
            return None
        if _TELLING * sorted(power[:4])[2] > low or _TELLING * sorted(power[4:])[2] > high:
            return None
        row, column = power.index(low), power.index(high, 4)
        phases = atan2(values[2 * row + 1], values[2 * row]), atan2(values[2 * column + 1], values[2 * column])
        return _Hit(row, column - 4, energy, (low * scale, high * scale), phases)

    def _take(self, hit: _Hit) -> str:
        """Count a window for its key; return the key when that makes it certain."""
        key = LAYOUT[hit.low][hit.high]
        if key == self._held:
            self._missed = 0
            self._loudest = max(self._loudest, hit.energy)
            return ""
        if self._hits and (self._hits[-1].low, self._hits[-1].high) != (hit.low, hit.high):
            self._hits.clear()
        self._hits.append(hit)
        if len(self._hits) < HITS or not self._certain():
            return ""
        self._held, self._missed = key, 0
        self._loudest = max(each.energy for each in self._hits)
        return key

    def _miss(self) -> None:
        self._hits.clear()
        self._missed += 1
        if self._missed >= MISSES:
            self._held = ""
            self._loudest *= _FORGOTTEN

    def _certain(self) -> bool:
        """Judge the last windows: both tones at their frequencies, little beside them, neither far above the other."""
        parts = []
        for group, nominal in ((0, LOW[self._hits[0].low]), (1, HIGH[self._hits[0].high])):
            phases = [hit.phases[group] for hit in self._hits]
            steps = [after - before for before, after in pairwise(phases)]
            turns = [remainder(step / (2 * pi) - nominal * HOP_SECONDS, 1.0) for step in steps]
            aside = sum(turns) / len(turns) / HOP_SECONDS  # Hz
            if abs(aside) > TOLERANCE * nominal:
                return False
            heard = sum(hit.parts[group] for hit in self._hits) / len(self._hits)
            parts.append(heard / _response(aside * WINDOW_SECONDS))
        low, high = parts
        if not 10 ** (-MOST_LOW_ABOVE / 10) <= high / low <= 10 ** (MOST_HIGH_ABOVE / 10):
            return False
        return low + high >= PURITY


def _bank(rate: int, window: int, hop: int) -> NDArray[np.float32]:
    """The transform of both windows of a frame at the eight frequencies: (window + hop, 2 * 8 * 2)."""
    bank = np.zeros((window + hop, 2, 8, 2))
    angles = 2 * pi * np.outer(np.arange(window), LOW + HIGH) / rate
    for index in range(2):
        bank[index * hop : index * hop + window, index] = np.stack((np.cos(angles), -np.sin(angles)), axis=-1)
    flat: NDArray[np.float32] = bank.reshape(window + hop, 32).astype(np.float32)
    return flat


def _response(aside: float) -> float:
    """Power of a rectangular window's transform `aside` bins from a tone."""
    return (sin(pi * aside) / (pi * aside)) ** 2 if abs(aside) > 1e-6 else 1.0
