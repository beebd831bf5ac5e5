"""A bell that wakes one waiting task of an event loop, rung from any thread."""

import asyncio
from collections.abc import Callable


class Bell:
    """Rung while nobody waits, it is heard by the next who does."""

    def __init__(self) -> None:
        self.tell: Callable[[], None] | None = None  # passes a ring on to other processes; called in the event loop
        self._rung = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def ring(self) -> None:
        """Wake who waits, here and in other processes; from any thread. Before somebody listens it does nothing."""
        self._call(self._ring)

    def wake(self) -> None:
        """Wake who waits here; from any thread."""
        self._call(self._rung.set)

    def listen(self) -> None:
        """From now on, rings reach the loop that runs here; those before are forgotten."""
        self._loop = asyncio.get_running_loop()
        self._rung.clear()

    async def wait(self, seconds: float) -> None:
        """Return at the next ring, at once when there was one since `listen`, or after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        except TimeoutError:
            pass

    def _ring(self) -> None:
        self._rung.set()
        if self.tell is not None:
            self.tell()

    def _call(self, do: Callable[[], None]) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(do)
