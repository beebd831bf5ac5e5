"""Requests of the HTTP server as OpenTelemetry spans, made when the answer has begun. Imports OpenTelemetry's API."""

import time

from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_PROPAGATOR = TraceContextTextMapPropagator()


class RequestTracer:
    """A span a request, with the names of OpenTelemetry's semantic conventions; no path, no query, no address."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def trace(self, method: str, route: str, status: int, seconds: float, request_id: str, traceparent: str) -> None:
        """Tell of a request that took `seconds` until its answer began; `traceparent` (W3C) says whose part it is."""
        end = time.time_ns()
        span = self._tracer.start_span(
            f"{method} {route}",
            context=_PROPAGATOR.extract({"traceparent": traceparent}) if traceparent else None,
            kind=SpanKind.SERVER,
            start_time=end - round(seconds * 1e9),
            attributes={
                "http.request.method": method,
                "http.route": route,
                "http.response.status_code": status,
                "secretary.request_id": request_id,
            },
        )
        if status >= 500:
            span.set_status(Status(StatusCode.ERROR))
        span.end(end)
