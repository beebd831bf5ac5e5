"""Time, injected: durations from the event loop's monotonic clock, calendar time in UTC."""

import asyncio
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What a room may ask about time; tests give a virtual one."""

    def monotonic(self) -> float:
        """Seconds on a clock that never jumps."""
        ...

    def now(self) -> datetime:
        """The current UTC time, timezone-aware."""
        ...


class LoopClock:
    """The running event loop's own clock, so that a loop with virtual time moves it too."""

    def monotonic(self) -> float:
        """Seconds on the running loop's clock."""
        return asyncio.get_running_loop().time()

    def now(self) -> datetime:
        """The current UTC time."""
        return datetime.now(UTC)
