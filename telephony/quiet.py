"""When the modem may be kept busy with a message: never while a call is being set up, which a message would hold up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class QuietTimes:
    """A telephony.sms.ports.QuietGate, told by the session when a call is being set up."""

    def __init__(self) -> None:
        self._quiet = asyncio.Event()
        self._quiet.set()

    def set_busy(self, busy: bool) -> None:
        """A call is being set up, or no more. A message that is being sent already is not stopped."""
        if busy:
            self._quiet.clear()
        else:
            self._quiet.set()

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        """Enter when no call is being set up; whoever waits brings the timeout."""
        await self._quiet.wait()
        yield
