"""An OpenTelemetry collector for tests: a real HTTP server that takes OTLP requests and decodes them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass
class Collector:
    """What has arrived. `status` is how requests are answered; while `hold` is cleared they are not answered at all."""

    port: int = 0
    status: int = 200
    requests: list[bytes] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    hold: threading.Event = field(default_factory=threading.Event)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def decoded(self) -> list[ExportTraceServiceRequest]:
        """Return the requests, decoded."""
        return [ExportTraceServiceRequest.FromString(body) for body in self.requests]

    def resource(self) -> dict[str, str]:
        """Return what the first request says about who sends it."""
        attributes = self.decoded()[0].resource_spans[0].resource.attributes
        return {each.key: each.value.string_value for each in attributes}

    def spans(self) -> list[Span]:
        """Return all spans in the order of their start, a parent before its children."""
        spans = [
            span
            for request in self.decoded()
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        return sorted(spans, key=lambda span: (span.start_time_unix_nano, -span.end_time_unix_nano))


@contextmanager
def collecting() -> Iterator[Collector]:
    """Run a collector on a free port of this machine."""
    collector = Collector()
    collector.hold.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.paths.append(self.path)
            collector.hold.wait(30)
            if collector.status == 200:
                collector.requests.append(body)
            self.send_response(collector.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    collector.port = server.server_address[1]
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    serving.start()
    try:
        yield collector
    finally:
        collector.hold.set()
        server.shutdown()
        serving.join()
        server.server_close()
