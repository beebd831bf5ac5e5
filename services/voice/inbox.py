"""Everything that happens in a call, in the order in which it happened."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import structlog

from services.audio.frame import Frame
from services.clock import Clock
from services.voice.hearing.beep import Beep
from services.voice.hearing.listener import InterimHeard, ListenerEvent, Onset, Pausing, SpeechSustained, TurnEnded
from services.voice.line import AudioLine, Closed, Digit, Hold, Joined, TypedText
from services.voice.speaking.replies import ReplyDone

InboxEvent = ListenerEvent | Beep | Digit | TypedText | Hold | Joined | Closed | ReplyDone

_PLACES = 256
_OF_THE_MOMENT = (Beep, Onset, SpeechSustained, InterimHeard, Pausing, TurnEnded)

log = structlog.get_logger()


class Inbox:
    """A bounded queue of events with one reader.

    Only what tells of the moment (a sound, a pause, interim words) is ever dropped: half of the places are kept for the
    rest, since a line that takes its time to close must not cost the words of a whole turn.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._events: asyncio.Queue[InboxEvent] = asyncio.Queue(_PLACES)

    def put(self, event: InboxEvent) -> None:
        """Add an event at once."""
        if not isinstance(event, _OF_THE_MOMENT) or self._events.qsize() < _PLACES // 2:
            self._events.put_nowait(event)

    async def follow(self, line: AudioLine, take: Callable[[Frame], Awaitable[None]]) -> None:
        """Add what comes over `line` until it closes; its frames go to `take`, and the line is lost when that fails."""
        try:
            async for event in line.events():
                if isinstance(event, Frame):
                    await take(event)
                else:
                    await self._events.put(event)
        except Exception:
            log.exception("listening to the line failed")
        await self._events.put(Closed("line_lost"))  # counts only where no other Closed came before

    async def next(self, until: float | None) -> InboxEvent | None:
        """Return the next event; None when there is none until that second of the clock (`until` None: for ever)."""
        try:
            async with asyncio.timeout(None if until is None else max(0.0, until - self._clock.monotonic())):
                return await self._events.get()
        except TimeoutError:
            return None

    def rest(self) -> Iterator[InboxEvent]:
        """Iterate over what is there now, without waiting."""
        while not self._events.empty():
            yield self._events.get_nowait()
