"""The linear part of an echo, learned and subtracted: what a caller says over it comes out unharmed.

A frequency-domain adaptive filter with overlap-save and gradient constraint (J. J. Shynk, "Frequency-domain and
multirate adaptive filtering", IEEE Signal Processing Magazine, 1992), one block a frame. It is short, 32 ms, because
the delay of the line is known; it learns only where it is told to, from frames that hold echo and nothing else, which
is all the protection against double-talk that it needs.
"""

import numpy as np
from numpy.typing import NDArray

from services.audio.frame import Samples, frame_samples

_SECONDS = 0.032
_BEFORE = 0.008  # of which so much lies before the delay that the correlation found
_STEP = 0.25  # of the way to the best filter for one frame
_MEMORY = 0.8  # of the spectrum that the step is measured by, from frame to frame
_FLOOR = 0.01  # of the mean power: frequencies that hold next to nothing teach nothing


class EchoFilter:
    """Models one line. `before`: samples of the model that lie before the delay; `size`: samples that it is given."""

    def __init__(self, rate: int) -> None:
        self._block = frame_samples(rate)
        self._taps = round(_SECONDS * rate)
        self.before = round(_BEFORE * rate)
        self.size = 1 << (self._block + self._taps - 1).bit_length()
        self._weights: NDArray[np.complex128] = np.zeros(self.size // 2 + 1, np.complex128)
        self._power: NDArray[np.float64] | None = None

    def forget(self) -> None:
        """Begin anew: the line has changed."""
        self._weights[:] = 0
        self._power = None

    def subtract(self, heard: Samples, played: Samples, learn: bool) -> Samples:
        """Return one frame of `heard` without its echo.

        `played`: the last `size` samples played, up to the end of the frame less the delay, plus `before`.
        """
        spectrum = np.fft.rfft(played)
        left: NDArray[np.float64] = heard - np.fft.irfft(spectrum * self._weights, self.size)[-self._block :]
        if learn:
            self._learn(spectrum, left)
        return np.clip(np.rint(left), -32_768, 32_767).astype(np.int16)

    def _learn(self, spectrum: NDArray[np.complex128], left: NDArray[np.float64]) -> None:
        power = spectrum.real**2 + spectrum.imag**2
        self._power = power if self._power is None else _MEMORY * self._power + (1 - _MEMORY) * power
        error = np.zeros(self.size)
        error[-self._block :] = left
        scale = self._power + _FLOOR * power.mean() + self.size
        gradient = np.fft.irfft(np.conj(spectrum) * np.fft.rfft(error) / scale, self.size)
        gradient[self._taps :] = 0
        self._weights += _STEP * np.fft.rfft(gradient)
