"""Two orchestrator processes on one PostgreSQL and one Redis behave as one."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Self

import httpx
import pytest
from call_events import CallMaker
from eventually import eventually
from openai_server import FakeServer, Wait, ending, words
from two_houses import OWNER, TwoHouses, client, sign_in, two_houses
from webhook_receiver import receiver
from whole_house import PASSWORD

from services.events import CallEvent, CallEventType
from services.storage.calls.calls import CallStore
from services.storage.database import Database
from services.storage.leases import Leases


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoHouses]:
    with two_houses(tmp_path_factory.mktemp("two")) as both:
        yield both


@pytest.fixture
async def owner(two: TwoHouses) -> AsyncIterator[tuple[httpx.AsyncClient, httpx.AsyncClient]]:
    """The owner at A and at B, with the token that A gave."""
    token = await sign_in(two.a)
    async with client(two.a, token) as at_a, client(two.b, token) as at_b:
        yield at_a, at_b


Both = tuple[httpx.AsyncClient, httpx.AsyncClient]


async def make_user(at: httpx.AsyncClient, name: str, role: str = "admin") -> str:
    answer = await at.post("/admin/users", json={"username": name, "password": PASSWORD, "role": role})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


# -- who is signed in ------------------------------------------------------------------------------------------------


async def test_who_has_signed_in_at_one_is_signed_in_at_the_other(two: TwoHouses) -> None:
    async with client(two.a) as at_a, client(two.b) as at_b:
        given = await at_a.post("/admin/auth/login", json={"username": OWNER, "password": PASSWORD})
        token = {"Authorization": f"Bearer {given.json()['access_token']}"}
        assert (await at_b.get("/admin/auth/me", headers=token)).json()["username"] == OWNER
        at_b.cookies.update(at_a.cookies)
        refreshed = await at_b.post("/admin/auth/refresh", headers={"X-Requested-With": "secretary"})
        assert refreshed.status_code == 200, refreshed.text
        token = {"Authorization": f"Bearer {refreshed.json()['access_token']}"}
        assert (await at_a.get("/admin/auth/me", headers=token)).status_code == 200


async def test_a_session_that_was_ended_at_one_is_refused_at_the_other(two: TwoHouses, owner: Both) -> None:
    at_a, at_b = owner
    other = await sign_in(two.a)
    async with client(two.a, other) as them:
        assert (await them.get("/admin/auth/me")).status_code == 200
        assert (await at_b.post("/admin/auth/sessions/revoke-others")).status_code == 200
        assert (await them.get("/admin/auth/me")).status_code == 401
        assert (await at_a.get("/admin/auth/me")).status_code == 200


async def test_a_user_who_was_deactivated_at_one_is_refused_at_the_other(two: TwoHouses, owner: Both) -> None:
    _, at_b = owner
    user = await make_user(at_b, "dora")
    async with client(two.a, await sign_in(two.a, "dora")) as dora:
        assert (await dora.get("/admin/calls")).status_code == 200
        assert (await at_b.post(f"/admin/users/{user}/deactivate")).status_code == 200
        assert (await dora.get("/admin/calls")).status_code == 401
    async with client(two.a) as nobody:
        answer = await nobody.post("/admin/auth/login", json={"username": "dora", "password": PASSWORD})
        assert answer.status_code == 401


# -- limits ----------------------------------------------------------------------------------------------------------


def left(answer: httpx.Response) -> int:
    """Return how many requests a user has left, as the answer tells."""
    found = re.search(r"r=(\d+)", answer.headers["RateLimit"])
    assert found is not None, answer.headers
    return int(found[1])


async def test_limits_are_counted_together(two: TwoHouses, owner: Both) -> None:
    await make_user(owner[0], "lena")
    token = await sign_in(two.a, "lena")
    async with client(two.a, token) as at_a, client(two.b, token) as at_b:
        told = [left(await each.get("/admin/calls")) for each in (at_a, at_b, at_a, at_b)]
    assert told == [told[0], told[0] - 1, told[0] - 2, told[0] - 3]


async def test_a_plan_that_was_changed_at_one_holds_at_the_other(owner: Both) -> None:
    at_a, at_b = owner
    company = (await at_a.get("/admin/companies/default")).json()
    kept = {name: company[name] for name in ("name", "language", "time_zone", "facts", "settings")}

    async def quota() -> str:
        answer = await at_b.get("/admin/calls")
        return str(answer.headers.get("RateLimit-Policy", ""))

    before = await quota()  # B knows the plan from here on for some seconds
    (await at_a.put("/admin/companies/default", json=kept | {"plan": "unlimited"})).raise_for_status()
    await eventually(quota, lambda now: now != before, 3.0)
    (await at_a.put("/admin/companies/default", json=kept | {"plan": company["plan"]})).raise_for_status()
    await eventually(quota, lambda now: now == before, 3.0)


async def fail(at: httpx.AsyncClient, name: str) -> int:
    answer = await at.post("/admin/auth/login", json={"username": name, "password": "wrong wrong wrong"})
    return answer.status_code


async def test_failed_sign_ins_of_an_address_are_counted_together(two: TwoHouses) -> None:
    async with client(two.a, address="127.0.0.31") as at_a, client(two.b, address="127.0.0.31") as at_b:
        assert [await fail(at, "nobody1") for at in (at_a, at_b, at_a, at_b, at_a, at_b, at_a)] == [401] * 5 + [429] * 2


async def test_failed_sign_ins_in_a_name_lock_it_at_both(two: TwoHouses) -> None:
    found = []
    for number in range(12):
        house = (two.a, two.b)[number % 2]
        async with client(house, address=f"127.0.0.{41 + number // 3}") as stranger:
            found.append(await fail(stranger, "nobody2"))
    assert found == [401] * 10 + [429] * 2


# -- what is done once -----------------------------------------------------------------------------------------------


async def test_a_key_of_a_request_at_one_is_known_at_the_other(owner: Both) -> None:
    at_a, at_b = owner
    key = {"Idempotency-Key": "once-for-all"}
    first = await at_a.post("/admin/calls/no-such-call/end", headers=key)
    again = await at_b.post("/admin/calls/no-such-call/end", headers=key)
    assert (first.status_code, again.status_code) == (404, 404)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == first.json()


async def test_each_message_of_the_outbox_is_delivered_once(owner: Both) -> None:
    at_a, _ = owner
    async with receiver() as shop:
        made = await at_a.post("/admin/webhooks", json={"url": shop.url(), "events": ["message.taken"]})
        hook = made.raise_for_status().json()["id"]
        ids = []
        for number in range(20):
            answer = await owner[number % 2].post(f"/admin/webhooks/{hook}/test")
            ids.append(f"msg_{answer.raise_for_status().json()['delivery_id']}")

        async def waiting() -> list[Any]:
            items: list[Any] = (await at_a.get("/admin/outbox?status=waiting")).json()["items"]
            return items

        await eventually(waiting, lambda items: items == [])
        assert sorted(shop.ids) == sorted(ids)
        await at_a.delete(f"/admin/webhooks/{hook}")


# -- what happens in calls -------------------------------------------------------------------------------------------


@asynccontextmanager
async def feed(at: httpx.AsyncClient) -> AsyncIterator[asyncio.Queue[dict[str, Any]]]:
    """Follow the calls; what comes is in the queue."""
    told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    async with at.stream("GET", "/admin/calls/stream") as answer:
        assert answer.status_code == 200
        lines = answer.aiter_lines()
        await anext(lines)  # it listens

        async def follow() -> None:
            async for line in lines:
                if line.startswith("data:"):
                    told.put_nowait(json.loads(line.removeprefix("data:")))

        task = asyncio.create_task(follow())
        try:
            yield told
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_the_live_feed_of_each_shows_the_calls_of_both(two: TwoHouses, owner: Both) -> None:
    calls = {two.a: CallMaker("call-of-a"), two.b: CallMaker("call-of-b")}
    async with feed(owner[0]) as at_a, feed(owner[1]) as at_b:
        for house, call in calls.items():
            house.publish(call.started())
            house.publish(call.ended())
        for told in (at_a, at_b):
            seen = {(each["call_id"], each["type"]) for each in [await soon(told) for _ in range(4)]}
            assert seen == {(f"call-of-{name}", kind) for name in "ab" for kind in ("started", "ended")}
        await asyncio.sleep(0.2)
        assert at_a.empty(), "an event came twice"
        assert at_b.empty(), "an event came twice"


async def soon(told: asyncio.Queue[dict[str, Any]]) -> dict[str, Any]:
    async with asyncio.timeout(10):
        return await told.get()


# -- what the secretary knows and says -------------------------------------------------------------------------------


async def test_a_question_that_was_entered_at_one_is_answered_at_the_other(owner: Both) -> None:
    at_a, at_b = owner
    query = {"query": "Do you repair umbrellas?", "language": "en"}

    async def answers() -> list[str]:
        items = (await at_b.post("/admin/faq/search", json=query)).raise_for_status().json()["items"]
        return [each["question"] for each in items if each["answers"]]

    assert await answers() == []  # B has its index now
    entry = {"question": "Do you repair umbrellas?", "answer": "On Mondays.", "language": "en"}
    made = await at_a.post("/admin/faq", json=entry)
    assert await answers() == ["Do you repair umbrellas?"]
    (await at_a.delete(made.headers["location"])).raise_for_status()
    assert await answers() == []


@asynccontextmanager
async def model(two: TwoHouses) -> AsyncIterator[FakeServer]:
    """Serve the language model that both are set up with."""
    fake = FakeServer(port=two.model_port)
    server = await asyncio.start_server(fake.serve, "127.0.0.1", two.model_port)
    try:
        yield fake
    finally:
        server.close()
        fake.hang_up()
        await server.wait_closed()


async def test_what_was_changed_at_one_the_secretary_of_the_other_knows(two: TwoHouses, owner: Both) -> None:
    at_a, at_b = owner
    chat = (await at_b.post("/admin/chats", json={"persona": "emma"})).raise_for_status().headers["location"]
    company = (await at_a.get("/admin/companies/default")).json()
    async with model(two) as fake:
        for number in (1, 2):
            rule, name = f"Mention umbrella number {number}.", f"Umbrellas {number}"
            changed = {each: company[each] for each in ("name", "language", "time_zone", "settings", "plan")}
            facts = json.loads(json.dumps(company["facts"]).replace("Mint Dental", name))
            (await at_a.patch("/admin/personas/emma", json={"rules": rule})).raise_for_status()
            (await at_a.put("/admin/companies/default", json=changed | {"facts": facts})).raise_for_status()
            fake.answers.append([*words("Certainly."), *ending()])
            said = await at_b.post(f"{chat}/messages", json={"text": "Tell me a tale about the sea."})
            assert "event: done" in said.text, said.text
            prompt = json.dumps(fake.requests[-1]["messages"])
            assert rule in prompt
            assert name in prompt


async def test_a_chat_has_one_answer_at_a_time_and_either_stops_it(two: TwoHouses, owner: Both) -> None:
    at_a, at_b = owner
    chat = (await at_a.post("/admin/chats", json={"persona": "emma"})).raise_for_status().headers["location"]
    async with model(two) as fake:
        fake.answers.append([*words("Once upon a time. "), Wait()])
        question = {"text": "Tell me a tale about the sea."}
        async with asyncio.timeout(20), at_a.stream("POST", f"{chat}/messages", json=question) as answer:
            pieces = answer.aiter_text()
            first = ""
            while "event: delta" not in first:
                first += await anext(pieces)
            assert (await at_b.post(f"{chat}/messages", json=question)).status_code == 409
            assert (await at_b.post(f"{chat}/stop")).json() == {"stopped": True}
            rest = first + "".join([piece async for piece in pieces])
    assert '"cut":true' in rest, rest
    assert (await at_b.post(f"{chat}/stop")).json() == {"stopped": False}


# -- trouble ---------------------------------------------------------------------------------------------------------


async def part(at: httpx.AsyncClient, name: str) -> dict[str, Any]:
    """Return a part of /readyz, {} when it is not told of."""
    answer = await at.get("/readyz")
    assert answer.status_code == 200, answer.text
    return next((each for each in answer.json()["parts"] if each["name"] == name), {})


async def test_two_keys_on_one_database_are_told_of_until_there_is_one(two: TwoHouses, owner: Both) -> None:
    stranger = two.house("stranger")
    try:
        await asyncio.to_thread(stranger.start)
        async with client(stranger, owner[0].headers["Authorization"].removeprefix("Bearer ")) as there:
            assert (await there.get("/admin/auth/me")).status_code == 401
            told = await part(there, "secret key")
            assert (told["state"], told["required"]) == ("degraded", False)
            assert "secret.key" in told["remedy"]
            assert "two keys on one database" in stranger.log
            assert await part(owner[0], "secret key") == {}
            own, right = (two.folder / name / "data" / "secret.key" for name in ("stranger", "a"))
            own.write_bytes(right.read_bytes())
            assert (await there.get("/admin/auth/me")).status_code == 200

            async def still() -> dict[str, Any]:
                return await part(there, "secret key")

            await eventually(still, lambda found: found == {})
    finally:
        await asyncio.to_thread(stranger.stop)


async def test_who_starts_leaves_the_calls_of_the_others_alone(two: TwoHouses, owner: Both) -> None:
    at_a, _ = owner
    database = Database(two.database_url)
    try:
        await CallStore(database).append(CallMaker("of-another").started(line="gsm"))

        async def restarted() -> str:
            two.b.kill()
            await asyncio.to_thread(two.b.start)
            return str((await at_a.get("/admin/calls/of-another")).raise_for_status().json()["outcome"])

        async with Leases(database).holding("line:modem:another machine:/dev/ttyUSB2", seconds=60.0):
            assert await restarted() == "ongoing"
        assert await restarted() == "cut"
    finally:
        await database.close()


class Traffic:
    """Requests at both, one after the other, for as long as the context lasts; `statuses` are the answers."""

    def __init__(self, *at: httpx.AsyncClient) -> None:
        self._at = at
        self.statuses: list[int] = []

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def some_more(self) -> None:
        until = len(self.statuses) + 20

        async def made() -> int:
            assert not self._task.done(), self._task.exception()
            return len(self.statuses)

        await eventually(made, lambda found: found >= until)

    async def _run(self) -> None:
        entry = {"question": "Is this number {}?", "answer": "Yes.", "language": "en"}
        for number in range(10_000):
            at = self._at[number % 2]
            question = entry["question"].format(number)
            for answer in (
                await at.get("/admin/auth/me"),
                await at.post("/admin/faq", json=entry | {"question": question}),
                await at.get("/admin/messages"),
            ):
                self.statuses.append(answer.status_code)


async def test_redis_dies_and_comes_back_in_the_middle_of_the_work(two: TwoHouses, owner: Both) -> None:
    await make_user(owner[0], "rita")
    token = await sign_in(two.a, "rita")

    async def away() -> set[str]:
        return {(await part(each, "redis"))["state"] for each in owner}

    async with AsyncExitStack() as stack:
        at_a, at_b = [await stack.enter_async_context(client(each, token)) for each in (two.a, two.b)]
        traffic = await stack.enter_async_context(Traffic(*owner))
        told_a, told_b = [await stack.enter_async_context(feed(each)) for each in owner]
        await traffic.some_more()
        two.redis.kill()
        await traffic.some_more()
        await eventually(away, lambda found: found == {"degraded"})
        two.b.publish(turn("while-away"))
        assert (await soon(told_b))["call_id"] == "while-away"
        apart = [left(await each.get("/admin/calls")) for each in (at_a, at_b, at_a, at_b)]
        assert apart[2:] == [apart[0] - 1, apart[1] - 1], "each counts for itself"
        await asyncio.to_thread(two.redis.start)
        await eventually(away, lambda found: found == {"ready"})
        await traffic.some_more()
        together = [left(await each.get("/admin/calls")) for each in (at_a, at_b, at_a, at_b)]
        assert together == [together[0] - number for number in range(4)]
        assert told_a.empty(), "what happened meanwhile stays where it was"
        await heard_again(two, told_a)
    assert {status for status in traffic.statuses if status >= 300} == set()


async def heard_again(two: TwoHouses, told: asyncio.Queue[dict[str, Any]]) -> None:
    """Let things happen at B until A hears of them again."""

    async def heard() -> bool:
        two.b.publish(turn("afterwards"))
        await asyncio.sleep(0.1)
        return not told.empty()

    await eventually(heard)
    assert (await soon(told))["call_id"] == "afterwards"


def turn(call_id: str) -> CallEvent:
    return CallMaker(call_id).event(1, CallEventType.INTERIM, role="caller", text="hello")
