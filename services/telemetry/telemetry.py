"""The watcher of the event bus: hands every event to the figures and to the traces, as far as they are wanted."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

import structlog

from services.clock import Clock
from services.events import CallEvent, EventBus
from services.parts import Part
from services.telemetry.settings import TelemetrySettings

if TYPE_CHECKING:
    from services.telemetry.collector import Collector
    from services.telemetry.metrics import CallMetrics
    from services.telemetry.request_tracing import RequestTracer
    from services.telemetry.requests import RequestMetrics
    from services.telemetry.tracing import CallTracer

_STANDARD = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")

log = structlog.get_logger()


class Telemetry:
    """Metrics and traces of one installation. With both switched off nothing is imported and no event is looked at.

    It reads the bus behind a bounded queue, like every watcher: where it cannot follow, events are lost to it, and the
    call has not waited.
    """

    def __init__(self, settings: TelemetrySettings, bus: EventBus, clock: Clock) -> None:
        self._settings = settings
        self._bus = bus
        self._clock = clock
        self._stack = ExitStack()
        self._watchers: list[Callable[[CallEvent], None]] = []
        self._task: asyncio.Task[None] | None = None
        self._metrics: CallMetrics | None = None
        self._requests: RequestMetrics | None = None
        self._tracer: CallTracer | None = None
        self._request_tracer: RequestTracer | None = None
        self._collector: Collector | None = None

    @property
    def token(self) -> str:
        """What who asks for the figures must show; "" when only this machine is answered."""
        return self._settings.metrics_token.get_secret_value()

    async def start(self, version: str = "") -> None:
        """Begin to watch; from its return on no event is missed. Raises SettingsError for wrong OTEL_ variables."""
        if self._settings.metrics:
            from services.telemetry.metrics import CallMetrics
            from services.telemetry.requests import RequestMetrics

            self._requests = RequestMetrics()
            self._metrics = CallMetrics(self._clock)
            self._watchers.append(self._metrics.on_event)
        if self._settings.otlp_endpoint or any(os.environ.get(name) for name in _STANDARD):
            self._collector = await asyncio.to_thread(_open_collector, self._settings.otlp_endpoint, version)
            from services.telemetry.request_tracing import RequestTracer
            from services.telemetry.tracing import CallTracer

            self._request_tracer = RequestTracer(self._collector.tracer)
            self._tracer = CallTracer(self._collector.tracer, self._clock)
            self._watchers.append(self._tracer.on_event)
        if self._watchers:
            events = self._stack.enter_context(self._bus.subscribe(own=True))
            self._task = asyncio.create_task(self._watch(events), name="telemetry")

    def parts(self) -> list[Part]:
        """Return the state of the way to the collector, where there is one."""
        return [self._collector.part()] if self._collector else []

    def observe_request(
        self, method: str, route: str, status: int, seconds: float, request_id: str = "", traceparent: str = ""
    ) -> None:
        """Count a request of the HTTP server and tell the collector of it, as far as either is wanted."""
        if self._requests is not None:
            self._requests.observe(method, route, status, seconds)
        if self._request_tracer is not None:
            self._request_tracer.trace(method, route, status, seconds, request_id, traceparent)

    async def figures(self) -> bytes:
        """Return the figures of calls and requests in Prometheus' text format, b"" when they are switched off.

        What was published before is counted.
        """
        if self._metrics is None or self._requests is None:
            return b""
        await self._taken()
        self._metrics.tidy()
        calls, requests = self._metrics, self._requests
        return await asyncio.to_thread(lambda: calls.figures() + requests.figures())

    async def close(self) -> None:
        """Take what has been published until now, then end; the last traces get a few seconds to arrive."""
        if self._task is not None:
            await self._taken()
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        self._stack.close()
        if self._tracer is not None:
            self._tracer.close()
        if self._collector is not None:
            await self._collector.close()
        self._collector = self._tracer = self._request_tracer = None

    async def _taken(self) -> None:
        """Wait until what was published before has been taken: the watcher, once awake, takes all that is waiting."""
        await asyncio.sleep(0)

    async def _watch(self, events: AsyncIterator[CallEvent]) -> None:
        async for event in events:
            for watcher in self._watchers:
                try:
                    watcher(event)
                except Exception:  # one odd event must not end the figures of all that follow
                    log.exception("an event could not be measured", call=event.call_id, type=event.type)


def _open_collector(endpoint: str, version: str) -> "Collector":
    """Import OpenTelemetry, which takes a good tenth of a second, and open the way to the collector."""
    from services.telemetry.collector import Collector

    return Collector(endpoint, version)
