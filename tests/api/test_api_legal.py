"""Legal texts and consents over HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from api_house import House, api_house

WORDS = 'We record <b>calls</b> & "keep" them.\nЗаписываем.'


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with api_house(tmp_path) as opened:
        yield opened


async def write(house: House, text: str = WORDS, language: str = "en", **headers: str) -> str:
    body = {"kind": "privacy", "language": language, "text": text}
    answer = await house.owner.post("/admin/legal", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def test_everybody_reads_what_is_published_and_nothing_else(house: House) -> None:
    draft = await write(house)
    path = "/legal/default/privacy"
    assert (await house.client.get(path)).status_code == 404
    assert (await house.owner.post(f"/admin/legal/{draft}/publish")).json()["published_at"] is not None
    plain = await house.client.get(path, headers={"Accept": "*/*"})
    assert (plain.status_code, plain.text, plain.headers["content-language"]) == (200, WORDS, "en")
    assert plain.headers["content-type"].startswith("text/plain")
    page = await house.client.get(path, headers={"Accept": "text/html,*/*"})
    assert page.headers["content-type"].startswith("text/html")
    assert ("<b>" in page.text, "&lt;b&gt;calls" in page.text) == (False, True)
    newer = await write(house, "Newer.")
    assert (await house.client.get(path)).text == WORDS
    await house.owner.post(f"/admin/legal/{newer}/publish")
    assert (await house.client.get(path, params={"language": "en"})).text == "Newer."
    assert (await house.client.get(path, params={"language": "ru"})).status_code == 404
    for nobody in "/legal/other/privacy", "/legal/nobody/privacy", "/legal/default/terms":
        answer = await house.client.get(nobody)
        assert (answer.status_code, answer.json()["detail"]) == (404, "There is no such text.")
    for wrong in "/legal/default/cookies", "/legal/..%2f/privacy", "/legal/default/privacy?language=%00":
        assert (await house.client.get(wrong)).status_code in (404, 422)


async def test_a_published_text_stays_and_a_draft_may_go(house: House) -> None:
    draft, shown = await write(house), await write(house)
    await house.owner.post(f"/admin/legal/{shown}/publish")
    assert (await house.owner.delete(f"/admin/legal/{shown}")).status_code == 409
    assert (await house.owner.delete(f"/admin/legal/{draft}")).status_code == 204
    assert (await house.owner.get(f"/admin/legal/{draft}")).status_code == 404
    foreign = {"X-Company": "other"}
    for method, path in ("GET", ""), ("POST", "/publish"), ("DELETE", ""):
        answer = await house.owner.request(method, f"/admin/legal/{shown}{path}", headers=foreign)
        assert answer.status_code == 404
    assert (await house.owner.get("/admin/legal", headers=foreign)).json()["items"] == []
    for wrong in {"text": ""}, {"text": "a\x00"}, {"kind": "cookies"}, {"language": "english"}, {"version": 7}:
        body = {"kind": "privacy", "language": "en", "text": WORDS, **wrong}
        assert (await house.owner.post("/admin/legal", json=body)).status_code == 422, wrong


async def test_a_consent_is_recorded_found_in_any_spelling_and_taken_back(house: House) -> None:
    text = await write(house)
    given = {"contact": "8 (916) 123-45-67", "kind": "recording", "channel": "gsm", "text_id": text, "evidence": "c1"}
    recorded = await house.owner.post("/admin/consents", json=given)
    assert (recorded.status_code, recorded.json()["contact"]) == (201, "+79161234567")
    consent = recorded.json()["id"]
    for spelling in "+79161234567", "89161234567", "8 916 123 45 67":
        found = await house.owner.get("/admin/consents", params={"contact": spelling})
        assert [each["id"] for each in found.json()["items"]] == [consent], spelling
    assert (await house.owner.get("/admin/consents", params={"contact": "+79160000000"})).json()["items"] == []
    foreign = {"X-Company": "other"}
    for method, path in ("GET", ""), ("POST", "/withdraw"):
        answer = await house.owner.request(method, f"/admin/consents/{consent}{path}", headers=foreign)
        assert answer.status_code == 404
    assert (await house.owner.post("/admin/consents", json=given, headers=foreign)).status_code == 422
    taken_back = (await house.owner.post(f"/admin/consents/{consent}/withdraw")).json()
    assert taken_back["withdrawn_at"] is not None
    again = await house.owner.post(f"/admin/consents/{consent}/withdraw")
    assert again.json() == taken_back
    email = {"contact_kind": "email", "contact": "Ann@Example.org", "kind": "processing", "channel": "web"}
    assert (await house.owner.post("/admin/consents", json=email)).json()["contact"] == "ann@example.org"
    wrong: list[dict[str, object]] = [
        {"contact_kind": "email", "contact": "ann"}, {"contact": " "}, {"contact": "a\x00"}, {"kind": "Voice cloning"},
        {"kind": "x" * 41}, {"given_at": "2026-01-01T00:00:00"}, {"text_id": "nothing"}, {"channel": ""},
    ]  # fmt: skip
    for each in wrong:
        assert (await house.owner.post("/admin/consents", json={**given, **each})).status_code == 422, each
