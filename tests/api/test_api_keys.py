"""API keys: made once, shown once, and never further reaching than their user."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from api_house import OWNER, PASSWORD, House, api_house
from fastapi.routing import iter_route_contexts
from sqlalchemy import select

from services.accounts.api_keys import checked
from services.accounts.roles import Action, Role, may, resources
from services.accounts.signed_in import SignedIn
from services.errors import RefusedError
from services.storage.isolation import every_company
from services.storage.people.account_tables import UserRow
from services.storage.people.key_tables import ApiKeyRow
from services.storage.tables import CompanyRow

ANY = every_company("a test looks")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with api_house(tmp_path) as opened:
        yield opened


async def make(house: House, *scopes: str, by: httpx.AsyncClient | None = None, **more: object) -> dict[str, str]:
    body = {"name": "website", "scopes": list(scopes), **more}
    answer = await (by or house.owner).post("/admin/api-keys", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/admin/api-keys/{answer.json()['id']}"
    return dict(answer.json())


async def ask(house: House, key: str, path: str, method: str = "GET", **more: object) -> httpx.Response:
    return await house.client.request(method, path, headers={"Authorization": f"Bearer {key}"}, **more)  # type: ignore[arg-type]


async def client_of(house: House, name: str, role: Role, company: str = "default") -> httpx.AsyncClient:
    await house.accounts.add(company, name, PASSWORD, role)
    token = (await house.accounts.sign_in(name, PASSWORD, "")).access_token
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(house.app), base_url="http://house", headers={"Authorization": f"Bearer {token}"}
    )


async def test_a_key_is_shown_once_and_kept_as_a_hash(house: House) -> None:
    made = await make(house, "calls:read", "api-keys:read")
    key = made["key"]
    assert (len(key), key[:3], made["prefix"]) == (46, "sk-", key[:9])
    shown = await ask(house, key, "/admin/api-keys/" + made["id"])
    listed = await ask(house, key, "/admin/api-keys")
    for answer in (shown, listed):
        assert answer.status_code == 200
        assert key not in answer.text
    assert shown.headers["etag"] == '"1"'
    await house.platform.errands.close()
    dump = b"".join(path.read_bytes() for path in house.data_dir.glob("secretary.db*"))
    assert key.encode() not in dump
    assert key[9:].encode() not in dump


async def test_a_key_opens_what_its_scopes_name(house: House) -> None:
    key = (await make(house, "calls:read"))["key"]
    await house.store_call("c1")
    assert (await ask(house, key, "/admin/calls")).status_code == 200
    assert (await ask(house, key, "/admin/calls/c1", "DELETE")).status_code == 403
    assert (await ask(house, key, "/admin/contacts/+79161234567", "DELETE")).status_code == 403
    wide = (await make(house, "calls"))["key"]
    assert (await ask(house, wide, "/admin/calls/c1", "DELETE")).status_code == 204


async def test_a_key_makes_no_keys_users_or_passwords_unless_it_says_so(house: House) -> None:
    key = (await make(house, *(name for name in resources() if name not in {"api-keys", "users"})))["key"]
    wanted = {"name": "more", "scopes": ["calls:read"]}
    assert (await ask(house, key, "/admin/api-keys", "POST", json=wanted)).status_code == 403
    someone = {"username": "boris", "password": PASSWORD, "role": "owner"}
    assert (await ask(house, key, "/admin/users", "POST", json=someone)).status_code == 403
    change = {"old_password": PASSWORD, "new_password": "nine blue whales sang"}
    refused = await ask(house, key, "/admin/auth/change-password", "POST", json=change)
    assert refused.status_code in (401, 403), refused.text
    assert (await house.sign_in()).status_code == 200


async def test_a_key_makes_only_keys_that_reach_no_further(house: House) -> None:
    key = (await make(house, "api-keys", "calls:read"))["key"]
    for scope, status in {"calls:read": 201, "calls": 422, "users": 422, "api-keys": 201}.items():
        body = {"name": "more", "scopes": [scope]}
        assert (await ask(house, key, "/admin/api-keys", "POST", json=body)).status_code == status, scope


@pytest.mark.parametrize("role", list(Role))
def test_the_matrix_of_roles_and_scopes(role: Role) -> None:
    who = SignedIn("u1", "default", "anna", role, datetime.now(UTC))
    for name in resources():
        granted = {action for action in Action if may(role, name, action)}
        for scope, wanted in {name: granted, **{f"{name}:{action}": {action} for action in Action}}.items():
            allowed = bool(granted) and wanted <= granted
            try:
                assert (list(checked(who, [scope])), allowed) == ([scope], True)
            except RefusedError:
                assert not allowed, scope
                continue
            key = SignedIn("u1", "default", "anna", role, datetime.now(UTC), key_id="k", scopes=frozenset({scope}))
            for other in resources():
                for action in Action:
                    assert key.may(other, action) == (other == name and action in wanted)


async def test_unknown_scopes_are_refused(house: House) -> None:
    for scopes in ["nothing"], ["calls:fly"], ["calls", "x:read"], [], ["CALLS"], ["calls:read\n"]:
        answer = await house.owner.post("/admin/api-keys", json={"name": "x", "scopes": scopes})
        assert answer.status_code == 422, scopes


async def test_a_user_makes_reads_and_ends_the_own_keys_only(house: House) -> None:
    owners = await make(house, "calls:read")
    async with await client_of(house, "ulla", Role.USER) as ulla:
        refused = await ulla.post("/admin/api-keys", json={"name": "x", "scopes": ["users"]})
        assert (refused.status_code, "further" in refused.json()["detail"]) == (422, True)
        mine = await make(house, "chats", "calls:read", by=ulla)
        assert [each["id"] for each in (await ulla.get("/admin/api-keys")).json()["items"]] == [mine["id"]]
        for method in ("GET", "DELETE"):
            assert (await ulla.request(method, "/admin/api-keys/" + owners["id"])).status_code == 404
        allowed = (await ulla.get("/admin/api-keys/scopes")).json()["scopes"]
        assert ("calls:read" in allowed, "calls:edit" in allowed, "users:read" in allowed) == (True, False, False)
        assert len((await house.owner.get("/admin/api-keys")).json()["items"]) == 2
        assert (await house.owner.delete("/admin/api-keys/" + mine["id"])).status_code == 204
        assert (await ask(house, mine["key"], "/admin/calls")).status_code == 401
        shown = (await ulla.get("/admin/api-keys/" + mine["id"])).json()
        assert shown["revoked_at"] is not None


async def test_another_company_sees_and_opens_nothing(house: House) -> None:
    mine = await make(house, "calls:read")
    await house.store_call("c1", company="other")
    async with await client_of(house, "peter", Role.ADMIN, "other") as peter:
        theirs = await make(house, "calls", by=peter)
        assert (await peter.get("/admin/api-keys/" + mine["id"])).status_code == 404
        assert (await peter.put("/admin/api-keys/" + mine["id"], json={"name": "x"})).status_code == 404
        assert (await peter.delete("/admin/api-keys/" + mine["id"])).status_code == 404
    assert [each["id"] for each in (await ask(house, theirs["key"], "/admin/calls")).json()["items"]] == ["c1"]
    assert (await ask(house, mine["key"], "/admin/calls")).json()["items"] == []
    wander = {"Authorization": f"Bearer {mine['key']}", "X-Company": "other"}
    assert (await house.client.get("/admin/calls", headers=wander)).status_code == 403, "a key stays in its company"


async def test_a_key_ends_with_its_time_its_user_and_its_company(house: House) -> None:
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    brief = await make(house, "calls:read", expires_at=soon)
    assert (await ask(house, brief["key"], "/admin/calls")).status_code == 200
    house.clock.ahead = 3601
    assert (await ask(house, brief["key"], "/admin/calls")).status_code == 401
    async with await client_of(house, "peter", Role.ADMIN, "other") as peter:
        key = (await make(house, "calls:read", by=peter))["key"]

    async def switch(table: type[UserRow] | type[CompanyRow], which: object, active: bool) -> int:
        async with house.database.write() as session:
            row = (await session.scalars(select(table).where(which), execution_options=ANY)).one()  # type: ignore[arg-type]
            row.active = active  # type: ignore[attr-defined]  # both have it
        return (await ask(house, key, "/admin/calls")).status_code

    assert await switch(UserRow, UserRow.username == "peter", active=False) == 401
    assert await switch(UserRow, UserRow.username == "peter", active=True) == 200
    assert await switch(CompanyRow, CompanyRow.id == "other", active=False) == 401
    assert await switch(CompanyRow, CompanyRow.id == "other", active=True) == 200
    await house.accounts.remove("other", "peter")
    assert (await ask(house, key, "/admin/calls")).status_code == 401


async def test_an_end_that_is_none_is_refused(house: House) -> None:
    edges = "2020-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "2030-01-01T00:00", "soon"
    for end in edges:
        body = {"name": "x", "scopes": ["calls:read"], "expires_at": end}
        assert (await house.owner.post("/admin/api-keys", json=body)).status_code == 422, end


async def test_a_key_of_nobody_lets_nobody_in(house: House) -> None:
    for rest in "", "a" * 43, "a" * 44, "é" * 43, "a" * 42 + "\x00", "a" * 42 + "\n":
        assert await house.platform.api_keys.signed_in("sk-" + rest) is None


async def test_a_renaming_minds_the_version(house: House) -> None:
    made = await make(house, "calls:read")
    path = "/admin/api-keys/" + made["id"]
    renamed = await house.owner.put(path, json={"name": "shop"}, headers={"If-Match": '"1"'})
    assert (renamed.status_code, renamed.json()["name"], renamed.headers["etag"]) == (200, "shop", '"2"')
    assert (await house.owner.put(path, json={"name": "late"}, headers={"If-Match": '"1"'})).status_code == 412
    assert (await house.owner.put(path, json={"name": "shop"}, headers={"If-Match": '"2"'})).headers["etag"] == '"2"'
    assert (await house.owner.put(path, json={"name": "a\x00b"})).status_code == 422


async def test_its_use_is_noted_once_a_minute(house: House) -> None:
    made = await make(house, "calls:read")

    async def last_used() -> datetime | None:
        await house.platform.errands.close()
        async with house.database.read() as session:
            found = select(ApiKeyRow.last_used_at).where(ApiKeyRow.company_id == "default")
            at: datetime | None = await session.scalar(found)
            return at

    assert await last_used() is None
    await ask(house, made["key"], "/admin/calls")
    first = await last_used()
    assert first is not None
    house.clock.ahead = 59
    await ask(house, made["key"], "/admin/calls")
    assert await last_used() == first
    house.clock.ahead = 61
    await ask(house, made["key"], "/admin/calls")
    later = await last_used()
    assert later is not None
    assert later - first >= timedelta(seconds=60)


async def test_a_key_opens_no_route_that_its_scopes_do_not_name(house: House) -> None:
    key = (await make(house, "models:read"))["key"]
    for route in iter_route_contexts(house.app.routes):
        path = str(route.path)
        if not path.startswith("/admin/") or path.startswith("/admin/auth/") or "stream" in path:
            continue
        filled = path
        for name in ("call_id", "key_id", "company_id", "user_id", "text_id", "consent_id", "number"):
            filled = filled.replace("{" + name + "}", "x1")
        if "{" in filled:
            continue
        for method in route.methods or ():
            answer = await ask(house, key, filled, method)
            assert answer.status_code in (403, 422), (method, path, answer.status_code)
    assert OWNER
