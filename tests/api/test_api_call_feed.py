"""The live feed of calls, from a real server."""

import asyncio
import json
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_house import OWNER, House, api_house
from fastapi import FastAPI

from api.calls.feed import call_feed_router
from api.server import open_socket, serve_app
from services.accounts.roles import Role
from services.accounts.tokens import LIFETIME
from services.events import QUEUE_SIZE, CallEvent, CallEventType
from services.storage.people.users import UserChange
from services.web.access import set_accounts


@dataclass
class Served:
    house: House
    address: tuple[str, int]
    server: asyncio.Task[None]
    client: httpx.AsyncClient

    @property
    def token(self) -> str:
        return self.house.owner.headers["Authorization"]

    def publish(self, sequence: int, text: str = "hello", company: str = "default") -> None:
        event = CallEvent(company, "c1", sequence, sequence * 10, CallEventType.SAYING, {"text": text})
        self.house.bus.publish(event)


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Served]:
    async with api_house(folder) as house:
        with open_socket("127.0.0.1", 0) as listening:
            host, port = listening.getsockname()[:2]
            begun = asyncio.Event()
            server = asyncio.create_task(serve_app(house.app, listening, lambda _: begun.set()))
            await begun.wait()
            async with httpx.AsyncClient(
                base_url=f"http://{host}:{port}", headers={"Authorization": house.owner.headers["Authorization"]}
            ) as client:
                yield Served(house, (host, port), server, client)
            if not server.done():
                signal.raise_signal(signal.SIGINT)
            await server


async def events(lines: AsyncIterator[str]) -> AsyncIterator[dict[str, Any]]:
    """Read server-sent events: their fields, with the data decoded."""
    fields: dict[str, Any] = {}
    async for line in lines:
        if not line:
            if fields:
                yield fields
            fields = {}
            continue
        name, _, value = line.partition(": ")
        fields[name] = json.loads(value) if name == "data" else value


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


async def test_what_happens_in_the_companys_calls_is_told_as_it_happens(tmp_path: Path) -> None:
    async with serving(tmp_path) as served, served.client.stream("GET", "/admin/calls/stream") as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        told = events(answer.aiter_lines())
        assert "" in await anext(told), "a comment at once, so that a client knows that it listens"
        served.publish(1, "privet", company="other")
        served.publish(2, "привет\n\nid: 5")
        event = await anext(told)
        assert (event["event"], event["id"]) == ("saying", "c1.2")
        assert event["data"]["data"] == {"text": "привет\n\nid: 5"}
        assert event["data"]["at_ms"] == 20


async def test_nobody_follows_without_signing_in(tmp_path: Path) -> None:
    async with serving(tmp_path) as served:
        refused = await served.client.get("/admin/calls/stream", headers={"Authorization": ""})
        assert refused.status_code == 401
        assert refused.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
async def test_the_feed_ends_when_the_server_does(tmp_path: Path, end: signal.Signals) -> None:
    async with serving(tmp_path) as served, served.client.stream("GET", "/admin/calls/stream") as answer:
        told = events(answer.aiter_lines())
        await anext(told)
        signal.raise_signal(end)
        async with asyncio.timeout(3):
            assert [event async for event in told] == []
            await served.server


async def test_the_feed_ends_with_the_token(tmp_path: Path) -> None:
    async with serving(tmp_path) as served:
        served.house.clock.ahead = -LIFETIME.total_seconds() + 1.5
        token = (await served.house.sign_in()).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        async with served.client.stream("GET", "/admin/calls/stream", headers=headers) as answer:
            assert answer.status_code == 200
            async with asyncio.timeout(5):
                assert len([event async for event in events(answer.aiter_lines())]) == 1


async def test_the_feed_ends_for_a_user_who_is_let_in_no_more(tmp_path: Path) -> None:
    async with serving(tmp_path) as served:
        house, app = served.house, FastAPI()
        set_accounts(app, house.accounts)
        app.include_router(call_feed_router(house.bus, ask_again=0.0))
        house.app.mount("/asked", app)
        async with served.client.stream("GET", "/asked/admin/calls/stream") as answer:
            told = events(answer.aiter_lines())
            await anext(told)
            served.publish(1)
            assert (await anext(told))["id"] == "c1.1"
            await house.accounts.set_password("default", OWNER, "another four long words")
            served.publish(2)
            async with asyncio.timeout(5):
                assert [event async for event in told] == []


async def test_the_feed_ends_for_a_user_who_has_another_role(tmp_path: Path) -> None:
    async with serving(tmp_path) as served:
        house, app = served.house, FastAPI()
        set_accounts(app, house.accounts)
        app.include_router(call_feed_router(house.bus, ask_again=0.0))
        house.app.mount("/asked", app)
        anton = await house.accounts.add("default", "anton", "another four long words", Role.ADMIN)
        token = (await house.sign_in("anton", "another four long words")).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        async with served.client.stream("GET", "/asked/admin/calls/stream", headers=headers) as answer:
            told = events(answer.aiter_lines())
            await anext(told)
            served.publish(1)
            assert (await anext(told))["id"] == "c1.1"
            await house.accounts.people.edit("default", anton.id, UserChange(role="guest"))
            served.publish(2)
            async with asyncio.timeout(5):
                assert [event async for event in told] == []


async def test_who_goes_away_leaves_nothing_behind(tmp_path: Path) -> None:
    async with serving(tmp_path) as served:
        for _ in range(3):
            async with served.client.stream("GET", "/admin/calls/stream") as answer:
                await anext(events(answer.aiter_lines()))
                served.publish(1)
        await until(lambda: not served.house.bus._queues)
        assert not [task for task in asyncio.all_tasks() if "until_closing" in str(task) or "_next" in str(task)]


async def test_a_slow_reader_misses_the_oldest_and_holds_up_nobody(tmp_path: Path) -> None:
    async with serving(tmp_path) as served:
        loop = asyncio.get_running_loop()
        with socket.socket() as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.setblocking(False)
            await loop.sock_connect(slow, served.address)
            request = f"GET /admin/calls/stream HTTP/1.1\r\nHost: house\r\nAuthorization: {served.token}\r\n\r\n"
            await loop.sock_sendall(slow, request.encode())
            await until(lambda: bool(served.house.bus._queues))
            count = 5 * QUEUE_SIZE
            for sequence in range(1, count + 1):
                served.publish(sequence, "x" * 5000)
                if sequence % 100 == 0:
                    await asyncio.sleep(0)
            assert {queue.qsize() for queue in served.house.bus._queues} == {QUEUE_SIZE}
            got = b""
            async with asyncio.timeout(20):
                while f"id: c1.{count}\n".encode() not in got:
                    got += await loop.sock_recv(slow, 1 << 20)
        told = [int(line.partition(b".")[2]) for line in got.split(b"\n") if line.startswith(b"id: ")]
        assert told == sorted(told)
        assert len(told) < count
        assert told[-QUEUE_SIZE:] == list(range(count - QUEUE_SIZE + 1, count + 1))
