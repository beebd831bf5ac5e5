"""One loudness for all callers: a slow gain towards a level of speech, and a limiter under which nothing clips.

Nothing is looked ahead at and nothing is held back: a frame comes out as it went in, louder or quieter, with the same
position. The gain runs in a straight line through each frame from where the last one ended, so that it cannot be heard.
It follows the level of the speech alone. In pauses it falls back to a few dB, so that the noise of a line is not raised
with the words of a quiet caller, and it is there again with the first frame of speech.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.audio.frame import FRAME_SECONDS, Frame, frame_samples
from services.audio.levels import FULL_SCALE
from services.audio.speech_meter import SHORTEST_FRAMES, SpeechMeter

CEILING = 29_204.0
"""Samples above this (-1 dBFS) are bent, never cut."""
PAUSE_DB = 3.0
"""Most that noise is raised by in a pause, unless it stays below `HARMLESS_DBFS`."""
HARMLESS_DBFS = -60.0
CLEAR_DB = 8.0
"""Speech is raised by no more than it stands above the noise, less this: a gain that comes and goes with words that are
hardly above the noise would only make it harder to tell them apart."""
_LARGEST = 32_767.0
_FALL_DB = 1.0  # a frame, into a pause
_RELEASE = 10 ** (0.5 / 20)  # of the limiter, a frame


@dataclass(frozen=True, slots=True)
class Levelling:
    """What a leveller aims at: `target` dBFS of speech, by `least` to `most` dB of gain, rising `rise` dB a second."""

    target: float
    least: float
    most: float
    rise: float


INCOMING = Levelling(-20.0, -12.0, 18.0, 20.0)
"""For the ears: a caller far from the telephone is near after a second of speech."""
OUTGOING = Levelling(-20.0, -12.0, 6.0, 2.0)
"""For the caller: voices differ in loudness, but what the conversation ducks for half a second must stay ducked."""


class Leveller:
    """Levels one stream of frames at `rate` Hz; some 7 us a frame at 8 kHz. `meter` tells levels before the gain."""

    def __init__(self, rate: int, aim: Levelling) -> None:
        self.meter = SpeechMeter()
        self.limited = 0
        """Frames that the limiter has lowered."""
        self._aim = aim
        ramp = np.arange(1, frame_samples(rate) + 1, dtype=np.float32)
        self._ramp: NDArray[np.float32] = ramp / np.float32(len(ramp))
        self._steep: NDArray[np.float32] = np.minimum(ramp / np.float32(0.002 * rate), 1)  # out of the way of a shout
        self._decibels = 0.0  # towards the target
        self._now = 0.0  # the same, or less in a pause
        self._limit = 1.0
        self._applied = 1.0

    @property
    def gain_db(self) -> float:
        """The gain that the last frame ended with."""
        return 20 * math.log10(self._applied)

    def push(self, frame: Frame, *, learn: bool = True) -> Frame:
        """Take the next frame; return it levelled, or itself where there is nothing to do.

        Without `learn` nothing is concluded from it: what is heard may be somebody else.
        """
        samples = frame.samples.astype(np.float32)
        self.meter.push(float(samples @ samples) / (len(samples) * FULL_SCALE**2), learn=learn)
        peak = max(float(frame.samples.max()), -float(frame.samples.min()))
        begin, end = self._applied, self._next(peak, learn)
        self._applied = end
        if begin == end == 1.0:
            return frame
        if begin == end:
            samples *= np.float32(end)
        else:
            ramp = self._ramp if begin * peak <= CEILING else self._steep
            samples *= np.float32(begin) + np.float32(end - begin) * ramp
        if max(begin, end) * peak > CEILING:
            _bend(samples)
        return Frame(np.rint(samples).astype(np.int16), frame.rate, frame.position)

    def _next(self, peak: float, learn: bool) -> float:
        """Return the gain at the end of a frame whose largest sample is `peak`."""
        aim, meter = self._aim, self.meter
        if learn and meter.active and meter.frames >= SHORTEST_FRAMES:
            speech = meter.speech_dbfs
            most = min(aim.most, max(speech - meter.noise_dbfs - CLEAR_DB, PAUSE_DB))
            wanted = min(max(aim.target - speech, aim.least), most)
            rise = aim.rise * FRAME_SECONDS
            self._decibels += min(max(wanted - self._decibels, -2 * rise), rise)
        if meter.active:
            self._now = self._decibels
        else:
            pause = max(HARMLESS_DBFS - meter.noise_dbfs, PAUSE_DB)
            self._now = min(self._decibels, max(self._now - _FALL_DB, pause))
        gain = float(10 ** (self._now / 20))
        self._limit = min(self._limit * _RELEASE, 1.0)
        if peak * gain * self._limit > CEILING:
            self._limit = CEILING / (peak * gain)
            self.limited += 1
        return gain * self._limit


def _bend(samples: NDArray[np.float32]) -> None:
    """Bend what is above the ceiling towards full scale, which it never reaches."""
    above = np.abs(samples) > CEILING
    if above.any():
        loud = samples[above]
        room = np.float32(_LARGEST - CEILING)
        samples[above] = np.copysign(CEILING + room * np.tanh((np.abs(loud) - CEILING) / room), loud)
