"""The outgoing half of a line: everything the conversation asks of what is spoken, answered by a PlayoutQueue."""

from collections.abc import Callable

from services.audio.frame import Frame
from services.audio.playout import PlayoutQueue


class PlayoutLine:
    """The base of lines (services.voice.line.AudioLine) that hand on frames from a queue at their own pace.

    It holds at most `capacity_seconds` of frames at `rate` Hz in `_playout`. A subclass takes them from there, one each
    20 ms (`_playout.take`, `_playout.skip` for ticks it missed), and closes the queue when the line is over.
    """

    def __init__(self, rate: int, capacity_seconds: float = 2.0) -> None:
        self.rate = rate
        self._playout = PlayoutQueue(rate, capacity_seconds)

    async def send(self, frame: Frame) -> None:
        """Queue one frame for playing; waits while the queue is full. Raises AudioError for another rate."""
        await self._playout.put(frame)

    def discard_unsent(self) -> int:
        """Drop what is queued and not handed on; return `played`."""
        return self._playout.discard()

    @property
    def played(self) -> int:
        """Samples of sent frames handed to the other side so far, silence filler not counted."""
        return self._playout.played

    @property
    def queued(self) -> int:
        """Samples of sent frames that wait to be handed on."""
        return self._playout.queued

    def duck(self, decibels: float) -> None:
        """Play on `decibels` (<= 0) quieter than sent, from the next frame handed on; 0 is the sent level again."""
        self._playout.duck(decibels)

    def pause(self) -> None:
        """Hand on silence and keep what is queued, until `resume` or `discard_unsent`."""
        self._playout.pause()

    def resume(self, back: int = 0) -> None:
        """Go on after `pause`, from `back` samples before it."""
        self._playout.resume(back)

    def tap(self, listener: Callable[[Frame], None]) -> None:
        """Call `listener` with every outgoing frame as it is handed on, silence filler included."""
        self._playout.tap(listener)

    async def drained(self) -> None:
        """Wait until everything sent was handed on, or was discarded, or the line closed."""
        await self._playout.drained()
