"""A stream of 16-bit samples that has lost a byte: noticing it by what the bytes would say if read one byte later.

Read from the wrong byte, the low byte of each sample stands in the high place: whatever was said becomes white noise,
near full scale where it was speech, 256 times too loud where it was nearly silent. Read rightly, the same bytes are a
sound whose samples follow from one another. So the two readings are compared by the energy of their first difference,
which is small where a sound is real (a true sound read wrongly is the noisy one of the two, and nothing happens).
"""

import numpy as np
from numpy.typing import NDArray

from services.audio.frame import Samples

CERTAIN = 4
"""The stream is moved when so many more frames speak for it than against it: after 80 ms, where all do."""
_LESS = 6.0  # the difference of the right reading has less energy than the wrong one by so much (7.8 dB)
_HEARD = 150.0**2  # mean energy of the difference below which nobody is harmed; silence costs no comparison
_MUCH_LESS = 1_000.0  # 30 dB: noise too soft to have used the high byte
_CLIPPED = 32_000  # G.711 ends at 32124 or 32256


class ByteAlignment:
    """Watches one stream of little-endian 16-bit mono sound, frame by frame."""

    def __init__(self) -> None:
        self._for = 0

    def read(self, raw: bytes) -> Samples | None:
        """Return the samples of the next frame, read from its second byte where only that makes sense of it.

        None says that it is certain now that the stream has lost a byte: drop one more, and give the frame that begins
        there instead.
        """
        verdict = _reads_better_later(raw)
        if verdict is None:  # silence tells nothing
            return _read(raw)
        self._for = max(0, self._for + (1 if verdict else -1))
        if self._for >= CERTAIN:
            self._for = 0
            return None
        return _read(raw[1:] + raw[-2:-1]) if verdict else _read(raw)


def _read(raw: bytes) -> Samples:
    return np.frombuffer(raw, "<i2").astype(np.int16)


def _reads_better_later(raw: bytes) -> bool | None:
    """Compare the reading of a frame with the one from its second byte; None where there is nothing to compare."""
    values = np.frombuffer(raw, "<i2").astype(np.float32)
    roughness = _roughness(values)
    if roughness < _HEARD:
        return None
    later = np.frombuffer(raw, "<i2", len(values) - 1, 1).astype(np.float32)
    later_roughness = _roughness(later)
    if roughness < _LESS * later_roughness:
        return False
    energy, later_energy = _energy(values), _energy(later)
    if roughness * later_energy <= later_roughness * energy and roughness < _MUCH_LESS * later_roughness:
        return False  # as white as what was read, and not by far softer
    # It may still be right as it was read: a sound in steps of 256 (8 bits: the other reading has one sign only), or a
    # few lone steps, or one driven so far over full scale that most samples are the same two.
    one_sign = float(later.mean()) ** 2 > later_energy / 4
    lone = np.count_nonzero(values[1:] != values[:-1]) < len(values) / 2
    clipped = np.count_nonzero(np.abs(values) >= _CLIPPED) > len(values) / 4
    return not (one_sign or lone or clipped)


def _energy(values: NDArray[np.float32]) -> float:
    """Mean square."""
    return float(values @ values) / len(values)


def _roughness(values: NDArray[np.float32]) -> float:
    """Mean square of the first difference."""
    return _energy(values[1:] - values[:-1])
