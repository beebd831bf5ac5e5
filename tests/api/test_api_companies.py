"""Companies over HTTP: made, changed, deactivated, removed without a trace."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_house import PASSWORD, House, api_house

from services.accounts.roles import Role
from services.domain import TakenMessage
from services.storage.calls.messages import Messages

NEW = {"name": "Dentist", "language": "en", "time_zone": "Europe/London"}
SETTINGS = {
    "address": "12 Green Street",
    "hours": {"monday": "09:00-13:00,14:00-18:00", "friday": "10:00-24:00"},
    "holidays": [{"day": "2027-01-01", "name": "New Year"}],
}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with api_house(tmp_path) as opened:
        yield opened


async def made(house: House, **more: Any) -> dict[str, Any]:
    answer = await house.owner.post("/admin/companies", json={**NEW, **more})
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/admin/companies/{answer.json()['id']}"
    return dict(answer.json())


async def client_of(house: House, name: str, role: Role, company: str = "default") -> httpx.AsyncClient:
    await house.accounts.add(company, name, PASSWORD, role)
    token = (await house.accounts.sign_in(name, PASSWORD, "")).access_token
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(house.app), base_url="http://house", headers={"Authorization": f"Bearer {token}"}
    )


async def test_a_new_company_has_people_to_answer_and_questions(house: House) -> None:
    company = await made(house, settings=SETTINGS, facts={"en": {"hours": "nine to six"}})
    assert (company["plan"], company["active"], company["version"]) == ("standard", True, 1)
    assert company["settings"]["hours"]["tuesday"] == ""
    assert company["settings"]["address"] == "12 Green Street"
    assert len(await house.platform.books.personas.all(company["id"])) >= 2
    assert await house.platform.books.faq.entries(company["id"])
    listed = (await house.owner.get("/admin/companies")).json()["items"]
    assert {each["id"] for each in listed} == {"default", "other", company["id"]}
    first = (await house.owner.get("/admin/companies?limit=1")).json()
    assert len(first["items"]) == 1
    rest = (await house.owner.get("/admin/companies", params={"cursor": first["next_cursor"]})).json()
    assert len(rest["items"]) == 2


async def test_what_is_no_company_is_refused(house: House) -> None:
    wrong: list[dict[str, Any]] = [
        {"name": ""}, {"name": "  "}, {"name": "a\x00"}, {"language": "xx"}, {"time_zone": "Mars/Base"},
        {"time_zone": "../../etc/passwd"}, {"plan": "golden"}, {"limits": {"flights_per_day": 1}},
        {"limits": {"calls_per_day": -1}}, {"settings": {"hours": {"monday": "18:00-09:00"}}},
        {"settings": {"hours": {"monday": "9-18"}}}, {"settings": {"hours": {"monday": "09:00-12:00,11:00-13:00"}}},
        {"settings": {"holidays": [{"day": "2027-02-30"}]}}, {"facts": {"en": {"Hours": "x"}}}, {"id": "mine"},
        {"facts": {"en": {"hours": "x" * 2001}}},
    ]  # fmt: skip
    for each in wrong:
        answer = await house.owner.post("/admin/companies", json={**NEW, **each})
        assert answer.status_code == 422, each


async def test_an_administrator_changes_the_own_company_and_no_plan(house: House) -> None:
    async with await client_of(house, "peter", Role.ADMIN, "other") as peter:
        shown = await peter.get("/admin/companies/current")
        assert (shown.json()["id"], shown.headers["etag"]) == ("other", '"1"')
        change = {**NEW, "name": "Other Ltd", "facts": {"en": {"hours": "ten to four"}}, "settings": SETTINGS}
        edited = await peter.put("/admin/companies/current", json=change, headers={"If-Match": '"1"'})
        assert (edited.status_code, edited.headers["etag"]) == (200, '"2"')
        stale = await peter.put("/admin/companies/current", json=change, headers={"If-Match": '"1"'})
        assert stale.status_code == 412
        assert (await peter.put("/admin/companies/current", json={**change, "plan": "unlimited"})).status_code == 422
        for method, path in ("GET", ""), ("GET", "/default"), ("POST", "/other/deactivate"), ("DELETE", "/other"):
            assert (await peter.request(method, "/admin/companies" + path)).status_code == 403
    profile = await house.platform.books.companies.profile("other")
    assert profile is not None
    assert (profile.name, profile.fact("hours", "en"), profile.time_zone) == (
        "Other Ltd",
        "ten to four",
        NEW["time_zone"],
    )
    stored = await house.platform.books.companies.get("other")
    assert stored.plan == "unlimited", "what the form does not name stays"


async def test_limits_are_the_owners_and_survive_an_administrators_change(house: House) -> None:
    company = await made(house, limits={"calls_per_day": 5})
    path = f"/admin/companies/{company['id']}"
    elsewhere = {"X-Company": company["id"]}
    assert (await house.owner.put("/admin/companies/current", json=NEW, headers=elsewhere)).status_code == 200
    assert (await house.owner.get(path)).json()["limits"] == {"calls_per_day": 5}
    changed = await house.owner.put(path, json={**NEW, "limits": {"calls_per_day": None}})
    assert changed.json()["limits"] == {"calls_per_day": None}


async def test_nobody_signs_in_to_a_company_that_is_deactivated(house: House) -> None:
    async with await client_of(house, "peter", Role.ADMIN, "other") as peter:
        assert (await peter.get("/admin/companies/current")).status_code == 200
        assert (await house.owner.post("/admin/companies/other/deactivate")).json()["active"] is False
        assert (await peter.get("/admin/companies/current")).status_code == 401
        assert (await house.sign_in("peter")).status_code == 401
        assert await house.platform.books.companies.profile("other") is not None, "its calls are answered"
        assert (await house.owner.post("/admin/companies/other/activate")).json()["active"] is True
        assert (await house.sign_in("peter")).status_code == 200
    assert (await house.owner.post("/admin/companies/default/deactivate")).status_code == 409
    assert (await house.owner.post("/admin/companies/nobody/deactivate")).status_code == 404


def dump(house: House) -> str:
    with closing(sqlite3.connect(house.data_dir / "secretary.db")) as database:
        return "\n".join(line for line in database.iterdump() if '"audit_' not in line)


async def test_a_company_goes_with_everything_and_nothing_of_others(house: House) -> None:
    company = await made(house)
    mine, path = company["id"], f"/admin/companies/{company['id']}"
    await house.store_call("c9", company="other", ended=False)
    await house.store_call("c1", company=mine, ended=False)
    assert (await house.owner.delete(path, params={"everything": True})).status_code == 409, "a call goes on"
    sound = house.data_dir / "recordings" / "c1.ogg"
    sound.parent.mkdir(parents=True, exist_ok=True)
    sound.write_bytes(b"OggS")
    left = TakenMessage(
        "m1", mine, "", "c1", "en", "Ann", "+1", "call me", confirmed=True, audio_path="recordings/c1.ogg"
    )
    await Messages(house.database).save(left)
    await house.end_call("c1", mine)
    await house.platform.secrets.put(mine, "llm", "hush")
    async with await client_of(house, "dora", Role.ADMIN, mine) as dora:
        text = {"kind": "privacy", "language": "en", "text": "We keep nothing."}
        text_id = (await dora.post("/admin/legal", json=text)).json()["id"]
        consent = {"contact": "+79160000000", "kind": "recording", "channel": "gsm", "text_id": text_id}
        assert (await dora.post("/admin/consents", json=consent)).status_code == 201
        assert (await dora.post("/admin/api-keys", json={"name": "k", "scopes": ["calls:read"]})).status_code == 201
        assert (await house.owner.delete(path)).status_code == 409, "it has people"
        assert mine in dump(house)
        assert (await house.owner.delete(path, params={"everything": True})).status_code == 204
        assert (await dora.get("/admin/companies/current")).status_code == 401
    after = dump(house)
    assert (mine in after, "dora" in after) == (False, False)
    assert not sound.exists()
    assert "c9" in after
    assert (await house.owner.get(path)).status_code == 404
    assert (await house.owner.delete(path)).status_code == 404


async def test_an_empty_company_goes_at_once_and_the_first_one_never(house: House) -> None:
    company = await made(house)
    assert (await house.owner.delete(f"/admin/companies/{company['id']}")).status_code == 204
    assert (await house.owner.delete("/admin/companies/default", params={"everything": True})).status_code == 409
    await house.accounts.add("other", "second", PASSWORD, Role.OWNER)
    assert (await house.owner.delete("/admin/companies/other", params={"everything": True})).status_code == 409
