"""The tone after which an answering machine listens, and those that say that a number cannot be reached."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from services.audio.frame import Frame
from services.audio.tones import Signal, Tone, ToneDetector, classify

_LONGEST = 3.0  # seconds of a beep
_FOR = 60.0  # seconds of the call in which a beep is listened for


@dataclass(frozen=True, slots=True)
class Beep:
    """A tone was heard, and is over; `unobtainable`: it was the last of the three that come before an announcement."""

    unobtainable: bool = False


class BeepListener:
    """Calls `emit` when a tone has ended. Give it every frame of the other side, from the answer on."""

    def __init__(self, rate: int, emit: Callable[[Beep], None]) -> None:
        self._emit = emit
        self._detector = ToneDetector(rate)
        self._tones: deque[Tone] = deque(maxlen=3)

    def push(self, frame: Frame) -> None:
        """Take the next frame."""
        if frame.position > _FOR * frame.rate:
            return
        tone = self._detector.push(frame)
        if tone is not None and not tone.second and tone.seconds <= _LONGEST:
            self._tones.append(tone)
            self._emit(Beep(classify(list(self._tones)) is Signal.UNOBTAINABLE))
