"""kill -9 at random moments of many writes: what was acknowledged is there, all messages come, the audit holds."""

import asyncio
import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from eventually import eventually
from servers import drop_database, fresh_database
from silent_house import SilentHouse, silent_house
from webhook_receiver import Receiver, receiver, signed
from whole_house import PASSWORD

from services.clock import LoopClock
from services.storage.audit.log import Audit
from services.storage.database import Database
from services.storage.engine import sqlite_url

TRIALS = [(240, 3), pytest.param((500, 6), marks=[pytest.mark.soak, pytest.mark.timeout(600)])]
"""How many requests are made, and at how many moments among them the server is killed."""
TOGETHER = 8
SETTINGS = {
    "SECRETARY_OWNER__USERNAME": "olga",
    "SECRETARY_OWNER__PASSWORD": PASSWORD,
    "SECRETARY_WEBHOOKS__ALLOW_HTTP": "true",
    "SECRETARY_WEBHOOKS__ALLOW_PRIVATE": "127.0.0.1/32",
    "SECRETARY_LOG_FORMAT": "json",
}


@dataclass
class Writers:
    """Clients that write, and note what was acknowledged: `made` are the paths of what must be there."""

    url: str
    headers: dict[str, str]
    out: str
    incoming: dict[str, str]
    made: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    pings: list[str] = field(default_factory=list)
    edits: int = 0
    asked: int = 0

    async def write(self, client: httpx.AsyncClient, number: int) -> None:
        """Write one thing, of a kind that goes by its number."""
        kinds = (self._ask_faq, self._consent, self._chat, self._key, self._ping, self._leave, self._edit)
        await kinds[number % len(kinds)](client, number)

    async def _create(self, client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> None:
        answer = await client.post(path, json=body, headers=self.headers)
        assert answer.status_code == 201, answer.text
        self.made.append(answer.headers["location"])

    async def _ask_faq(self, client: httpx.AsyncClient, number: int) -> None:
        body = {"question": f"What is {number}?", "answer": f"It is {number}.", "language": "en"}
        await self._create(client, "/admin/faq", body)

    async def _consent(self, client: httpx.AsyncClient, number: int) -> None:
        body = {"contact": f"+7916{number:07}", "kind": "recording", "channel": "gsm"}
        await self._create(client, "/admin/consents", body)

    async def _chat(self, client: httpx.AsyncClient, number: int) -> None:
        await self._create(client, "/admin/chats", {"title": f"chat {number}"})

    async def _key(self, client: httpx.AsyncClient, number: int) -> None:
        await self._create(client, "/admin/api-keys", {"name": f"key {number}", "scopes": ["calls:read"]})

    async def _ping(self, client: httpx.AsyncClient, _: int) -> None:
        answer = await client.post(f"/admin/webhooks/{self.out}/test", headers=self.headers)
        assert answer.status_code == 202, answer.text
        self.pings.append(answer.json()["delivery_id"])

    async def _leave(self, client: httpx.AsyncClient, number: int) -> None:
        data = {"name": f"caller {number}", "number": "+79161234567", "matter": f"matter {number}."}
        body = json.dumps({"type": "message.create", "data": data}).encode()
        headers = signed(self.incoming["secret"], f"msg_{number}", int(time.time()), body)
        answer = await client.post(self.incoming["path"], content=body, headers=headers)
        assert answer.status_code == 200, answer.text
        self.left.append(f"matter {number}.")

    async def _edit(self, client: httpx.AsyncClient, number: int) -> None:
        answer = await client.patch("/admin/personas/emma", json={"rules": f"Rule {number}."}, headers=self.headers)
        assert answer.status_code == 200, answer.text
        self.edits = max(self.edits, answer.json()["version"])

    async def so_far(self) -> int:
        """Return how many requests were begun."""
        return self.asked

    async def run(self, until: int) -> None:
        """Write, several at once, until so many requests were made or the server is gone."""
        async with httpx.AsyncClient(base_url=self.url, timeout=30) as client:
            await asyncio.gather(*(self._one_by_one(client, until) for _ in range(TOGETHER)))

    async def _one_by_one(self, client: httpx.AsyncClient, until: int) -> None:
        while self.asked < until:
            self.asked += 1
            try:
                await self.write(client, self.asked)
            except httpx.TransportError:
                return


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield sqlite_url(tmp_path / "data")
        return
    url = fresh_database()
    yield url
    drop_database(url)


async def prepare(house: SilentHouse, shop: Receiver) -> Writers:
    """Sign in, lift the limits and make the webhooks."""
    async with httpx.AsyncClient(base_url=house.url, timeout=30) as client:
        answer = await client.post("/admin/auth/login", json={"username": "olga", "password": PASSWORD})
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        company = (await client.get("/admin/companies/default")).json()
        kept = {name: company[name] for name in ("name", "language", "time_zone", "facts", "settings")}
        (await client.put("/admin/companies/default", json=kept | {"plan": "unlimited"})).raise_for_status()
        wanted = {"url": shop.url(), "events": ["message.taken"]}
        out = (await client.post("/admin/webhooks", json=wanted)).raise_for_status().json()
        incoming = (await client.post("/admin/webhooks", json={"direction": "in"})).raise_for_status().json()
        return Writers(house.url, {"Authorization": client.headers["Authorization"]}, out["id"], incoming)


@pytest.mark.parametrize("trial", TRIALS, ids=str)
async def test_nothing_acknowledged_is_lost(tmp_path: Path, database_url: str, trial: tuple[int, int]) -> None:
    requests, kills = trial
    dice = random.Random(20_261_121)
    moments = sorted(dice.sample(range(20, requests - 20), kills))
    async with receiver() as shop:
        with silent_house(tmp_path, SETTINGS | {"SECRETARY_DATABASE_URL": database_url}) as house:
            writers = await prepare(house, shop)
            for moment in [*moments, requests]:
                await kill_at(house, writers, moment, requests, dice.uniform(0.0, 0.05))
                await asyncio.to_thread(house.start)
            await everything_is_there(writers, shop)
            house_log = house.log
    assert await audit_findings(database_url) == ()
    assert len(writers.made) + len(writers.pings) + len(writers.left) >= requests // 2
    assert "Traceback" not in house_log


async def kill_at(house: SilentHouse, writers: Writers, moment: int, until: int, later: float) -> None:
    """Let the writers write, and kill the server a moment after that many requests were begun."""
    writing = asyncio.create_task(writers.run(until))
    await eventually(writers.so_far, lambda asked: asked >= moment or writing.done(), 60)
    await asyncio.sleep(later)
    house.kill()
    await writing


async def everything_is_there(writers: Writers, shop: Receiver) -> None:
    """Look for what was acknowledged, and wait until all that was to be sent has come."""
    async with httpx.AsyncClient(base_url=writers.url, headers=writers.headers, timeout=30) as client:
        for path in writers.made:
            assert (await client.get(path)).status_code == 200, path
        assert (await client.get("/admin/personas/emma")).json()["version"] >= writers.edits

        async def waiting() -> list[Any]:
            items: list[Any] = (await client.get("/admin/outbox?status=waiting")).json()["items"]
            return items

        await eventually(waiting, lambda items: items == [], 60)
        assert (await client.get("/admin/outbox?status=dead")).json()["items"] == []
        messages = [each["matter"] for each in await every(client, "/admin/messages")]
    assert set(writers.left) <= set(messages)
    assert len(messages) == len(set(messages)), "a repeated arrival made a second message"
    assert {f"msg_{each}" for each in writers.pings} <= set(shop.ids)
    told = [each.json["data"]["matter"] for each in shop.received if each.json["type"] == "message.taken"]
    assert set(messages) <= set(told)


async def every(client: httpx.AsyncClient, path: str) -> list[Any]:
    """Return all items of a list."""
    items: list[Any] = []
    query = "limit=200"
    while query:
        page = (await client.get(f"{path}?{query}")).json()
        items += page["items"]
        query = f"limit=200&cursor={page['next_cursor']}" if page["next_cursor"] else ""
    return items


async def audit_findings(database_url: str) -> tuple[str, ...]:
    """Return what is wrong with the audit's chain."""
    database = Database(database_url)
    await database.migrate()
    try:
        return (await Audit(database, LoopClock()).verify()).findings
    finally:
        await database.close()
