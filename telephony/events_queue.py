"""What comes from the other side of a call, waiting for its one reader: bounded, and never at the cost of the end."""

import asyncio
from collections import deque

from services.audio.frame import Frame
from services.voice.line import Closed, LineEvent

MAX_EVENTS = 500
"""Ten seconds of frames: a reader that is slower loses the oldest sound, never keys or the end."""


class LineEvents:
    """A queue of line events; `lost_frames` counts those that nobody read in time."""

    def __init__(self) -> None:
        self.lost_frames = 0
        self._events: deque[LineEvent] = deque()
        self._arrived = asyncio.Event()

    async def get(self) -> LineEvent:
        """Return the next event; waits for one. After Closed nothing comes any more."""
        while not self._events:
            self._arrived.clear()
            await self._arrived.wait()
        return self._events.popleft()

    def put(self, event: LineEvent) -> None:
        """Add an event; where the queue is full the oldest frame goes."""
        if len(self._events) >= MAX_EVENTS and not self._drop_oldest_frame():
            return
        self._events.append(event)
        self._arrived.set()

    def close(self, reason: str) -> None:
        """Add the end, however full the queue is."""
        self._events.append(Closed(reason))
        self._arrived.set()

    def _drop_oldest_frame(self) -> bool:
        for at, event in enumerate(self._events):
            if isinstance(event, Frame):
                del self._events[at]
                self.lost_frames += 1
                return True
        return False
