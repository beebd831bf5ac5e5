"""Writing audio to a device in real time, against a schedule that does not drift and does not burst."""

import asyncio
from collections.abc import Awaitable, Callable

from services.audio.frame import FRAME_SECONDS, Frame
from services.clock import Clock, LoopClock

AHEAD_SECONDS = 0.06


class PacedWriter:
    """Takes a frame and writes it every 20 ms, so that the device always holds a little and never much.

    It keeps the instant at which the device will have played all that was written, on the monotonic clock. Between 40
    and 60 ms (`ahead_seconds`) are kept ahead of it: enough to ride out a late wake-up, little enough that barge-in is
    heard at once. What is written moves that instant by exactly 20 ms, so ordinary lateness never adds up to drift.

    When a stall is longer than what was ahead, the device ran dry and the other side heard a gap. Those ticks are over:
    they are counted in `missed`, told to `on_missed` (PlayoutQueue.skip), and the schedule begins anew from the present
    with at most `ahead_seconds` written at once. Nothing queued is lost, it is heard later by the length of the gap.
    """

    def __init__(
        self,
        take: Callable[[], Frame],
        write: Callable[[Frame], Awaitable[None]],
        *,
        clock: Clock | None = None,
        ahead_seconds: float = AHEAD_SECONDS,
        on_missed: Callable[[int], None] | None = None,
    ) -> None:
        self.written = 0
        self.missed = 0
        self._take = take
        self._write = write
        self._clock = clock or LoopClock()
        self._ahead = ahead_seconds
        self._on_missed = on_missed
        self._over: float | None = None  # when the device will have played everything written
        self._owed = 0.0  # seconds of gaps not yet counted as a whole tick

    async def run(self) -> None:
        """Write until cancelled. An exception of `take` or `write` ends it; `write` brings its own timeout."""
        while True:
            await self._until_due()
            await self._write(self._take())
            self.written += 1

    async def _until_due(self) -> None:
        """Sleep until there is room for one more frame within `ahead_seconds`, then count that frame as written."""
        if self._over is None:
            self._over = self._clock.monotonic()
        # Asked again after each sleep: the stall may have happened in this very sleep.
        while (now := self._clock.monotonic()) < (due := self._over + FRAME_SECONDS - self._ahead):  # noqa: ASYNC110
            await asyncio.sleep(due - now)
        if now > self._over:
            self._gap(now - self._over)
            self._over = now
        self._over += FRAME_SECONDS

    def _gap(self, seconds: float) -> None:
        self._owed += seconds
        ticks = int(self._owed / FRAME_SECONDS + 1e-6)
        self._owed -= ticks * FRAME_SECONDS
        if ticks:
            self.missed += ticks
            if self._on_missed:
                self._on_missed(ticks)
