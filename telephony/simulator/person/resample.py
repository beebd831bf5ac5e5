"""The simulator's own sample-rate conversion: a windowed sinc, for files whole and for 8 <-> 16 kHz chunk by chunk."""

import math

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]
ZERO_CROSSINGS = 24


def to_int16(values: NDArray[np.float64]) -> Samples:
    """Round and clip to the int16 range."""
    return np.clip(np.rint(values), -32768, 32767).astype(np.int16)


def resample(samples: NDArray[np.float64], source: int, target: int) -> NDArray[np.float64]:
    """Convert a whole recording from `source` Hz to `target` Hz.

    Each output is the sum of the inputs around it weighted by a Blackman-windowed sinc whose cut-off is 0.94 of the
    lower of the two Nyquist rates (bandlimited interpolation, J. O. Smith).
    """
    if source == target or samples.size == 0:
        return samples
    cutoff = min(1.0, target / source) * 0.94
    reach = math.ceil(ZERO_CROSSINGS / cutoff)
    length = math.ceil(samples.size * target / source)
    padded = np.concatenate([np.zeros(reach), samples, np.zeros(reach + 1)])
    result = np.empty(length)
    block = 4096  # bounds the memory of the index table, whatever the recording's length
    offsets = np.arange(-reach + 1, reach + 1)
    for start in range(0, length, block):
        position = np.arange(start, min(start + block, length)) * (source / target)
        whole = np.floor(position).astype(np.int64)
        distance = offsets[None, :] - (position - whole)[:, None]
        window = 0.42 + 0.5 * np.cos(np.pi * distance / reach) + 0.08 * np.cos(2 * np.pi * distance / reach)
        weights = cutoff * np.sinc(cutoff * distance) * window
        taken = padded[np.clip(whole[:, None] + offsets[None, :] + reach, 0, padded.size - 1)]
        result[start : start + block] = np.einsum("ij,ij->i", weights, taken)
    return result


HALF_BAND_TAPS = 47
_centre = np.arange(HALF_BAND_TAPS) - HALF_BAND_TAPS // 2
HALF_BAND: NDArray[np.float64] = 0.5 * np.sinc(_centre / 2) * np.blackman(HALF_BAND_TAPS)
HALF_BAND /= HALF_BAND.sum()


class HalfBand:
    """A running half-band filter at 16 kHz; keeps its history, so chunks join without a seam. Delay 23 samples."""

    def __init__(self) -> None:
        self._history = np.zeros(HALF_BAND_TAPS - 1)

    def double(self, samples: Samples) -> Samples:
        """8 kHz -> 16 kHz: twice as many samples."""
        spread = np.zeros(samples.size * 2)
        spread[::2] = samples
        return to_int16(2 * self._filter(spread))

    def halve(self, samples: Samples) -> Samples:
        """16 kHz -> 8 kHz: half as many samples; `samples` holds an even number."""
        return to_int16(self._filter(samples.astype(np.float64))[::2])

    def _filter(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        joined = np.concatenate([self._history, values])
        self._history = joined[-(HALF_BAND_TAPS - 1) :]
        return np.convolve(joined, HALF_BAND, mode="valid")
