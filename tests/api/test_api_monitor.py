"""The live monitor: one look for all who watch."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_house import House, api_house

from api.house.monitor import Monitor, monitor_router
from api.server import open_socket, serve_app
from services.parts import Part, State
from services.telemetry.machine import Machine, MachineState


class CountedMachine(Machine):
    looks = 0

    def look(self) -> MachineState:
        self.looks += 1
        return super().look()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with api_house(tmp_path) as opened:
        yield opened


def watch(house: House, every: float = 2.0) -> tuple[Monitor, CountedMachine]:
    machine = CountedMachine(house.data_dir)
    parts = [Part("database", State.READY, "works", required=True), Part("redis", State.DEGRADED, "gone", "start it")]
    monitor = Monitor(
        machine,
        lambda: parts,
        house.directory,
        house.clock,
        house.platform.books.queue_counts.now,
        house.platform.errands,
        lines=lambda company: [{"name": "gsm", "signal_dbm": -71}] if company == "default" else [],
        every=every,
    )
    house.app.include_router(monitor_router(monitor))
    return monitor, machine


async def test_everything_is_in_one_look(house: House) -> None:
    _, machine = watch(house, 60)
    shown, again = [(await house.owner.get("/admin/monitor")).json() for _ in range(2)]
    assert machine.looks == 1
    assert again["machine"] == shown["machine"]
    assert shown["status"] == "degraded"
    assert [part["name"] for part in shown["parts"]] == ["database", "redis"]
    assert shown["lines"] == [{"name": "gsm", "signal_dbm": -71}]
    assert set(shown["queues"]) == {"outbox_waiting", "outbox_dead", "sessions", "errands"}
    assert shown["queues"]["sessions"] >= 1
    state = shown["machine"]
    assert 0 < state["disk"]["free"] <= state["disk"]["total"]
    assert state["processes"][0]["memory"] > 1_000_000
    assert (await house.client.get("/admin/monitor")).status_code == 401


async def test_another_company_sees_its_own_lines_and_queues(house: House) -> None:
    watch(house)
    shown = (await house.owner.get("/admin/monitor", headers={"X-Company": "other"})).json()
    assert shown["lines"] == []
    assert shown["queues"]["sessions"] == 0


async def test_two_watch_it_live_and_it_is_looked_at_once(house: House) -> None:
    _, machine = watch(house, 0.1)
    with open_socket("127.0.0.1", 0) as listening:
        host, port = listening.getsockname()[:2]
        begun = asyncio.Event()
        server = asyncio.create_task(serve_app(house.app, listening, lambda _: begun.set()))
        await begun.wait()
        headers = {"Authorization": house.owner.headers["Authorization"]}
        async with httpx.AsyncClient(base_url=f"http://{host}:{port}", headers=headers) as client:
            both = await asyncio.gather(looks(client, 4), looks(client, 4))
        signal.raise_signal(signal.SIGINT)
        await server
    for seen in both:
        assert [each["status"] for each in seen] == ["degraded"] * 4
        assert seen[0]["at"] < seen[3]["at"]
    assert machine.looks <= 6, "two who watch do not look twice as often"


async def looks(client: httpx.AsyncClient, count: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    async with client.stream("GET", "/admin/monitor/stream") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                found.append(json.loads(line.removeprefix("data: ")))
            if len(found) == count:
                break
    return found
