"""Changing the sample rate of a live stream while holding back as little of it as the filter allows.

One linear-phase FIR per pair of rates, in polyphase form: output sample m stands at input time m * from / to, and is a
weighted sum of the `2 * half` input samples around it. The kernel is a windowed sinc with a Kaiser window

    h(t) = 2 fc sinc(2 fc t) * I0(beta * sqrt(1 - (t / reach)^2)) / I0(beta)

centred on half the lower rate (fc), with Kaiser's own design formulas for the length and beta (J. F. Kaiser, 1974;
Oppenheim and Schafer, Discrete-Time Signal Processing, section 7.6). Towards 8 kHz the band to 3.4 kHz passes, from
4.6 kHz everything is 70 dB down, and the kernel reaches 1.8 ms to each side: that is all that is ever withheld.

Weights are whole multiples of 2**-24. Every product with an int16 sample, and every sum of them, is then exact in a
float64, so neither the order of summation (BLAS, SIMD, the platform) nor the chunking can change a single bit.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, gcd, pi

import numpy as np
from numpy.typing import NDArray

from services.audio.frame import Samples
from services.errors import AudioError

TRANSITION = 0.15
"""Width of the transition band as a part of the lower rate: 3.4 to 4.6 kHz where that is 8 kHz."""

ATTENUATION_DB = 70.0

LOWEST_RATE, HIGHEST_RATE = 4_000, 384_000

_WEIGHT_SCALE = float(1 << 24)
_LARGEST_BANK = 2_000_000
_OUTPUTS_AT_ONCE = 2_048


@dataclass(frozen=True, slots=True)
class _Bank:
    """The filter of one pair: `weights` has a row of `2 * half` taps for each of the `up` phases."""

    up: int
    down: int
    half: int
    weights: NDArray[np.float64]


@lru_cache(maxsize=64)
def _bank(from_rate: int, to_rate: int) -> _Bank:
    common = gcd(from_rate, to_rate)
    up, down = to_rate // common, from_rate // common
    low = min(from_rate, to_rate)
    reach = (ATTENUATION_DB - 7.95) / (2 * 2.285 * 2 * pi * TRANSITION * low)  # seconds to each side
    half = ceil(reach * from_rate)
    if up * 2 * half > _LARGEST_BANK:
        raise AudioError(
            f"Audio of {from_rate} Hz cannot be brought to {to_rate} Hz: the two rates have too little in common.",
            "Save the sound at 16000, 44100 or 48000 Hz.",
        )
    beta = 0.1102 * (ATTENUATION_DB - 8.7)
    offsets = np.arange(1 - half, half + 1) - np.arange(up)[:, None] / up
    seconds = offsets / from_rate
    window = np.i0(beta * np.sqrt(np.clip(1 - (seconds / reach) ** 2, 0, None))) * (np.abs(seconds) <= reach)
    weights = np.sinc(low * seconds) * window
    # Each phase sums to exactly one: silence stays silence and a constant stays that constant, without a ripple
    # of the phases.
    weights = np.rint(weights / weights.sum(axis=1, keepdims=True) * _WEIGHT_SCALE)
    largest = np.abs(weights).argmax(axis=1)
    weights[np.arange(up), largest] += _WEIGHT_SCALE - weights.sum(axis=1)
    weights /= _WEIGHT_SCALE
    weights.setflags(write=False)
    return _Bank(up, down, half, weights)


class StreamingResampler:
    """Brings one mono stream from `from_rate` to `to_rate`, chunk by chunk.

    Output is aligned with input (sample m of the output is the sound at m / to_rate seconds, nothing is shifted), and
    the same whatever the chunking, bit for bit. Equal rates pass through untouched. Raises AudioError for rates that
    are out of range or have too little in common.
    """

    def __init__(self, from_rate: int, to_rate: int) -> None:
        for rate in (from_rate, to_rate):
            if not LOWEST_RATE <= rate <= HIGHEST_RATE:
                raise AudioError(f"A sample rate of {rate} Hz is outside {LOWEST_RATE} to {HIGHEST_RATE} Hz.")
        self.from_rate = from_rate
        self.to_rate = to_rate
        self._bank = None if from_rate == to_rate else _bank(from_rate, to_rate)
        self._buffer: NDArray[np.float64]
        self._start: int  # input position of the first sample in the buffer
        self._taken: int
        self._made: int
        self._reset()

    @property
    def withheld(self) -> int:
        """Input samples that must follow an instant before its output comes out (0 for equal rates)."""
        return self._bank.half if self._bank else 0

    @property
    def delay_seconds(self) -> float:
        """The same as `withheld`, in seconds: what the resampler adds to the delay of a live line."""
        return self.withheld / self.from_rate

    def process(self, samples: Samples) -> Samples:
        """Take a chunk of any size, (n,) int16 at `from_rate`; return all output that is now certain, maybe none."""
        if samples.ndim != 1 or samples.dtype != np.int16:
            raise AudioError(f"Expected mono 16-bit audio, got {samples.dtype} of shape {samples.shape}.")
        if self._bank is None:
            return samples
        self._taken += len(samples)
        self._buffer = np.concatenate((self._buffer, samples.astype(np.float64)))
        return self._make(self._bank, self._certain(self._bank))

    def flush(self) -> Samples:
        """Return the tail, as if silence followed; the resampler is then ready for a new stream.

        In all, n input samples give round(n * to_rate / from_rate) output samples.
        """
        if self._bank is None:
            return np.zeros(0, np.int16)
        bank = self._bank
        total = (2 * self._taken * bank.up + bank.down) // (2 * bank.down)
        self._buffer = np.concatenate((self._buffer, np.zeros(bank.half)))
        tail = self._make(bank, total)
        self._reset()
        return tail

    def _reset(self) -> None:
        lead = self._bank.half - 1 if self._bank else 0
        self._buffer = np.zeros(lead)
        self._start = -lead
        self._taken = 0
        self._made = 0

    def _certain(self, bank: _Bank) -> int:
        """How many outputs, counted from the start, need no input that has not come yet."""
        reachable = self._taken - bank.half
        return (reachable * bank.up - 1) // bank.down + 1 if reachable > 0 else 0

    def _make(self, bank: _Bank, until: int) -> Samples:
        if until <= self._made:
            return np.zeros(0, np.int16)
        windows = np.lib.stride_tricks.sliding_window_view(self._buffer, 2 * bank.half)
        made = np.empty(until - self._made, np.int16)
        for first in range(self._made, until, _OUTPUTS_AT_ONCE):
            last = min(first + _OUTPUTS_AT_ONCE, until)
            instants = np.arange(first, last, dtype=np.int64) * bank.down
            index = instants // bank.up - (bank.half - 1) - self._start
            if bank.up == 1:
                values = windows[index[0] : index[-1] + 1 : bank.down] @ bank.weights[0]
            else:
                values = np.einsum("ij,ij->i", windows[index], bank.weights[instants % bank.up])
            made[first - self._made : last - self._made] = np.clip(np.rint(values), -32768, 32767)
        self._made = until
        keep_from = until * bank.down // bank.up - (bank.half - 1)
        self._buffer = self._buffer[max(keep_from - self._start, 0) :].copy()
        self._start = max(keep_from, self._start)
        return made


def resample(samples: Samples, from_rate: int, to_rate: int) -> Samples:
    """Bring a whole (n,) int16 array to another rate: round(n * to_rate / from_rate) samples, aligned, a new array."""
    resampler = StreamingResampler(from_rate, to_rate)
    step = 10 * from_rate  # a copy in float64 of a whole hour would be large
    parts = [resampler.process(samples[start : start + step]) for start in range(0, len(samples), step)]
    return np.concatenate([*parts, resampler.flush()]) if parts else np.zeros(0, np.int16)
