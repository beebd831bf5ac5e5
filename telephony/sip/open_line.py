"""What every SIP call is while it is open: events for its reader, tasks of its own, and one end."""

import asyncio
from collections.abc import AsyncIterator

import structlog

from services.voice.line import Closed, LineEvent
from services.voice.playout_line import PlayoutLine
from telephony.audio_pipeline import SoundFigures
from telephony.events_queue import LineEvents
from telephony.sip.jitter import RATE

PLAYOUT_SECONDS = 4.0
"""A voice that speaks barely faster than real time fills this while it is ahead, and has it when it falls behind."""

log = structlog.get_logger()


class OpenLine(PlayoutLine):
    """The base of SipLine. `figures` tells of the sound when the line has closed, None where there was none."""

    rate = RATE

    def __init__(self) -> None:
        super().__init__(RATE, PLAYOUT_SECONDS)
        self.figures: SoundFigures | None = None
        self._events = LineEvents()
        self._closed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def closed(self) -> bool:
        """True once the call is over."""
        return self._closed.is_set()

    @property
    def lost_frames(self) -> int:
        """Frames of the other side that nobody read in time."""
        return self._events.lost_frames

    async def wait_closed(self) -> None:
        """Wait until the call is over and its tasks have ended."""
        await self._closed.wait()
        await self._end_tasks()

    async def events(self) -> AsyncIterator[LineEvent]:
        """Iterate over what comes from the other side; ends after Closed; one reader only."""
        while True:
            event = await self._events.get()
            if isinstance(event, Closed):
                await self._end_tasks()
                yield event
                return
            yield event

    def _on_close(self) -> None:
        """Give back what the call had; a subclass says what."""

    def _push(self, event: LineEvent) -> None:
        if not self.closed:
            self._events.put(event)

    def _close(self, reason: str) -> None:
        if self.closed:
            return
        self._closed.set()
        self._playout.close()
        self._on_close()
        self._events.close(reason)
        for task in self._tasks:
            task.cancel()
        log.info("the line is closed", reason=reason, lost_frames=self.lost_frames, sound=self.figures)

    async def _sleep(self, seconds: float) -> None:
        """Wait, or until the line is closed."""
        try:
            async with asyncio.timeout(seconds):
                await self._closed.wait()
        except TimeoutError:
            pass

    async def _end_tasks(self) -> None:
        others = [task for task in self._tasks if task is not asyncio.current_task()]
        if others:
            await asyncio.wait(others)
