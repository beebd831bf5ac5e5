"""Calls over HTTP: placed, listed, shown, deleted."""

from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from api_house import NUMBER, House, Phone, api_house
from call_events import answer, question

from services.domain import TakenMessage
from services.events import CallEventType
from services.storage.calls.messages import Messages
from services.voice.directory import CallOrder


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with api_house(tmp_path) as opened:
        yield opened


async def test_a_call_is_placed_with_all_that_was_asked_for(house: House) -> None:
    house.directory.add(phone := Phone(house.calls))
    wanted = {"to": "+7 (916) 123-45-67", "line": "gsm", "persona": "anna", "purpose": "Remind", "opening": "Hello"}
    placed = await house.owner.post("/admin/calls", json=wanted)
    assert placed.status_code == 202
    assert placed.json() == {"id": "out1"}
    assert placed.headers["location"] == "/admin/calls/out1"
    assert phone.dialled == [CallOrder("default", NUMBER, "gsm", "anna", "Remind", "Hello")]
    assert (await house.owner.get(placed.headers["location"])).json()["outcome"] == "ongoing"


async def test_the_number_alone_is_enough(house: House) -> None:
    house.directory.add(phone := Phone(house.calls))
    assert (await house.owner.post("/admin/calls", json={"to": "112"})).status_code == 202
    assert phone.dialled == [CallOrder("default", "112")]


@pytest.mark.parametrize(
    "to",
    ["", "+", "7", "*#06#", "**21*+79161234567#", "112;", "112\r\nATD900", "ann@example.org", "+7916123456789012345678",
     "1" * 50, "٣٣٣", None, 112, ["112"]],
)  # fmt: skip
async def test_what_is_no_number_is_not_dialled(house: House, to: Any) -> None:
    house.directory.add(phone := Phone(house.calls))
    refused = await house.owner.post("/admin/calls", json={"to": to})
    assert refused.status_code == 422, refused.text
    assert refused.headers["content-type"] == "application/problem+json"
    assert phone.dialled == []


@pytest.mark.parametrize("more", [{"persona": "nobody"}, {"number": "112"}, {"purpose": "x" * 501}, {"line": "\0"}])
async def test_a_call_that_would_not_be_what_was_meant_is_not_placed(house: House, more: dict[str, str]) -> None:
    house.directory.add(phone := Phone(house.calls))
    assert (await house.owner.post("/admin/calls", json={"to": NUMBER, **more})).status_code == 422
    assert phone.dialled == []


async def test_why_a_call_cannot_be_placed_is_told(house: House) -> None:
    none = await house.owner.post("/admin/calls", json={"to": NUMBER})
    assert none.status_code == 409
    assert none.json()["detail"].startswith("No line that can call is connected.")
    house.directory.add(Phone(house.calls, refuses="The number is not on the list of allowed ones."))
    house.directory.add(Phone(house.calls, "theirs", "other"))
    forbidden = await house.owner.post("/admin/calls", json={"to": NUMBER})
    assert forbidden.status_code == 409
    assert forbidden.json()["detail"] == "The number is not on the list of allowed ones. Change the line's policy."
    theirs = await house.owner.post("/admin/calls", json={"to": NUMBER, "line": "theirs"})
    assert (theirs.status_code, "There is no line" in theirs.json()["detail"]) == (409, True)


async def test_nobody_dials_without_signing_in(house: House) -> None:
    house.directory.add(phone := Phone(house.calls))
    assert (await house.client.post("/admin/calls", json={"to": NUMBER})).status_code == 401
    assert phone.dialled == []


async def test_calls_are_listed_newest_first_in_pages(house: House) -> None:
    for number in range(5):
        await house.store_call(f"c{number}")
        house.clock.ahead += 1
    await house.store_call("theirs", company="other")
    seen: list[str] = []
    query: dict[str, str] = {"limit": "2"}
    while True:
        page = (await house.owner.get("/admin/calls", params=query)).json()
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert seen == ["c4", "c3", "c2", "c1", "c0"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"line": "gsm-2"}, ["second"]),
        ({"direction": "out"}, ["second"]),
        ({"direction": "in"}, ["open", "first"]),
        ({"outcome": "ongoing"}, ["open"]),
        ({"outcome": "answered"}, ["second", "first"]),
        ({"outcome": "busy"}, []),
        ({"number": "+7 916 1234567"}, ["open", "first"]),
        ({"number": NUMBER, "outcome": "answered"}, ["first"]),
    ],
)
async def test_a_list_can_be_narrowed_down(house: House, query: dict[str, str], found: list[str]) -> None:
    await house.store_call("first")
    house.clock.ahead += 1
    await house.store_call("second", number="+79990000000", line="gsm-2", direction="out")
    house.clock.ahead += 1
    await house.store_call("open", ended=False)
    page = (await house.owner.get("/admin/calls", params=query)).json()
    assert [item["id"] for item in page["items"]] == found


@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"limit": "201"}, {"cursor": "x"}, {"direction": "up"}, {"outcome": "x"}, {"number": " "}]
)
async def test_a_list_that_cannot_be_is_422(house: House, query: dict[str, str]) -> None:
    refused = await house.owner.get("/admin/calls", params=query)
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"


async def test_a_call_is_shown_with_all_that_was_said(house: House) -> None:
    await house.store_call("c1", ended=False, direction="out", purpose="Remind")
    await house.event("c1", 2, CallEventType.TURN, **asdict(question()))
    await house.event("c1", 3, CallEventType.TURN, **asdict(answer()))
    shown = (await house.owner.get("/admin/calls/c1")).json()
    assert (shown["outcome"], shown["ended_at"], shown["purpose"], shown["recorded"]) == (
        "ongoing",
        None,
        "Remind",
        False,
    )
    assert [turn["heard"] for turn in shown["turns"]] == [question().heard, answer().heard]
    assert shown["turns"][0]["words"] == [dict(word) for word in question().words]
    assert shown["turns"][1]["stages"] == dict(answer().stages)
    await house.record("c1")
    await house.end_call("c1")
    shown = (await house.owner.get("/admin/calls/c1")).json()
    assert (shown["outcome"], shown["recorded"], "recording_path" in shown) == ("answered", True, False)


async def test_calls_of_others_and_of_nobody_are_not_there(house: House) -> None:
    await house.store_call("theirs", company="other")
    for call_id in ("theirs", "nobodys"):
        for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/recording"), ("POST", "/end")):
            assert (await house.owner.request(method, f"/admin/calls/{call_id}{path}")).status_code == 404, (
                call_id,
                path,
            )
    assert await house.calls.get("other", "theirs") is not None


async def test_a_deleted_call_is_gone_with_its_sounds(house: House) -> None:
    await house.store_call("c1", ended=False)
    await house.event("c1", 2, CallEventType.TURN, **asdict(question()))
    sound = await house.record("c1")
    left = sound.with_name("c1.message-1.ogg")
    left.write_bytes(b"OggS")
    message = TakenMessage("m1", "default", "", "c1", "ru", "Ann", "", "hello", confirmed=True)
    await Messages(house.database).save(message)
    await Messages(house.database).set_audio("default", "m1", "recordings/2026/11/c1.message-1.ogg")

    going_on = await house.owner.delete("/admin/calls/c1")
    assert (going_on.status_code, sound.exists()) == (409, True)
    assert "End it first" in going_on.json()["detail"]

    await house.end_call("c1")
    assert (await house.owner.delete("/admin/calls/c1")).status_code == 204
    assert not sound.exists()
    assert not left.exists()
    assert (await house.owner.get("/admin/calls/c1")).status_code == 404
    assert await Messages(house.database).list("default") == []
    assert (await house.owner.delete("/admin/calls/c1")).status_code == 404


async def test_a_sound_that_cannot_be_deleted_keeps_its_call(house: House) -> None:
    await house.store_call("c1", ended=False)
    sound = await house.record("c1")
    await house.end_call("c1")
    sound.unlink()
    sound.mkdir()  # what unlink refuses, also for the superuser
    failed = await house.owner.delete("/admin/calls/c1")
    assert failed.status_code == 503
    assert (await house.owner.get("/admin/calls/c1")).status_code == 200, "it can be deleted again"
    sound.rmdir()
    assert (await house.owner.delete("/admin/calls/c1")).status_code == 204
