"""What the owner edits over HTTP: personas, the FAQ, presets, messages."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from api_house import House, api_house

from api.content.faq import faq_router
from services.accounts.roles import Role
from services.domain import TakenMessage
from services.knowledge.faq import FaqMatcher

PERSONA = {
    "slug": "vera",
    "name": "Вера",
    "language": "ru",
    "gender": "female",
    "greeting": "{company}, это {name}.",
    "character": "Краткая.\nВежливая.",
}
ENTRY = {"question": "Когда вы открыты?", "answer": "С девяти до шести.", "language": "ru"}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with api_house(tmp_path) as opened:
        books = opened.platform.books
        opened.app.include_router(faq_router(books.faq, books.companies, FaqMatcher(books.faq)))
        yield opened


def _in_the_other(house: House) -> dict[str, str]:
    return {"X-Company": "other"}


async def test_a_persona_is_added_changed_and_deleted(house: House) -> None:
    added = await house.owner.post("/admin/personas", json=PERSONA)
    assert (added.status_code, added.headers["Location"], added.headers["ETag"]) == (201, "/admin/personas/vera", '"1"')
    assert added.json()["is_default"] is False
    again = await house.owner.post("/admin/personas", json=PERSONA)
    assert again.status_code == 409
    old = added.headers["ETag"]
    changed = await house.owner.patch("/admin/personas/vera", json={"name": "Вероника"}, headers={"If-Match": old})
    assert (changed.status_code, changed.json()["name"], changed.headers["ETag"]) == (200, "Вероника", '"2"')
    stale = await house.owner.patch("/admin/personas/vera", json={"name": "Вика"}, headers={"If-Match": old})
    assert stale.status_code == 412
    assert (await house.owner.delete("/admin/personas/vera", headers={"If-Match": old})).status_code == 412
    assert (await house.owner.delete("/admin/personas/vera")).status_code == 204
    assert (await house.owner.get("/admin/personas/vera")).status_code == 404


async def test_one_persona_answers_in_each_language_and_the_last_one_stays(house: House) -> None:
    await house.owner.post("/admin/personas", json=PERSONA)
    assert (await house.owner.post("/admin/personas/vera/activate")).json()["is_default"] is True
    russian = (await house.owner.get("/admin/personas?language=ru")).json()["items"]
    assert [each["slug"] for each in russian if each["is_default"]] == ["vera"]
    assert (await house.owner.patch("/admin/personas/vera", json={"is_default": False})).status_code == 409
    assert (await house.owner.delete("/admin/personas/vera")).status_code == 204
    left = (await house.owner.get("/admin/personas?language=ru")).json()["items"]
    assert len([each for each in left if each["is_default"]]) == 1, "somebody answers again"
    english = (await house.owner.get("/admin/personas?language=en")).json()["items"]
    for each in english[:-1]:
        assert (await house.owner.delete(f"/admin/personas/{each['slug']}")).status_code == 204
    only = english[-1]["slug"]
    assert (await house.owner.delete(f"/admin/personas/{only}")).status_code == 409
    assert (await house.owner.patch(f"/admin/personas/{only}", json={"language": "ru"})).status_code == 409


@pytest.mark.parametrize(
    "wrong",
    [
        {"greeting": "Hello {caller}"},
        {"greeting": "Hello {name!r}"},
        {"greeting": "Hello {name:>9}"},
        {"greeting": "Hello {name"},
        {"greeting": "Hello {{name}}"},
        {"greeting": "   "},
        {"slug": "Ve ra"},
        {"slug": "vera\n"},
        {"temperature": 3},
        {"voice": "loud"},
        {"language": "russian"},
        {"rules": "a\x00b"},
        {"unknown": 1},
    ],
)
async def test_a_malformed_persona_is_refused(house: House, wrong: dict[str, object]) -> None:
    refused = await house.owner.post("/admin/personas", json={**PERSONA, **wrong})
    assert refused.status_code == 422


async def test_a_call_that_goes_on_keeps_the_persona_it_began_with(house: House) -> None:
    before = await house.platform.books.personas.get("default", "anna")
    await house.owner.patch("/admin/personas/anna", json={"greeting": "Да?"})
    after = await house.platform.books.personas.get("default", "anna")
    assert before is not None
    assert after is not None
    assert (before.version + 1, after.greeting) == (after.version, "Да?")
    assert before.greeting != after.greeting


async def test_the_faq_is_edited_searched_and_counts_at_once(house: House) -> None:
    added = await house.owner.post("/admin/faq", json=ENTRY)
    assert added.status_code == 201
    path, tag = added.headers["Location"], added.headers["ETag"]
    found = (await house.owner.post("/admin/faq/search", json={"query": "когда вы открыты"})).json()["items"]
    assert (found[0]["id"], found[0]["answers"]) == (added.json()["id"], True)
    off = await house.owner.patch(path, json={"enabled": False}, headers={"If-Match": tag})
    assert (off.status_code, off.json()["version"]) == (200, 2)
    assert (await house.owner.post("/admin/faq/search", json={"query": "когда вы открыты"})).json()["items"] == []
    assert len((await house.owner.get("/admin/faq")).json()["items"]) == 1, "the list has those switched off, too"
    assert (await house.owner.get("/admin/faq?enabled=true")).json()["items"] == []
    assert (await house.owner.patch(path, json={"answer": "!"}, headers={"If-Match": tag})).status_code == 412
    assert (await house.owner.delete(path)).status_code == 204
    assert (await house.owner.get(path)).status_code == 404


async def test_presets_are_typed_and_one_is_active(house: House) -> None:
    calm = {"slug": "calm", "name": "Calm", "values": {"temperature": 0.2}}
    first = await house.owner.post("/admin/llm/presets", json=calm)
    assert (first.status_code, first.json()["values"]["max_tokens"], first.json()["active"]) == (201, 300, False)
    assert (await house.owner.post("/admin/llm/presets", json=calm)).status_code == 409
    other = await house.owner.post("/admin/llm/presets", json={**calm, "slug": "wild", "values": {"temperature": 1.5}})
    for path in (first.headers["Location"], other.headers["Location"]):
        assert (await house.owner.post(f"{path}/activate")).json()["active"] is True
    listed = (await house.owner.get("/admin/llm/presets")).json()["items"]
    assert [each["slug"] for each in listed if each["active"]] == ["wild"]
    assert (await house.owner.get("/admin/tts/presets")).json()["items"] == []
    assert (await house.owner.get(f"/admin/tts/presets/{first.json()['id']}")).status_code == 404
    edited = await house.owner.patch(first.headers["Location"], json={"values": {"max_tokens": 100}})
    assert edited.json()["values"] == {"prompt": "", "temperature": 0.6, "max_tokens": 100}
    assert (await house.owner.post("/admin/tts/presets", json={**calm, "values": {"speed": 9}})).status_code == 422
    assert (await house.owner.post("/admin/tts/presets", json={**calm, "values": {"pitch": -2}})).status_code == 201
    assert (await house.owner.delete(first.headers["Location"])).status_code == 204


async def test_messages_are_listed_seen_and_deleted_with_their_sound(house: House) -> None:
    sound = house.data_dir / "recordings" / "m1.ogg"
    sound.parent.mkdir(parents=True, exist_ok=True)
    sound.write_bytes(b"OggS")
    message = TakenMessage("m1", "default", "", "c1", "ru", "Иван", "+79161234567", "Перезвоните.", True)
    await house.platform.books.messages.save(message)
    await house.platform.books.messages.set_audio("default", "m1", "recordings/m1.ogg")
    listed = (await house.owner.get("/admin/messages?new=true")).json()["items"]
    assert [(each["id"], each["seen"], each["has_sound"]) for each in listed] == [("m1", False, True)]
    for _ in range(2):
        assert (await house.owner.post("/admin/messages/m1/seen")).json()["seen"] is True
    assert (await house.owner.get("/admin/messages?new=true")).json()["items"] == []
    assert (await house.owner.get("/admin/messages/m1", headers=_in_the_other(house))).status_code == 404
    assert (await house.owner.delete("/admin/messages/m1", headers=_in_the_other(house))).status_code == 404
    assert sound.exists()
    assert (await house.owner.delete("/admin/messages/m1")).status_code == 204
    assert not sound.exists()
    noted = (await house.owner.get("/admin/audit?resource=messages")).json()["items"]
    assert [each["action"] for each in noted] == ["delete", "seen"]


async def test_another_company_sees_and_changes_nothing_of_it(house: House) -> None:
    made = [
        await house.owner.post("/admin/personas", json=PERSONA),
        await house.owner.post("/admin/faq", json=ENTRY),
        await house.owner.post("/admin/llm/presets", json={"slug": "a", "name": "A", "values": {}}),
    ]
    for each in made:
        path = each.headers["Location"]
        for method, body in (("GET", None), ("PATCH", {}), ("DELETE", None)):
            answer = await house.owner.request(method, path, json=body, headers=_in_the_other(house))
            assert answer.status_code == 404, (method, path)
        assert (await house.owner.get(path)).status_code == 200


async def test_a_guest_may_look_and_not_touch(house: House) -> None:
    await house.accounts.add("default", "greta", "seven grey herons waded", Role.GUEST)
    token = (await house.sign_in("greta")).json()["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}

    async def status(method: str, path: str, body: object = None) -> int:
        answer: httpx.Response = await house.client.request(method, path, json=body, headers=bearer)
        return answer.status_code

    assert await status("GET", "/admin/personas") == 200
    assert await status("POST", "/admin/personas", PERSONA) == 403
    assert await status("DELETE", "/admin/personas/anna") == 403
    assert await status("GET", "/admin/audit") == 403
