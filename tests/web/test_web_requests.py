"""What is noted of each request: its id, its line, its figures, and where it comes from."""

import httpx
import pytest
import structlog
from fastapi import APIRouter, FastAPI, Request
from structlog.testing import capture_logs

from services.telemetry.requests import RequestMetrics
from services.web.requests import add_request_log

TRUSTED = ("127.0.0.1/32", "10.0.0.0/8")


def app_with(metrics: RequestMetrics | None = None) -> FastAPI:
    app, router = FastAPI(), APIRouter(prefix="/things")

    @router.get("/{thing}")
    async def show(thing: str, request: Request) -> dict[str, str | None]:
        if thing == "broken":
            raise RuntimeError("no such luck")
        bound = structlog.contextvars.get_contextvars()
        return {
            "id": request.state.request_id,
            "bound": bound.get("request_id"),
            "client": request.client.host if request.client else None,
        }

    app.include_router(router)
    add_request_log(app, (lambda *seen: metrics.observe(*seen[:4])) if metrics else None, TRUSTED)
    return app


def client(app: FastAPI, address: str = "127.0.0.1") -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 1))
    return httpx.AsyncClient(transport=transport, base_url="http://house")


async def test_a_request_has_an_id_and_a_sane_one_of_the_clients_is_kept() -> None:
    async with client(app_with()) as asking:
        answer = await asking.get("/things/1", headers={"X-Request-Id": "trace-0123456789"})
        assert answer.headers["X-Request-Id"] == "trace-0123456789"
        assert answer.json()["id"] == answer.json()["bound"] == "trace-0123456789"
        for odd in ("short", "x" * 65, "evil\tid-12345", "a b c d e f g h", "<script>alert(1)</script>"):
            given = (await asking.get("/things/1", headers={"X-Request-Id": odd})).headers["X-Request-Id"]
            assert given != odd
            assert len(given) == 32
    assert structlog.contextvars.get_contextvars() == {}


async def test_the_log_and_the_figures_know_the_route_and_not_the_path() -> None:
    metrics = RequestMetrics()
    async with client(app_with(metrics)) as asking:
        with capture_logs() as lines:
            await asking.get("/things/+79161234567")
            await asking.get("/things/broken")
            await asking.get("/nowhere/+79161234567")
    told = [(line["route"], line["status"], line["log_level"]) for line in lines if line["event"] == "request"]
    assert told == [("/things/{thing}", 200, "debug"), ("/things/{thing}", 500, "info"), ("unmatched", 404, "debug")]
    assert "7916" not in str(lines) + metrics.figures().decode()
    figures = metrics.figures().decode()
    assert 'secretary_http_requests_total{method="GET",route="/things/{thing}",status="200"} 1.0' in figures
    assert 'secretary_http_request_seconds_count{method="GET",route="unmatched",status="404"} 1.0' in figures


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("127.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", "6.6.6.6, 203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", "203.0.113.7, 10.1.2.3", "203.0.113.7"),
        ("198.51.100.9", "203.0.113.7", "198.51.100.9"),
        ("198.51.100.9", "127.0.0.1", "198.51.100.9"),
    ],
)
async def test_only_trusted_proxies_say_where_a_request_comes_from(peer: str, forwarded: str, expected: str) -> None:
    async with client(app_with(), peer) as asking:
        answer = await asking.get("/things/1", headers={"X-Forwarded-For": forwarded})
        assert answer.json()["client"] == expected
