"""The parent's end of one session of a worker."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from services.errors import EngineError
from services.workers.protocol import WorkerMessage
from services.workers.wire import CREDIT_STEP, WINDOW, Kind, Packet, WireError, charge, encode


class Session:
    """One utterance to speak or one ear. Made by `Worker.open`; one task sends, one task reads.

    Reading ends after `aclose`; it raises EngineError when the engine or its process failed. Both directions are
    bounded by one window (wire.WINDOW, 256 KiB): `send` waits while the engine is that far behind, and the engine waits
    while this side has that much unread. Neither delays another session. `unread_bytes` and `under_way_bytes` tell
    how much of each window is in use.
    """

    def __init__(self, number: int, name: str, write: Callable[[bytes], None]) -> None:
        self._number = number
        self._name = name
        self._write = write
        # Bounded by the window: the worker sends no more than that before we give credit.
        self._unread: asyncio.Queue[tuple[WorkerMessage, int] | None] = asyncio.Queue()
        self.unread_bytes = 0
        self.under_way_bytes = 0
        self._owed = 0
        self._room = asyncio.Event()
        self._error: EngineError | None = None
        self._closed = False

    async def send(self, type: str, data: Mapping[str, Any] | None = None, payload: bytes = b"") -> None:  # noqa: A002
        """Send one message, waiting for room in the window. Raises EngineError when the session is over."""
        try:
            packet = encode(Packet(Kind.MESSAGE, self._number, type, data or {}, payload))
        except WireError as error:
            raise EngineError(f"The {self._name} engine cannot be told this: {error}.") from None
        cost = charge(len(packet))
        while not self._over and self.under_way_bytes + cost > WINDOW:
            self._room.clear()
            # The watchdog bounds this wait: an engine that stops consuming is killed, and that fails the session.
            await self._room.wait()
        if self._error is not None:
            raise self._error
        if self._closed:
            raise EngineError(f"This session of the {self._name} engine is closed.")
        self.under_way_bytes += cost
        self._write(packet)

    async def receive(self, timeout: float | None = None) -> WorkerMessage | None:
        """Return the next message, None once the session is closed.

        Raises EngineError when the engine failed, or when nothing came within `timeout` seconds (the session stays
        open then).
        """
        try:
            async with asyncio.timeout(timeout):
                item = await self._unread.get()
        except TimeoutError:
            raise EngineError(f"The {self._name} engine said nothing for {timeout:g} s.") from None
        if item is None:
            self._unread.put_nowait(None)
            if self._error is not None and not self._closed:
                raise self._error
            return None
        message, cost = item
        self.unread_bytes -= cost
        self._owed += cost
        if self._owed >= CREDIT_STEP and not self._over:
            self._write(encode(Packet(Kind.CREDIT, self._number, data={"bytes": self._owed})))
            self._owed = 0
        return message

    def __aiter__(self) -> "Session":
        """Iterate over messages; one reader only."""
        return self

    async def __anext__(self) -> WorkerMessage:
        """Return the next message. Raises EngineError when the engine failed."""
        message = await self.receive()
        if message is None:
            raise StopAsyncIteration
        return message

    async def aclose(self) -> None:
        """Cancel the session at once; never waits, may be called twice and in the middle of anything."""
        if self._closed:
            return
        self._closed = True
        if self._error is None:
            self._write(encode(Packet(Kind.CANCEL, self._number)))
        self._wake(drop=True)

    @property
    def closing(self) -> bool:
        """True once closed here, while the worker may still be letting go."""
        return self._closed

    @property
    def _over(self) -> bool:
        return self._closed or self._error is not None

    # What the link calls, on the event loop, when packets come:

    def deliver(self, message: WorkerMessage, size: int) -> None:
        """Queue a message for the reader."""
        if not self._over:
            self.unread_bytes += charge(size)
            self._unread.put_nowait((message, charge(size)))

    def credit(self, size: int) -> None:
        """Take back `size` bytes of the window: the engine has consumed them."""
        self.under_way_bytes -= size
        self._room.set()

    def fail(self, error: EngineError) -> None:
        """End the session with `error`: the reader gets what came before it, then the error."""
        if not self._over:
            self._error = error
            self._wake(drop=False)

    def _wake(self, *, drop: bool) -> None:
        while drop and not self._unread.empty():
            self._unread.get_nowait()
            self.unread_bytes = 0
        self._unread.put_nowait(None)
        self._room.set()
