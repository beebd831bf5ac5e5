"""What other programs send in: only signed, only once, only now; handled in the background, a crash included."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_house import House, api_house
from eventually import eventually
from hypothesis import given
from hypothesis import strategies as st
from webhook_receiver import signed

from api.webhooks.incoming import LONGEST, MOST_FAILURES
from api.webhooks.services.standard import SERVICE
from services.delivery import signing
from services.errors import RefusedError, SignInError
from services.storage.calls.calls import CallFilter

MESSAGE = {"type": "message.create", "data": {"name": "Пётр", "number": "+79161234567", "matter": "Привезите хлеб"}}


@dataclass
class Door:
    """A house with one incoming webhook."""

    house: House
    id: str
    secret: str

    @property
    def path(self) -> str:
        return f"/webhooks/standard/{self.id}"

    def now(self) -> int:
        return int(self.house.clock.now().timestamp())

    async def send(self, payload: object, message_id: str = "msg_1", **changes: Any) -> httpx.Response:
        """Send a payload as the other program would; `changes` are of the secret, the time, or a header."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload, ensure_ascii=False).encode()
        headers = signed(changes.pop("secret", self.secret), message_id, changes.pop("at", self.now()), body)
        for name, value in changes.items():
            headers.pop(name.replace("_", "-"))
            headers |= {} if value is None else {name.replace("_", "-"): value}
        return await self.house.client.post(self.path, content=body, headers=headers)

    async def arrivals(self) -> list[dict[str, Any]]:
        answer = await self.house.owner.get(f"/admin/webhooks/{self.id}/arrivals")
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def handled(self, count: int) -> list[dict[str, Any]]:
        return await eventually(
            self.arrivals, lambda found: sum(each["status"] != "arrived" for each in found) >= count
        )


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with api_house(tmp_path) as house:
        made = await house.owner.post("/admin/webhooks", json={"direction": "in", "description": "the web shop"})
        assert made.status_code == 201, made.text
        found = made.json()
        assert found["path"] == f"/webhooks/standard/{found['id']}"
        yield Door(house, found["id"], found["secret"])


async def test_a_message_reaches_the_owner_once_however_often_it_comes(door: Door) -> None:
    first = await door.send(MESSAGE)
    assert (first.status_code, first.json()) == (200, {"status": "accepted", "duplicate": False})
    assert await door.house.platform.books.messages.list("default") == []  # nobody has handled it yet
    again = await door.send(MESSAGE)
    assert (again.status_code, again.json()["duplicate"]) == (200, True)
    async with door.house.platform.deliveries.running():  # as after a crash: what has arrived is taken up at the start
        await door.handled(1)
        assert (await door.send(MESSAGE)).json()["duplicate"] is True
        await door.send(MESSAGE, "msg_2")
        await door.handled(2)
    messages = await door.house.platform.books.messages.list("default")
    assert [(each.name, each.number, each.matter) for each in messages] == [
        ("Пётр", "+79161234567", "Привезите хлеб")
    ] * 2
    assert await door.house.platform.books.messages.list("other") == []


async def test_many_copies_at_once_are_stored_once(door: Door) -> None:
    answers = await asyncio.gather(*(door.send(MESSAGE) for _ in range(20)))
    assert {each.status_code for each in answers} == {200}
    assert sum(not each.json()["duplicate"] for each in answers) == 1
    assert len(await door.arrivals()) == 1


WRONG: list[dict[str, Any]] = [
    {"webhook_signature": None},
    {"webhook_id": None},
    {"webhook_timestamp": None},
    {"webhook_signature": ""},
    {"webhook_signature": "v1,"},
    {"webhook_signature": "v1," + "A" * 43 + "="},
    {"webhook_id": "msg_other"},
    {"webhook_timestamp": "1"},
    {"webhook_timestamp": "soon"},
    {"secret": "whsec_" + "b" * 32},
]


async def test_what_is_not_signed_right_is_refused_and_always_alike(door: Door) -> None:
    for wrong in WRONG:
        answer = await door.send(MESSAGE, **wrong)
        assert answer.status_code == 401, wrong
        assert answer.json()["detail"].startswith("The signature is missing, wrong or too old.")
    assert await door.arrivals() == []


async def test_old_and_coming_times_are_refused_and_a_replay_too(door: Door) -> None:
    for at in (door.now() - 310, door.now() + 310):
        assert (await door.send(MESSAGE, at=at)).status_code == 401
    then = door.now()
    assert (await door.send(MESSAGE, at=then)).status_code == 200
    door.house.clock.ahead += 310.0
    assert (await door.send(MESSAGE, at=then)).status_code == 401


async def test_one_changed_byte_breaks_the_signature(door: Door) -> None:
    body = json.dumps(MESSAGE).encode()
    headers = signed(door.secret, "msg_1", door.now(), body)
    for changed in (body + b" ", body.replace(b"create", b"delete"), b""):
        answer = await door.house.client.post(door.path, content=changed, headers=headers)
        assert answer.status_code == 401


async def test_the_old_secret_is_good_for_a_day(door: Door) -> None:
    rotated = (await door.house.owner.post(f"/admin/webhooks/{door.id}/rotate-secret")).json()["secret"]
    assert (await door.send(MESSAGE, "a")).status_code == 200
    assert (await door.send(MESSAGE, "b", secret=rotated)).status_code == 200
    door.house.clock.ahead += 86_401.0
    assert (await door.send(MESSAGE, "c")).status_code == 401
    assert (await door.send(MESSAGE, "d", secret=rotated)).status_code == 200


async def test_what_is_not_there_is_not_told_apart(door: Door) -> None:
    outgoing = await door.house.platform.deliveries.webhooks.add("default", door.secret, direction="out")
    details = set()
    for path in (
        "standard/none",
        f"unknown/{door.id}",
        f"__init__/{door.id}",
        f"standard/{outgoing.id}",
        "standard/%00",
    ):
        answer = await door.house.client.post(f"/webhooks/{path}", content=b"{}")
        assert answer.status_code == 404, path
        details.add(answer.json()["detail"])
    await door.house.owner.patch(f"/admin/webhooks/{door.id}", json={"active": False})
    details.add((await door.send(MESSAGE)).json()["detail"])
    assert len(details) == 1


async def test_who_fails_too_often_has_to_wait(door: Door) -> None:
    for _ in range(MOST_FAILURES):
        assert (await door.send(MESSAGE, webhook_signature="v1,x")).status_code == 401
    answer = await door.send(MESSAGE)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 60
    door.house.clock.ahead += 61.0
    assert (await door.send(MESSAGE)).status_code == 200


async def test_a_body_that_is_too_long_is_refused(door: Door) -> None:
    assert (await door.send(b"x" * (LONGEST + 1))).status_code == 413


NO_EVENTS = [b"", b"{", b"[]", b"\xff", b'{"type": 5}', b'{"type": ""}', b'{"type": "a\\u0000"}',
    b'{"type":"a","x":NaN}', b"[" * 100_000, b'{"type":"a","x":"\\ud800"}',
    b'{"type":"a","x":1e400}', b'{"type":"a","x":' + b"[" * 900 + b"]" * 900 + b"}"]  # fmt: skip


async def test_a_signed_body_that_is_no_event_is_refused(door: Door) -> None:
    for body in NO_EVENTS:
        answer = await door.send(body)
        assert answer.status_code == 422, body
    assert await door.arrivals() == []


async def test_other_events_are_kept_as_they_came_and_bad_messages_are_shown_as_refused(door: Door) -> None:
    order = {"type": "order.paid", "data": {"total": "12 ₽ \u0000"}}
    assert (await door.send(json.dumps(order).encode(), "a")).status_code == 200
    await door.send({"type": "message.create", "data": {"name": "x"}}, "b")
    await door.send({"type": "message.create", "data": {"matter": "x\u0001y"}}, "c")
    async with door.house.platform.deliveries.running():
        found = {each["delivery_id"]: each for each in await door.handled(3)}
    assert (found["a"]["status"], found["a"]["type"], found["a"]["payload"]["type"]) == (
        "handled",
        "order.paid",
        "order.paid",
    )
    assert (found["b"]["status"], found["c"]["status"]) == ("refused", "refused")
    assert "data.matter" in found["b"]["error"]
    dead = (await door.house.owner.get("/admin/outbox?status=dead&kind=arrival")).json()["items"]
    assert len(dead) == 2
    calls, _ = await door.house.calls.list("default", only=CallFilter())
    assert calls == ()


async def test_a_secret_of_the_other_program_may_be_given(door: Door) -> None:
    given_ = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    made = await door.house.owner.post("/admin/webhooks", json={"direction": "in", "secret": given_})
    assert made.json()["secret"] == given_
    other = Door(door.house, made.json()["id"], given_)
    assert (await other.send(MESSAGE)).status_code == 200
    assert (await other.send(MESSAGE, secret=door.secret)).status_code == 401
    await door.house.owner.delete(f"/admin/webhooks/{other.id}")
    assert (await other.send(MESSAGE)).status_code == 404


def test_signatures_are_those_of_the_specification() -> None:
    """The example of https://www.standardwebhooks.com's own libraries."""
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    given_ = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    now = datetime.fromtimestamp(1614265330, UTC)
    assert signing.verify(given_, body, [secret], now) == given_["webhook-id"]
    assert signing.sign([secret], given_["webhook-id"], now, body) == given_
    several = {**given_, "webhook-signature": f"v1,bm90aGluZw== v2,x {given_['webhook-signature']}"}
    assert signing.verify(several, body, [signing.new_secret(), secret], now)
    with pytest.raises(SignInError):
        signing.verify(given_, body, [], now)


@given(st.dictionaries(st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]), st.text()))
def test_no_headers_open_the_door_by_accident(headers: dict[str, str]) -> None:
    with pytest.raises(SignInError):
        signing.verify(headers, b"{}", [signing.new_secret()], datetime.now(UTC))


@given(st.binary(max_size=200))
def test_any_body_is_an_event_or_refused(body: bytes) -> None:
    try:
        kind, payload = SERVICE.read(body)
    except RefusedError:
        return
    assert payload["type"] == kind
