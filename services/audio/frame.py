"""The only audio inside the house: 20 ms of mono int16."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.errors import AudioError

FRAME_SECONDS = 0.02

Samples = NDArray[np.int16]


def frame_samples(rate: int) -> int:
    """Samples in one 20 ms frame at `rate` Hz (160 at 8 kHz, 320 at 16 kHz, 441 at 22.05 kHz)."""
    return rate // 50


@dataclass(frozen=True, slots=True)
class Frame:
    """20 ms of mono audio.

    `samples`: int16 array of shape (n,), n == rate // 50 (the last frame of a stream is padded with silence);
    `rate`: samples a second; `position`: index of the first sample on its stream, counted at `rate`.
    Treat `samples` as read-only: a frame may be shared by several taps.
    """

    samples: Samples
    rate: int
    position: int = 0

    @property
    def seconds(self) -> float:
        """Start of the frame on its stream, in seconds."""
        return self.position / self.rate

    @property
    def end(self) -> int:
        """Position of the first sample after this frame."""
        return self.position + len(self.samples)

    def expect_rate(self, rate: int) -> None:
        """Refuse audio of another rate: feeding 8 kHz as 16 kHz is the classic silent failure."""
        if self.rate != rate:
            raise AudioError(f"Audio of {self.rate} Hz arrived where {rate} Hz is expected.")


def silence(rate: int, position: int = 0) -> Frame:
    """Return one frame of digital silence."""
    return Frame(np.zeros(frame_samples(rate), np.int16), rate, position)
