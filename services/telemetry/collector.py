"""Spans on their way to an OpenTelemetry collector: by OTLP over HTTP, from a thread, and never waited for.

Imports OpenTelemetry's SDK and its exporter.
"""

import asyncio
import logging
import os
from collections.abc import Mapping, Sequence
from threading import Thread

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Tracer

from services.errors import SettingsError
from services.parts import Part, State

CLOSING_SECONDS = 3.0

log = structlog.get_logger()


class Collector:
    """The way to one collector. At most 2048 spans wait for it; beyond that the oldest are lost, and no call is late.

    OpenTelemetry's standard environment variables hold (OTEL_EXPORTER_OTLP_HEADERS, OTEL_BSP_*, OTEL_TRACES_SAMPLER,
    OTEL_SERVICE_NAME ...). Nothing global is set but the level of OpenTelemetry's own loggers: what it has to say about
    each lost batch is said once here, in words.
    """

    def __init__(self, endpoint: str, version: str) -> None:
        """Begin to send to `endpoint`, the collector's base address; "": where the environment says.

        Raises SettingsError when one of OpenTelemetry's variables cannot be read.
        """
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        try:
            self._sender = _Sender(OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces" if endpoint else None))
            self._provider = TracerProvider(resource=_resource(version), shutdown_on_exit=False)
            self._provider.add_span_processor(BatchSpanProcessor(self._sender))
        except ValueError as error:
            raise SettingsError(
                f"Traces cannot be sent as the OTEL_ variables of the environment say: {error}.",
                "Mend or unset them; opentelemetry.io lists what they may be.",
            ) from None
        self.tracer: Tracer = self._provider.get_tracer("ai-secretary", version)

    def part(self) -> Part:
        """Return whether the last spans arrived."""
        if self._sender.failing:
            return Part("traces", State.DEGRADED, _LOST, _REMEDY)
        return Part("traces", State.READY, "Traces of calls are sent to the collector.")

    async def close(self) -> None:
        """Send what is waiting, for at most CLOSING_SECONDS; what is left then is given up."""
        # A thread that does not hold up the end of the process, whatever the collector does.
        finishing = Thread(target=self._provider.shutdown, name="last traces", daemon=True)
        finishing.start()
        await asyncio.to_thread(finishing.join, CLOSING_SECONDS)
        if finishing.is_alive():
            self._sender.give_up()


_LOST = "Traces of calls do not reach the OpenTelemetry collector; calls go on."
_REMEDY = "Check that SECRETARY_TELEMETRY__OTLP_ENDPOINT speaks OTLP over HTTP (usually port 4318, not 4317)."


class _Sender(SpanExporter):
    """Hands batches on, in the thread of the batch processor, and tells once when they stop (and begin) to arrive."""

    def __init__(self, exporter: OTLPSpanExporter) -> None:
        self._exporter = exporter
        self._given_up = False
        self.failing = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self._given_up:
            return SpanExportResult.FAILURE
        result = self._exporter.export(spans)
        failed = result is not SpanExportResult.SUCCESS
        if failed and not self.failing:
            log.warning(_LOST, remedy=_REMEDY)
        elif self.failing and not failed:
            log.info("Traces of calls reach the OpenTelemetry collector again.")
        self.failing = failed
        return result

    def give_up(self) -> None:
        """Let nothing more be sent, and wake a thread that waits for its next attempt."""
        self._given_up = True
        self._exporter.shutdown()  # type: ignore[no-untyped-call]

    def shutdown(self) -> None:
        if not self._given_up:
            self._exporter.shutdown()  # type: ignore[no-untyped-call]


def _resource(version: str) -> Resource:
    named = "OTEL_SERVICE_NAME" in os.environ or "service.name=" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    ours: Mapping[str, str] = {} if named else {"service.name": "ai-secretary"}
    return Resource.create({**ours, "service.version": version})
