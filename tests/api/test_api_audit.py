"""The audit log over HTTP: what is noted, who sees it, what an export looks like."""

import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from api_house import PASSWORD, House, api_house

from services.accounts.roles import Role
from services.storage.audit.acting import Actor, acting_as


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with api_house(tmp_path) as opened:
        yield opened


async def test_a_change_is_told_with_who_from_where_and_what(house: House) -> None:
    await house.owner.patch("/admin/personas/anna", json={"name": "Аня"})
    entry = (await house.owner.get("/admin/audit?resource=personas&action=edit")).json()["items"][0]
    assert (entry["actor_kind"], entry["actor_name"], entry["address"]) == ("user", "olga", "127.0.0.1")
    assert entry["detail"]["before"]["name"] == "Анна"
    assert entry["detail"]["after"]["name"] == "Аня"
    assert entry["company_id"] == "default"


async def test_sign_ins_and_failures_are_told_without_what_was_typed(house: House) -> None:
    await house.sign_in()
    await house.sign_in(password="my secret guess")
    await house.sign_in("nobody-there", "my secret guess")
    everything = await house.owner.get("/admin/audit?all=true")
    actions = [(each["action"], each["resource_id"] != "") for each in everything.json()["items"]]
    assert actions[:2] == [("fail-sign-in", False), ("fail-sign-in", True)]
    assert ("sign-in", True) in actions
    for secret in ("my secret guess", "nobody-there", PASSWORD, "argon2"):
        assert secret not in everything.text


async def test_what_changes_no_row_is_told_too(house: House) -> None:
    await house.store_call("c1")
    await house.record("c1")
    assert (await house.owner.get("/admin/calls/c1/recording")).status_code == 200
    assert (await house.owner.delete("/admin/calls/c1")).status_code == 204
    told = (await house.owner.get("/admin/audit?resource_id=c1")).json()["items"]
    assert [(each["action"], each["resource"]) for each in told] == [("delete", "calls"), ("listen", "recordings")]


async def test_an_admin_sees_the_own_company_and_an_owner_all_of_them(house: House) -> None:
    await house.accounts.add("other", "adam", PASSWORD, Role.ADMIN)
    token = (await house.sign_in("adam")).json()["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    own = (await house.client.get("/admin/audit?limit=200", headers=bearer)).json()["items"]
    assert own
    assert {each["company_id"] for each in own} == {"other"}
    assert (await house.client.get("/admin/audit?all=true", headers=bearer)).status_code == 403
    every = (await house.owner.get("/admin/audit?all=true&limit=200")).json()["items"]
    assert {each["company_id"] for each in every} >= {"other", "default"}


async def test_an_export_computes_nothing_in_a_spreadsheet_and_is_noted(house: House) -> None:
    with acting_as(Actor("user", "u9", "=HYPERLINK(1)", "default", "-1+2")):
        await house.platform.books.audit.note("@look", "\tthing", "+7")
    table = (await house.owner.get("/admin/audit/export")).text
    rows = list(csv.DictReader(io.StringIO(table)))
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@", "\t"))]
    assert [row for row in rows if row["actor_name"] == "'=HYPERLINK(1)"]
    listed = (await house.owner.get("/admin/audit/export?format=json&actor=u9")).json()
    assert [(each["actor_name"], each["action"]) for each in listed] == [("=HYPERLINK(1)", "@look")]
    newest = (await house.owner.get("/admin/audit")).json()["items"][0]
    assert (newest["action"], newest["resource"], newest["detail"]) == (
        "export",
        "audit",
        {"all": False, "format": "json"},
    )


async def test_filters_and_pages(house: House) -> None:
    for name in ("Аня", "Анюта", "Анна"):
        await house.owner.patch("/admin/personas/anna", json={"name": name})
    asked = {"resource": "personas", "action": "edit", "actor": "olga", "limit": "2"}
    first = (await house.owner.get("/admin/audit", params=asked)).json()
    second = (await house.owner.get("/admin/audit", params={**asked, "cursor": first["next_cursor"]})).json()
    assert [len(first["items"]), len(second["items"]), second["next_cursor"]] == [2, 1, None]
    assert (await house.owner.get("/admin/audit?to=2001-01-01T00:00:00Z")).json()["items"] == []
    for wrong in ("from=yesterday", "cursor=1.x", "from=0001-01-01T00:00:00%2B14:00"):
        assert (await house.owner.get(f"/admin/audit?{wrong}")).status_code == 422


async def test_the_head_can_be_noted_elsewhere(house: House) -> None:
    head = (await house.owner.get("/admin/audit/head")).json()
    assert head["seq"] == (await house.platform.books.audit.verify()).head
    assert len(head["hash"]) == 64
