"""A gain that glides, so that a change of loudness does not click."""

import numpy as np

from services.audio.frame import Samples
from services.errors import AudioError


def gain_of(decibels: float) -> float:
    """Return the factor of an attenuation: 10 ** (decibels / 20), 1.0 at 0 dB and 0.0 at -inf.

    Raises AudioError above 0 dB: what is only ever made quieter can never clip.
    """
    if not decibels <= 0:
        raise AudioError(f"Speech can be played quieter than it was sent, not {decibels:g} dB louder.")
    return float(10 ** (decibels / 20))


class Fader:
    """Carries a gain from frame to frame: `level` is where the last frame ended, `target` where the next one ends.

    Both lie in 0..1. `idle` is True while there is nothing to do, which callers test before they call `shape`.
    """

    __slots__ = ("_target", "idle", "level")

    def __init__(self) -> None:
        self.level = 1.0
        self.idle = True
        self._target = 1.0

    @property
    def target(self) -> float:
        """The gain that the next shaped frame ends with."""
        return self._target

    def glide_to(self, gain: float) -> None:
        """Reach `gain` in a straight line over the next shaped frame."""
        self._target = gain
        self.idle = self.level == gain == 1.0

    def jump_to(self, gain: float) -> None:
        """Be at `gain` with the next frame's first sample; for moments in which nothing is heard."""
        self.level = gain
        self.glide_to(gain)

    def shape(self, samples: Samples) -> Samples:
        """Return a louder or quieter copy of one frame, rounded to int16: shape (n,), as given."""
        if self.level == self._target:
            shaped = samples * np.float32(self.level)
        else:
            # The last sample has the target itself, so that the next frame begins where this one ends.
            step = (self._target - self.level) / len(samples)
            shaped = samples * np.arange(1, len(samples) + 1, dtype=np.float32)
            shaped *= np.float32(step)
            shaped += samples * np.float32(self.level)
            self.jump_to(self._target)
        rounded: Samples = np.rint(shaped).astype(np.int16)
        return rounded
