"""Outgoing webhooks through the API, from what happens in the house to a receiver that checks the signature itself."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_house import NUMBER, House, api_house
from eventually import eventually
from webhook_receiver import Received, Receiver, plain, receiver, signature

from services.domain import TakenMessage
from services.events import CallEventType
from services.storage.texts.records import ReceivedText, StoredPart

LOOPBACK: dict[str, Any] = {"webhooks": {"allow_http": True, "allow_private": ("127.0.0.1/32",)}}


@dataclass
class Set:
    """A house that sends, and a shop that receives."""

    house: House
    shop: Receiver

    async def make(self, *events: str, **more: object) -> httpx.Response:
        wanted = {"url": self.shop.url(), "events": list(events) or ["call.ended"], **more}
        return await self.house.owner.post("/admin/webhooks", json=wanted)

    async def get(self, path: str) -> Any:
        answer = await self.house.owner.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def settled(self, webhook_id: str, count: int = 1) -> list[dict[str, Any]]:
        """Wait until so many deliveries of a webhook are tried, and return them, newest first."""

        async def look() -> list[dict[str, Any]]:
            items: list[dict[str, Any]] = (await self.get(f"/admin/webhooks/{webhook_id}/deliveries"))["items"]
            return items

        return await eventually(
            look, lambda items: sum(each["status"] != "waiting" or bool(each["last_error"]) for each in items) >= count
        )


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Set]:
    async with api_house(tmp_path, **LOOPBACK) as house, receiver() as shop, house.platform.deliveries.running():
        yield Set(house, shop)


def _right(received: Received, *secrets: str) -> bool:
    """Check every signature on our own."""
    stamp = received.headers["webhook-timestamp"]
    expected = [signature(secret, received.id, stamp, received.body) for secret in secrets]
    return received.headers["webhook-signature"].split() == expected


async def test_the_end_of_a_call_is_told_signed(desk: Set) -> None:
    made = await desk.make("call.ended", "call.missed", description="our CRM")
    assert made.status_code == 201
    webhook = made.json()
    assert made.headers["location"] == f"/admin/webhooks/{webhook['id']}"
    assert made.headers["etag"] == '"1"'
    assert made.headers["cache-control"] == "no-store"
    await desk.house.store_call("c1")
    await desk.house.end_call("c1")  # the same event again
    await desk.shop.until(1)
    (received,) = desk.shop.received
    assert _right(received, webhook["secret"])
    assert received.headers["content-type"] == "application/json"
    assert received.headers["user-agent"].startswith("AI-Secretary")
    assert received.json["type"] == "call.ended"
    told = received.json["data"]
    assert (told["id"], told["number"], told["outcome"], told["seconds"]) == ("c1", NUMBER, "answered", 5.0)
    (delivery,) = await desk.settled(webhook["id"])
    assert (delivery["status"], delivery["attempts"]) == ("delivered", 1)
    shown = await desk.get(f"/admin/outbox/{delivery['id']}")
    assert shown["receipt"] == {"status": 200, "answer": "thanks"}
    assert received.id == f"msg_{delivery['id']}"
    assert "secret" not in await desk.get(f"/admin/webhooks/{webhook['id']}")


async def test_missed_calls_messages_texts_and_erasures_are_told(desk: Set) -> None:
    await desk.make("call.missed", "message.taken", "text.received", "contact.erased")
    house = desk.house
    await house.store_call("c1", ended=False)
    missed: dict[str, Any] = {"outcome": "missed", "reason": "caller_hangup", "seconds": 0.0, "stats": {}}
    await house.event("c1", 9, CallEventType.ENDED, **missed)
    taken = TakenMessage("m1", "default", "", "c1", "ru", "Пётр", NUMBER, "Привезите хлеб", confirmed=True)
    await house.platform.books.messages.save(taken)
    await house.platform.books.messages.save(taken)  # the same words again are no news
    texts = house.platform.books.texts.of_line("default", "gsm")
    now = house.clock.now()
    await texts.add_part(StoredPart("f1", "00", now, NUMBER, "Привет", 0, 1, 1))
    await texts.add_received(ReceivedText(number=NUMBER, text="Привет", kind="text", received_at=now), ["f1"])
    await desk.shop.until(3)
    erased = await house.owner.delete(f"/admin/contacts/{NUMBER}")
    assert erased.status_code in {200, 204}
    await desk.shop.until(4)
    types = [each.json["type"] for each in desk.shop.received]
    assert sorted(types[:3]) == ["call.missed", "message.taken", "text.received"]
    assert types[3:] == ["contact.erased"]
    left = (await desk.get("/admin/outbox?limit=200"))["items"]
    assert len(left) == 1  # nothing that was told of the number stays


async def test_only_active_webhooks_of_the_company_that_want_an_event_hear_it(desk: Set) -> None:
    await desk.make("message.taken")
    off = (await desk.make("call.ended", active=False)).json()
    deaf = desk.house.platform.deliveries.webhooks
    await deaf.add("other", "whsec_" + "a" * 32, direction="out", url=desk.shop.url(), events=["call.ended"])
    await desk.house.store_call("c1")
    heard = (await desk.make("call.ended")).json()
    await desk.house.store_call("c2")
    await desk.shop.until(1)
    assert [each.json["data"]["id"] for each in desk.shop.received] == ["c2"]
    assert (await desk.settled(heard["id"]))[0]["status"] == "delivered"
    assert (await desk.get(f"/admin/webhooks/{off['id']}/deliveries"))["items"] == []


async def test_a_rotated_secret_signs_beside_the_old_one_for_a_day(desk: Set) -> None:
    made = (await desk.make()).json()
    path = f"/admin/webhooks/{made['id']}"
    stale = await desk.house.owner.post(f"{path}/rotate-secret", headers={"If-Match": '"7"'})
    assert stale.status_code == 412
    rotated = (await desk.house.owner.post(f"{path}/rotate-secret", headers={"If-Match": '"1"'})).json()
    assert rotated["secret"] != made["secret"]
    assert (await desk.house.owner.post(f"{path}/test")).status_code == 202
    await desk.shop.until(1)
    assert desk.shop.received[0].json["type"] == "ping"
    assert _right(desk.shop.received[0], rotated["secret"], made["secret"])
    desk.house.clock.ahead += 86_401.0
    desk.house.owner.headers["Authorization"] = f"Bearer {(await desk.house.sign_in()).json()['access_token']}"
    assert (await desk.house.owner.post(f"{path}/test")).status_code == 202
    await desk.shop.until(2)
    assert _right(desk.shop.received[1], rotated["secret"])


async def test_gone_switches_a_webhook_off_and_a_redirect_is_a_refusal(desk: Set) -> None:
    made = (await desk.make()).json()
    path = f"/admin/webhooks/{made['id']}"
    desk.shop.answer = lambda _received: plain(301, Location="http://169.254.169.254/")
    tested = (await desk.house.owner.post(f"{path}/test")).json()
    (redirected,) = await desk.settled(made["id"])
    assert redirected["id"] == tested["delivery_id"]
    assert redirected["last_error"].startswith("The receiver answered 301.")
    desk.shop.answer = lambda _received: plain(410)
    await desk.house.owner.post(f"{path}/test")
    (gone, _) = await desk.settled(made["id"], 2)
    assert gone["status"] == "dead"
    shown = await desk.get(path)
    assert (shown["active"], shown["version"]) == (False, 2)
    assert "410" in shown["switched_off"]
    assert (await desk.house.owner.post(f"{path}/test")).status_code == 409
    desk.shop.answer = lambda _received: plain(204)
    again = await desk.house.owner.patch(path, json={"active": True}, headers={"If-Match": '"2"'})
    assert (again.json()["active"], again.json()["switched_off"], again.headers["etag"]) == (True, "", '"3"')
    retried = await desk.house.owner.post(f"/admin/outbox/{gone['id']}/retry")
    assert retried.status_code == 200
    await eventually(lambda: desk.get(f"/admin/outbox/{gone['id']}"), lambda found: found["status"] == "delivered")
    assert [each.id for each in desk.shop.received[1:]] == [f"msg_{gone['id']}"] * 2


async def test_retry_after_is_honoured(desk: Set) -> None:
    made = (await desk.make()).json()
    desk.shop.answer = lambda _received: plain(503, Retry_After="7200")
    await desk.house.owner.post(f"/admin/webhooks/{made['id']}/test")
    (delivery,) = await desk.settled(made["id"])
    shown = await desk.house.platform.books.outbox.get("default", delivery["id"])
    assert 7100 < (shown.next_at - desk.house.clock.now()).total_seconds() < 7300


WRONG: list[dict[str, object]] = [
    {"url": "https://10.0.0.1/", "events": ["call.ended"]},
    {"url": "https://169.254.169.254/latest", "events": ["call.ended"]},
    {"url": "ftp://example.com/", "events": ["call.ended"]},
    {"url": "https://example.com/", "events": ["call.unheard"]},
    {"url": "https://example.com/", "events": []},
    {"url": "https://example.com/\r\nX: y", "events": ["call.ended"]},
    {"events": ["call.ended"]},
    {"direction": "in", "service": "unknown"},
    {"direction": "in", "url": "https://example.com/"},
    {"direction": "in", "secret": "whsec_c2hvcnQ="},
    {"url": "https://example.com/", "events": ["call.ended"], "extra": 1},
]


async def test_what_cannot_be_a_webhook_is_refused(desk: Set) -> None:
    for wanted in WRONG:
        answer = await desk.house.owner.post("/admin/webhooks", json=wanted)
        assert answer.status_code == 422, answer.text
        assert "c2hvcnQ" not in answer.text
    assert (await desk.get("/admin/webhooks"))["items"] == []


async def test_webhooks_are_listed_changed_and_deleted(desk: Set) -> None:
    owner = desk.house.owner
    ids = [(await desk.make()).json()["id"] for _ in range(3)]
    page = await desk.get("/admin/webhooks?limit=2")
    rest = await desk.get(f"/admin/webhooks?limit=2&cursor={page['next_cursor']}")
    assert {each["id"] for each in page["items"] + rest["items"]} == set(ids)
    assert rest["next_cursor"] is None
    path = f"/admin/webhooks/{ids[0]}"
    stale = await owner.patch(path, json={"description": "x"}, headers={"If-Match": '"9"'})
    assert stale.status_code == 412
    bad = await owner.patch(path, json={"url": "http://10.0.0.1/"})
    assert bad.status_code == 422
    changed = await owner.patch(path, json={"events": ["contact.erased"], "description": "x"})
    assert (changed.json()["events"], changed.json()["description"]) == (["contact.erased"], "x")
    vault = desk.house.platform.secrets
    assert await vault.get("default", f"webhook:{ids[0]}")
    assert (await owner.delete(path)).status_code == 204
    assert await vault.get("default", f"webhook:{ids[0]}") is None
    for answer in (await owner.get(path), await owner.delete(path), await owner.post(f"{path}/test")):
        assert answer.status_code == 404
    assert (await owner.get("/admin/outbox/none")).status_code == 404
    assert (await owner.post("/admin/outbox/none/drop")).status_code == 404


async def test_secrets_are_sealed_and_in_no_log(desk: Set, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    made = (await desk.make()).json()
    await desk.house.owner.post(f"/admin/webhooks/{made['id']}/test")
    await desk.shop.until(1)
    await desk.settled(made["id"])
    secret = made["secret"].removeprefix("whsec_")
    assert secret not in caplog.text
    for file in desk.house.data_dir.rglob("secretary.db*"):
        assert secret.encode() not in file.read_bytes()
