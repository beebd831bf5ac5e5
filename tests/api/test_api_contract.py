"""What contract.md promises of every resource: lists in one shape, items by their id, edits by either method."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from whole_house import WholeHouse, whole_house

PERSONA = {
    "slug": "clara",
    "name": "Clara",
    "language": "en",
    "gender": "female",
    "greeting": "Hello! This is {company}.",
    "character": "Calm.",
}
MADE: dict[str, dict[str, Any]] = {
    "users": {"username": "boris", "password": "four green kites rose", "role": "user"},
    "companies": {"name": "Dentist", "language": "en", "time_zone": "Europe/London", "limits": {"calls_per_day": 9}},
    "personas": PERSONA,
    "faq": {"question": "Open?", "answer": "Yes.", "alternatives": ["Are you open?"], "language": "en"},
    "llm/presets": {"slug": "warm", "name": "Warm", "values": {"temperature": 0.9}},
    "tts/presets": {"slug": "slow", "name": "Slow", "values": {"speed": 0.9}},
    "chats": {"title": "Menu", "system_prompt": "Answer in lists."},
    "api-keys": {"name": "website", "scopes": ["assistant"], "expires_at": "2099-01-01T00:00:00Z"},
    "webhooks": {"url": "https://example.com/hook", "events": ["call.ended"]},
    "legal": {"kind": "privacy", "language": "en", "text": "We record calls."},
    "consents": {"contact": "+79161234567", "kind": "recording", "channel": "gsm"},
    "invitations": {"role": "user"},
}
"""The least of each resource that is made by POST /admin/{resource}."""

LOOKED_AT = [
    "voices",
    "stt",
    "models",
    "services",
    "settings",
    "audit",
    "calls",
    "messages",
    "gsm",
    "backups",
    "outbox",
]
EDITS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "users": ({"display_name": "Boris"}, {"language": "en"}),
    "companies": ({"name": "Clinic"}, {"settings": {"address": "12 Green Street"}}),
    "personas": ({"name": "Emily"}, {"rules": "Short."}),
    "faq": ({"answer": "Of course."}, {"enabled": False}),
    "llm/presets": ({"name": "Warmer"}, {"slug": "warmer"}),
    "tts/presets": ({"name": "Slower"}, {"slug": "slower"}),
    "chats": ({"title": "Summer menu"}, {"system_prompt": "Answer in rhymes."}),
    "webhooks": ({"description": "our CRM"}, {"active": False}),
}
"""Two changes of each: neither undoes the other, whichever method brings it."""


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[WholeHouse]:
    async with whole_house(tmp_path) as opened:
        yield opened


async def make_all(client: httpx.AsyncClient) -> dict[str, Any]:
    made = {}
    for resource, body in MADE.items():
        answer = await client.post(f"/admin/{resource}", json=body)
        assert answer.status_code == 201, (resource, answer.text)
        made[resource] = answer.json()
        assert answer.headers["location"] == f"/admin/{resource}/{made[resource]['id']}", resource
    return made


async def test_every_list_has_one_shape_and_every_item_an_id_that_leads_to_it(house: WholeHouse) -> None:
    client = await house.client("olga")
    await make_all(client)
    for resource in (*MADE, *LOOKED_AT, "auth/sessions"):
        answer = await client.get(f"/admin/{resource}?limit=200")
        assert answer.status_code == 200, (resource, answer.text)
        page = answer.json()
        assert set(page) == {"items", "next_cursor"}, resource
        assert page["items"] or resource not in MADE
        for item in page["items"][:3]:
            if resource != "auth/sessions":
                one = await client.get(f"/admin/{resource}/{item['id']}")
                assert one.status_code == 200, (resource, item, one.text)
                assert one.json()["id"] == item["id"]
        if resource not in ("audit", "auth/sessions"):
            assert (await client.get(f"/admin/{resource}/999999999")).status_code in (404, 422), resource


async def test_put_and_patch_change_what_is_given_and_leave_the_rest(house: WholeHouse) -> None:
    client = await house.client("olga")
    made = await make_all(client)
    for resource, (first, second) in EDITS.items():
        path = f"/admin/{resource}/{made[resource]['id']}"
        before = (await client.get(path)).json()
        for method, change in (("PUT", first), ("PATCH", second)):
            answer = await client.request(method, path, json=change)
            assert answer.status_code == 200, (resource, answer.text)
        after = (await client.get(path)).json()
        wanted = first | second
        for name in set(before) - {"version", "updated_at", "last_at"}:
            if name == "settings":
                assert after[name] == before[name] | wanted[name]
            else:
                assert after[name] == wanted.get(name, before[name]), (resource, name)
        assert after["version"] == before["version"] + 2, resource


async def test_the_own_profile_company_and_keys_are_edited_by_either_method(house: WholeHouse) -> None:
    client = await house.client("olga")
    key = (await client.post("/admin/api-keys", json=MADE["api-keys"])).json()
    assert key["key"].startswith("sk-")
    for method in ("PUT", "PATCH"):
        renamed = await client.request(method, f"/admin/api-keys/{key['id']}", json={"name": method})
        assert (renamed.json()["name"], renamed.json()["scopes"]) == (method, ["assistant"])
        company = await client.request(method, "/admin/companies/current", json={"name": method})
        assert (company.json()["name"], company.json()["language"]) == (method, "en")
    await client.put("/admin/auth/profile", json={"email": "olga@example.org"})
    profile = (await client.patch("/admin/auth/profile", json={"display_name": "Olga"})).json()
    assert (profile["display_name"], profile["email"]) == ("Olga", "olga@example.org")


async def test_a_persona_may_be_put_whole_and_keeps_its_slug(house: WholeHouse) -> None:
    client = await house.client("olga")
    await client.post("/admin/personas", json=PERSONA)
    whole = await client.put("/admin/personas/clara", json=PERSONA | {"name": "Emily"})
    assert (whole.json()["id"], whole.json()["name"]) == ("clara", "Emily")
    assert (await client.put("/admin/personas/clara", json={"slug": "other"})).status_code == 422


async def test_each_operation_of_the_document_has_an_id_of_its_own(house: WholeHouse) -> None:
    operations = [
        operation["operationId"] for methods in house.app.openapi()["paths"].values() for operation in methods.values()
    ]
    assert len(operations) == len(set(operations))
    assert {"put", "patch"} <= set(house.app.openapi()["paths"]["/admin/faq/{entry_id}"])
