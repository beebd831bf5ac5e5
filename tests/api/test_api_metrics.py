"""GET /metrics: what Prometheus is told, and who is told nothing."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx
import pytest
from call_events import Clock, a_call
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from api.house.metrics import metrics_router
from services.events import EventBus
from services.parts import Part, State
from services.telemetry.settings import TelemetrySettings
from services.telemetry.telemetry import Telemetry
from services.web.problems import add_problem_handlers

PARTS = [Part("database", State.READY, "works"), Part("ears ru", State.DEGRADED, "are missing")]


@asynccontextmanager
async def served(bus: EventBus, *, token: str = "", metrics: bool = True) -> AsyncIterator[FastAPI]:
    telemetry = Telemetry(TelemetrySettings(metrics=metrics, metrics_token=SecretStr(token)), bus, Clock())
    await telemetry.start()
    app = FastAPI()
    add_problem_handlers(app)
    app.include_router(metrics_router(telemetry, lambda: PARTS))
    try:
        yield app
    finally:
        await telemetry.close()


async def ask(app: FastAPI, address: str = "127.0.0.1", headers: Mapping[str, str] | None = None) -> httpx.Response:
    transport = httpx.ASGITransport(app, client=(address, 40000))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return await client.get("/metrics", headers=dict(headers or {}))


async def test_parts_and_calls_are_one_page_that_prometheus_can_read() -> None:
    bus = EventBus()
    async with served(bus) as app:
        for event in a_call():
            bus.publish(event)
        answer = await ask(app)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    names = [family.name for family in text_string_to_metric_families(answer.text)]
    assert len(names) == len(set(names)), "a name is told twice"
    assert {"secretary_part_state", "secretary_uptime_seconds", "secretary_calls", "secretary_response_seconds"} <= set(
        names
    )
    assert 'secretary_part_state{part="ears ru"} 1.0' in answer.text
    assert 'secretary_messages_total{company_id="default"} 1.0' in answer.text


async def test_without_the_figures_of_calls_the_parts_are_still_told() -> None:
    async with served(EventBus(), metrics=False) as app:
        answer = await ask(app)
    assert "secretary_part_state" in answer.text
    assert "secretary_calls" not in answer.text


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.0.1", "::1", "::ffff:127.0.0.1"])
async def test_this_machine_is_answered(address: str) -> None:
    async with served(EventBus()) as app:
        assert (await ask(app, address)).status_code == 200


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("192.168.1.20", {}),
        ("10.0.0.1", {"Authorization": "Bearer "}),
        ("2001:db8::1", {}),
        ("::ffff:192.168.1.20", {}),
        ("testclient", {}),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}),
        ("127.0.0.1", {"Forwarded": "for=192.0.2.60"}),
        ("::1", {"X-Real-IP": "192.0.2.60"}),
    ],
)
async def test_nobody_else_is_answered_without_a_token(address: str, headers: dict[str, str]) -> None:
    async with served(EventBus()) as app:
        answer = await ask(app, address, headers)
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert "SECRETARY_TELEMETRY__METRICS_TOKEN" in answer.json()["detail"]
    assert "secretary_" not in answer.text


@pytest.mark.parametrize("address", ["127.0.0.1", "192.168.1.20"])
async def test_with_a_token_whoever_shows_it_is_answered_and_nobody_else(address: str) -> None:
    async with served(EventBus(), token="long and secret") as app:
        assert (await ask(app, address, {"Authorization": "Bearer long and secret"})).status_code == 200
        assert (await ask(app, address, {"Authorization": "bearer long and secret"})).status_code == 200
        for wrong in ({}, {"Authorization": "Bearer long"}, {"Authorization": "Basic long and secret"}):
            answer = await ask(app, address, wrong)
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
            assert "long and secret" not in answer.text
