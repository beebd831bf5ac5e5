"""A call's events: published at once, written in order by a task of their own: a slow disk never delays a word."""

import asyncio
import contextlib
from collections.abc import Mapping
from itertools import chain, repeat
from typing import Any

import structlog

from services.clock import Clock
from services.errands import Errands
from services.errors import StorageError
from services.events import CallEvent, CallEventType, EventBus
from services.voice.ports import CallLog

log = structlog.get_logger()

_PASSING = frozenset({CallEventType.INTERIM, CallEventType.SAYING})
_QUEUE = 10_000
_RETRIES = (0.1, 0.5, 2.0)
_HOPELESS = 600.0  # seconds without one event stored, after which the rest of an ended call is given up


class CallJournal:
    """Numbers, publishes and stores the events of one call.

    What is not stored in time when the call has ended is left to `errands`; without any it is given up.
    """

    def __init__(
        self,
        company_id: str,
        call_id: str,
        store: CallLog,
        bus: EventBus,
        clock: Clock,
        errands: Errands | None = None,
    ) -> None:
        self.company_id = company_id
        self.call_id = call_id
        self._store = store
        self._bus = bus
        self._clock = clock
        self._errands = errands
        self._origin = clock.monotonic()
        self._sequence = 0
        self._queue: asyncio.Queue[CallEvent | None] = asyncio.Queue(_QUEUE)
        self._ended: CallEvent | None = None
        self._unstored = 0
        self._closed = False
        self._begun = asyncio.Event()
        self._writer = asyncio.create_task(self._write(), name=f"journal {call_id}")

    def record(self, type_: CallEventType, data: Mapping[str, Any] | None = None) -> None:
        """Publish an event and queue it for storing; never waits.

        ENDED is published when it is stored, or given up: whoever waits for it finds the whole call in the database.
        """
        self._sequence += 1
        at_ms = round((self._clock.monotonic() - self._origin) * 1000)
        event = CallEvent(self.company_id, self.call_id, self._sequence, at_ms, type_, data or {})
        if type_ is CallEventType.ENDED:
            self._ended = event
        else:
            self._bus.publish(event)
        if type_ in _PASSING:
            return
        try:
            self._queue.put_nowait(event)
            self._unstored += 1
        except asyncio.QueueFull:  # nothing has been stored for hours: the caller is still answered
            log.error("a call event was not stored", call=self.call_id, type=event.type, error="too many are waiting")

    def saying(self, text: str) -> None:
        """Publish what is being spoken from now on."""
        self.record(CallEventType.SAYING, {"text": text})

    async def begun(self, timeout: float) -> None:
        """Wait until the first event is stored, or was given up, at most `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._begun.wait()
        except TimeoutError:
            log.warning("a call is answered before its beginning is stored", call=self.call_id)

    async def close(self, timeout: float = 10.0) -> None:
        """Wait until everything recorded is stored, at most `timeout` seconds; what is late is an errand."""
        self._closed = True
        with contextlib.suppress(asyncio.QueueFull):  # then there is something to wake the writer already
            self._queue.put_nowait(None)
        try:
            await asyncio.wait({self._writer}, timeout=timeout)
        finally:
            if self._writer.done() or self._errands is None:
                await self._give_up()
            else:
                log.warning("the call's events are not stored yet", call=self.call_id, events=self._unstored)
                self._errands.leave(self._finish())
            self._publish_end()

    async def _finish(self) -> None:
        """Wait as long as the writer gets on."""
        try:
            before = -1
            while not self._writer.done() and self._unstored != before:
                before = self._unstored
                await asyncio.wait({self._writer}, timeout=_HOPELESS)
        finally:
            await self._give_up()

    async def _give_up(self) -> None:
        self._writer.cancel()
        await asyncio.gather(self._writer, return_exceptions=True)
        if self._unstored:
            log.error("events of a call are lost", call=self.call_id, events=self._unstored)

    async def _write(self) -> None:
        while not (self._closed and self._queue.empty()):
            event = await self._queue.get()
            if event is None:
                break
            await self._store_with_patience(event)
            self._begun.set()
            self._unstored -= 1
            if event.type is CallEventType.ENDED:
                self._publish_end()

    def _publish_end(self) -> None:
        event, self._ended = self._ended, None
        if event is not None:
            self._bus.publish(event)

    async def _store_with_patience(self, event: CallEvent) -> None:
        # Nothing of a call can be stored before its start, so that one is tried again as long as the call lasts.
        after = repeat(_RETRIES[-1]) if event.type is CallEventType.STARTED else (0.0,)
        for pause in chain(_RETRIES, after):
            try:
                await self._store.append(event)
                break
            except StorageError as error:
                log.error("a call event was not stored", call=self.call_id, type=event.type, error=str(error))
                await asyncio.sleep(pause)
            except Exception:  # an event that cannot be stored must not cost those behind it
                log.exception("a call event was not stored", call=self.call_id, type=event.type)
                break
