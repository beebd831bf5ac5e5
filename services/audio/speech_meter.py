"""How loud somebody speaks: the level of the speech alone, whatever pauses and noise lie between (as ITU-T P.56 asks).

The floor of noise is the least level of the last two seconds (R. Martin's minimum statistics, 1994, on the whole band).
A frame well above it is speech, and the 0.2 s after such a frame belong to it. The level of speech is the mean power of
those frames: of all of them in the first three seconds of speech, then with a time constant of three seconds.
"""

import math
from collections import deque

from services.audio.levels import SILENCE_DBFS

LEAST_DBFS = -62.0
"""Below this nothing counts as speech, even on a line without noise."""
ABOVE_NOISE_DB = 8.0
HANG_FRAMES = 10
SHORTEST_FRAMES = 10
"""Speech frames from which on there is a level to speak of."""
_MEMORY_FRAMES = 150
_MINIMA, _MINIMUM_FRAMES = 8, 12
_SMOOTHING = 0.5


class SpeechMeter:
    """Measures one side of a call, frame by frame; costs about a microsecond a frame."""

    def __init__(self) -> None:
        self.active = False
        """Whether the last frame belongs to speech."""
        self.frames = 0
        """Frames of speech so far."""
        self._power = 0.0
        self._smooth = 0.0
        self._minima: deque[float] = deque(maxlen=_MINIMA)
        self._least = math.inf
        self._since = 0
        self._hang = 0

    @property
    def speech_dbfs(self) -> float:
        """Level of the speech in dBFS; -120.0 before there was any."""
        return _dbfs(self._power) if self.frames >= SHORTEST_FRAMES else SILENCE_DBFS

    @property
    def noise_dbfs(self) -> float:
        """Level of what is there when nobody speaks, in dBFS."""
        return _dbfs(self._floor())

    def push(self, power: float, *, learn: bool = True) -> None:
        """Take the next frame's mean square, 1.0 being full scale squared; without `learn` only `active` follows it."""
        if learn and power > _NOTHING:  # digital silence stands for sound that did not come: it is no noise of the line
            self._smooth += _SMOOTHING * (power - self._smooth) if self._smooth else power
            self._least = min(self._least, self._smooth)
            self._since += 1
            if self._since >= _MINIMUM_FRAMES:
                self._minima.append(self._least)
                self._least, self._since = self._smooth, 0
        if power > _LEAST_POWER and power > _ABOVE_NOISE * self._floor():
            self._hang = HANG_FRAMES
            self.active = True
            if learn:
                self.frames += 1
                self._power += (power - self._power) / min(self.frames, _MEMORY_FRAMES)
        else:
            self._hang -= 1
            self.active = self._hang > 0

    def _floor(self) -> float:
        least = min(self._least, *self._minima) if self._minima else self._least
        return least if least < math.inf else 0.0


_NOTHING = 10 ** (-100 / 10)
_LEAST_POWER = 10 ** (LEAST_DBFS / 10)
_ABOVE_NOISE = 10 ** (ABOVE_NOISE_DB / 10)


def _dbfs(power: float) -> float:
    return max(10 * math.log10(power), SILENCE_DBFS) if power > 0 else SILENCE_DBFS
