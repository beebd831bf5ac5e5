"""Requests as Prometheus figures: how many, and how long until their answer began."""

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest

BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
ROUTES = 500


class RequestMetrics:
    """The figures of one installation's HTTP server. Labels are method, route template and status; never a path."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self._routes: set[str] = set()
        self._requests = Counter(
            "secretary_http_requests", "Requests answered", ["method", "route", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "secretary_http_request_seconds",
            "From the request to the first byte of the answer",
            ["method", "route", "status"],
            registry=self._registry,
            buckets=BUCKETS,
        )

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request and its time in seconds."""
        if route not in self._routes:
            if len(self._routes) >= ROUTES:
                route = "other"
            self._routes.add(route)
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route, str(status)).observe(seconds)

    def figures(self) -> bytes:
        """Return everything in Prometheus' text format. Takes a while: call it in a thread."""
        return generate_latest(self._registry)
