"""Cutting sound that comes in chunks of any size into 20 ms frames."""

import numpy as np

from services.audio.frame import Frame, Samples, frame_samples
from services.errors import AudioError


class Framer:
    """Cuts one mono stream of `rate` Hz into frames with running positions, the first at `position`."""

    def __init__(self, rate: int, position: int = 0) -> None:
        self.rate = rate
        self._size = frame_samples(rate)
        self._position = position
        self._rest: Samples = np.zeros(0, np.int16)

    def push(self, samples: Samples) -> list[Frame]:
        """Take a chunk, (n,) int16; return the frames that are now whole."""
        if samples.ndim != 1 or samples.dtype != np.int16:
            raise AudioError(f"Expected mono 16-bit audio, got {samples.dtype} of shape {samples.shape}.")
        # Always a copy: the caller may fill its buffer again while our frames are still being listened to.
        joined = np.concatenate((self._rest, samples))
        whole = len(joined) - len(joined) % self._size
        self._rest = joined[whole:].copy()
        return [self._frame(joined[start : start + self._size]) for start in range(0, whole, self._size)]

    def flush(self) -> list[Frame]:
        """Return the begun frame padded with silence, or nothing when there is none; positions run on."""
        if not len(self._rest):
            return []
        padded = np.zeros(self._size, np.int16)
        padded[: len(self._rest)] = self._rest
        self._rest = np.zeros(0, np.int16)
        return [self._frame(padded)]

    def _frame(self, samples: Samples) -> Frame:
        frame = Frame(samples, self.rate, self._position)
        self._position = frame.end
        return frame
