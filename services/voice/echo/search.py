"""Is the line's own voice coming back, and how late? Normalised cross-correlation of what was played and what is heard.

For a window m of the caller's stream and the played samples f that lie `lag` before it, the likeness is

    <m, f_lag> / sqrt(<m, m> <f_lag, f_lag>),

1 for a copy at any level. All lags are computed at once by FFT (J. P. Lewis, "Fast Normalized Cross-Correlation", 1995:
the energies by a running sum). Both streams are brought to 4 kHz and differenced first, which flattens the spectrum of
speech: otherwise two voices of one pitch look alike. Two unrelated voices reach 0.6 in one window of a hundred; an echo
through A-law or the GSM full-rate codec 0.85 and more.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.audio.frame import Frame
from services.voice.echo.history import History

Signal = NDArray[np.float32]

RATE = 4000
WINDOW = 640  # samples of 4 kHz: 160 ms, several phonemes' beginnings and ends
LONGEST = 2400  # 600 ms: a mobile network both ways and an exchange between
_NARROW = (80, 240)  # 20 and 60 ms
_APART = 100  # 25 ms, more than two periods of any voice
_SLACK = 3  # samples beside the lag: it is no whole number, and a codec smears it
_KEPT = 2 * (LONGEST + WINDOW)


@dataclass(frozen=True, slots=True)
class Match:
    """The best lag of one window, in samples of the line's rate, and how alike the signals are there."""

    likeness: float
    lag: int
    rival: float
    """The likeness at another lag, over 25 ms away: near the best where the sound repeats itself, as a tone does."""


class EchoSearch:
    """Both streams of one call at 4 kHz. `rate` is the line's: 8000 or 16000; positions are the line's too."""

    def __init__(self, rate: int) -> None:
        self._step = rate // RATE
        self._played = _Thinned(self._step)
        self._heard = _Thinned(self._step)

    def played(self, frame: Frame) -> None:
        """Take a frame of the line's output."""
        self._played.write(frame)

    def heard(self, frame: Frame) -> None:
        """Take a frame of the caller's."""
        self._heard.write(frame)

    def match(self) -> Match:
        """Compare the last 160 ms heard with what was played up to 600 ms earlier (about 0.1 ms of work)."""
        end = self._heard.history.end
        heard = self._heard.history.read(end - WINDOW, WINDOW)
        played = self._played.history.read(end - WINDOW - LONGEST, WINDOW + LONGEST)
        size = WINDOW + LONGEST + 32  # 3072, a product of 2 and 3
        products = np.fft.irfft(np.fft.rfft(played, size) * np.conj(np.fft.rfft(heard, size)), size)[: LONGEST + 1]
        sums = np.zeros(len(played) + 1)
        np.cumsum(np.square(played), out=sums[1:])
        energies = sums[WINDOW:] - sums[:-WINDOW]
        # A hundredth of the loudest stretch is added, so that the noise between words is like nothing.
        energies += 0.01 * float(energies.max()) + 1.0
        alike = products / np.sqrt(energies * (float(heard @ heard) + 1.0))
        best = int(np.argmax(alike))
        likeness = float(alike[best])
        alike[max(best - _APART, 0) : best + _APART + 1] = 0.0
        return Match(likeness, (LONGEST - best) * self._step, float(alike.max()))

    def likeness(self, lag: int) -> float:
        """How much the last 60 ms heard, and the last 20 ms alone, are what was played `lag` samples earlier.

        The lesser of the two (some 20 microseconds): the shorter notices another voice at once, the longer is sure.
        """
        return min(self._likeness(lag, size) for size in _NARROW)

    def _likeness(self, lag: int, size: int) -> float:
        end = self._heard.history.end
        heard = self._heard.history.read(end - size, size)
        first = end - size - round(lag / self._step) - _SLACK
        played = self._played.history.read(first, size + 2 * _SLACK)
        energy = float(heard @ heard) * float(played @ played)
        return float(np.correlate(played, heard).max()) / math.sqrt(energy) if energy > 0 else 0.0


class _Thinned:
    """One stream at 4 kHz, differenced: means of neighbouring samples are filter enough where only likeness counts."""

    def __init__(self, step: int) -> None:
        self._step = step
        self._last: np.float32 = np.float32(0)
        self.history: History[np.float32] = History(_KEPT, np.float32)

    def write(self, frame: Frame) -> None:
        thin: Signal = frame.samples.reshape(-1, self._step).mean(1, dtype=np.float32)
        position = frame.position // self._step
        before = self._last if position == self.history.end else thin[0]
        self._last = thin[-1]
        self.history.write(position, np.diff(thin, prepend=before))
