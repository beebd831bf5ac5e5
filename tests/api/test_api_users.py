"""The users of a company over HTTP: made, changed, kept out; who may do it to whom; the last owner."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from api_house import OWNER, House, api_house
from sqlalchemy import select

from services.accounts.roles import Role
from services.errors import ConflictError
from services.storage.people.account_tables import UserRow
from services.storage.people.users import UserChange
from services.storage.tables import CompanyRow

WORDS = "nine blue whales sang"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with api_house(tmp_path) as opened:
        yield opened


async def add(house: House, name: str, role: Role, company: str = "default") -> str:
    return (await house.accounts.people.add(company, name, WORDS, role)).id


async def headers_of(house: House, name: str) -> dict[str, str]:
    house.client.cookies.clear()
    answer = await house.sign_in(name, WORDS)
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


async def owner_id(house: House) -> str:
    return str((await house.owner.get("/admin/auth/me")).json()["id"])


async def test_a_user_is_made_shown_changed_and_deleted(house: House) -> None:
    wanted = {"username": "Boris", "password": WORDS, "role": "user", "display_name": "Борис", "email": "b@example.org"}
    made = await house.owner.post("/admin/users", json=wanted)
    assert made.status_code == 201, made.text
    user = made.json()
    assert made.headers["location"] == f"/admin/users/{user['id']}"
    assert (user["username"], user["active"], user["last_sign_in_at"]) == ("boris", True, None)
    assert "password" not in made.text
    assert WORDS not in made.text
    await headers_of(house, "boris")
    shown = await house.owner.get(made.headers["location"])
    assert shown.headers["etag"] == '"1"'
    assert shown.json()["last_sign_in_at"] is not None
    changed = await house.owner.put(
        made.headers["location"], json={"role": "admin"}, headers={"If-Match": shown.headers["etag"]}
    )
    assert (changed.json()["role"], changed.json()["display_name"], changed.headers["etag"]) == (
        "admin",
        "Борис",
        '"2"',
    )
    late = await house.owner.put(made.headers["location"], json={"role": "user"}, headers={"If-Match": '"1"'})
    assert late.status_code == 412
    assert (await house.owner.delete(made.headers["location"])).status_code == 204
    assert (await house.owner.get(made.headers["location"])).status_code == 404
    assert (await house.sign_in("boris", WORDS)).status_code == 401


async def test_users_are_listed_by_page_and_only_those_of_the_company(house: House) -> None:
    for number in range(4):
        house.clock.ahead += 1
        await add(house, f"user{number}", Role.GUEST)
    await add(house, "stranger", Role.USER, "other")
    first = (await house.owner.get("/admin/users", params={"limit": 3})).json()
    second = (await house.owner.get("/admin/users", params={"limit": 3, "cursor": first["next_cursor"]})).json()
    names = [each["username"] for each in (*first["items"], *second["items"])]
    assert names == ["user3", "user2", "user1", "user0", OWNER]
    assert second["next_cursor"] is None
    elsewhere = await house.owner.get("/admin/users", headers={"X-Company": "other"})
    assert [each["username"] for each in elsewhere.json()["items"]] == ["stranger"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/deactivate"), ("POST", "/activate"),
        ("POST", "/reset-password"), ("POST", "/revoke-sessions"), ("POST", "/reset-second-factor"),
    ],
)  # fmt: skip
async def test_users_of_another_company_are_not_there(house: House, method: str, path: str) -> None:
    await add(house, "anton", Role.ADMIN)
    stranger = await add(house, "stranger", Role.USER, "other")
    headers = await headers_of(house, "anton")
    json = {"role": "guest"} if method == "PUT" else None
    answers = [
        await house.client.request(method, f"/admin/users/{each}{path}", json=json, headers=headers)
        for each in (stranger, "unknown")
    ]
    assert [each.status_code for each in answers] == [404, 404]
    assert answers[0].json() == answers[1].json()
    await headers_of(house, "stranger")


@pytest.mark.parametrize(
    ("method", "path", "json"),
    [
        ("PUT", "", {"active": False}), ("PUT", "", {"role": "user"}), ("PUT", "", {"email": "mine@example.org"}),
        ("DELETE", "", None), ("POST", "/deactivate", None), ("POST", "/reset-password", None),
        ("POST", "/revoke-sessions", None), ("POST", "/reset-second-factor", None),
    ],
)  # fmt: skip
async def test_an_admin_does_nothing_to_an_owner(house: House, method: str, path: str, json: Any) -> None:
    await add(house, "olaf", Role.OWNER)  # so that it is not the last owner that saves her
    await add(house, "anton", Role.ADMIN)
    headers = await headers_of(house, "anton")
    answer = await house.client.request(
        method, f"/admin/users/{await owner_id(house)}{path}", json=json, headers=headers
    )
    assert answer.status_code == 403, answer.text
    assert (await house.owner.get("/admin/auth/me")).status_code == 200
    assert (await house.owner.get("/admin/users")).status_code == 200, "and she is an owner still"


async def test_nobody_gives_more_than_the_own_role(house: House) -> None:
    await add(house, "anton", Role.ADMIN)
    headers = await headers_of(house, "anton")
    me = (await house.client.get("/admin/auth/me", headers=headers)).json()["id"]
    owner = {"username": "evil", "password": WORDS, "role": "owner"}
    assert (await house.client.post("/admin/users", json=owner, headers=headers)).status_code == 403
    assert (await house.client.post("/admin/invitations", json={"role": "owner"}, headers=headers)).status_code == 403
    raised = await house.client.put(f"/admin/users/{me}", json={"role": "owner"}, headers=headers)
    assert raised.status_code == 403
    for role in ("guest", "user", "admin"):
        wanted = {"username": f"one-{role}", "password": WORDS, "role": role}
        assert (await house.client.post("/admin/users", json=wanted, headers=headers)).status_code == 201


@pytest.mark.parametrize("role", [Role.USER, Role.GUEST])
async def test_users_and_guests_see_no_users(house: House, role: Role) -> None:
    await add(house, "ulla", role)
    headers = await headers_of(house, "ulla")
    assert (await house.client.get("/admin/users", headers=headers)).status_code == 403
    assert (await house.client.post("/admin/invitations", json={"role": "guest"}, headers=headers)).status_code == 403


async def test_the_last_owner_stays(house: House) -> None:
    path = f"/admin/users/{await owner_id(house)}"
    answers = [
        await house.owner.delete(path),
        await house.owner.post(f"{path}/deactivate"),
        await house.owner.put(path, json={"active": False}),
        await house.owner.put(path, json={"role": "admin"}),
    ]
    assert [each.status_code for each in answers] == [409] * 4
    assert "only owner" in answers[0].json()["detail"]
    other = await add(house, "olaf", Role.OWNER)
    await house.accounts.people.edit("default", other, UserChange(active=False))
    assert (await house.owner.delete(path)).status_code == 409, "an owner who is kept out counts for nothing"
    await house.accounts.people.edit("default", other, UserChange(active=True))
    assert (await house.owner.delete(path)).status_code == 204
    assert (await house.owner.get("/admin/auth/me")).status_code == 401


async def test_two_owners_who_remove_each_other_at_once_leave_one(house: House) -> None:
    people, other = house.accounts.people, await add(house, "olaf", Role.OWNER)
    outcomes = await asyncio.gather(
        people.remove("default", other),
        people.edit("default", await owner_id(house), UserChange(role="admin")),
        return_exceptions=True,
    )
    assert sum(isinstance(each, ConflictError) for each in outcomes) == 1
    async with house.database.read() as session:
        rows = (await session.scalars(select(UserRow).where(UserRow.company_id == "default"))).all()
    assert sum(row.role == "owner" and row.active for row in rows) == 1


async def test_a_user_who_is_kept_out_is_void_at_once_and_comes_back(house: House) -> None:
    boris = await add(house, "boris", Role.ADMIN)
    headers = await headers_of(house, "boris")
    key = await house.client.post("/admin/api-keys", json={"name": "k", "scopes": ["users:read"]}, headers=headers)
    assert key.status_code == 201, key.text
    by_key = {"Authorization": f"Bearer {key.json()['key']}"}
    assert (await house.client.get("/admin/users", headers=by_key)).status_code == 200
    assert (await house.owner.post(f"/admin/users/{boris}/deactivate")).json()["active"] is False
    assert (await house.client.get("/admin/auth/me", headers=headers)).status_code == 401
    assert (await house.client.get("/admin/users", headers=by_key)).status_code == 401
    assert (await house.sign_in("boris", WORDS)).status_code == 401
    assert (await house.owner.post(f"/admin/users/{boris}/activate")).json()["active"] is True
    await headers_of(house, "boris")


async def test_a_user_is_signed_out_everywhere(house: House) -> None:
    boris = await add(house, "boris", Role.USER)
    both = [await headers_of(house, "boris") for _ in range(2)]
    assert (await house.owner.post(f"/admin/users/{boris}/revoke-sessions")).json() == {"ended": 2}
    for headers in both:
        assert (await house.client.get("/admin/auth/me", headers=headers)).status_code == 401


async def test_who_has_api_keys_can_be_deleted(house: House) -> None:
    boris = await add(house, "boris", Role.OWNER)
    headers = {**await headers_of(house, "boris"), "X-Company": "other"}
    key = await house.client.post("/admin/api-keys", json={"name": "k", "scopes": ["users:read"]}, headers=headers)
    assert key.status_code == 201, key.text
    assert (await house.owner.delete(f"/admin/users/{boris}")).status_code == 204
    by_key = {"Authorization": f"Bearer {key.json()['key']}"}
    assert (await house.client.get("/admin/users", headers=by_key)).status_code == 401


async def test_the_users_of_a_company_that_is_closed_are_kept_out_and_the_owner_is_not(house: House) -> None:
    await add(house, "anton", Role.ADMIN, "other")
    await add(house, "olaf", Role.OWNER, "other")
    inside = await headers_of(house, "anton")
    async with house.database.write() as session:
        (await session.get_one(CompanyRow, "other")).active = False
    assert (await house.client.get("/admin/auth/me", headers=inside)).status_code == 401
    assert (await house.sign_in("anton", WORDS)).status_code == 401
    await headers_of(house, "olaf")


@pytest.mark.parametrize(
    "wanted",
    [
        {"username": "b\x00ris"}, {"username": "x"}, {"username": "with space"}, {"password": "short"},
        {"role": "king"},
        {"email": "no address"}, {"email": "a@b\r\nBcc: c@d"}, {"language": "../x"}, {"unknown": 1},
        {"username": OWNER.upper()}, {"display_name": "x" * 101},
    ],
)  # fmt: skip
async def test_what_no_user_can_be_is_refused(house: House, wanted: dict[str, Any]) -> None:
    given = {"username": "boris", "password": WORDS, "role": "user", **wanted}
    answer = await house.owner.post("/admin/users", json=given)
    assert answer.status_code == 422, answer.text
    assert WORDS not in answer.text


async def test_a_reset_link_lets_a_user_choose_another_password_once(house: House) -> None:
    boris = await add(house, "boris", Role.USER)
    headers = await headers_of(house, "boris")
    first = (await house.owner.post(f"/admin/users/{boris}/reset-password")).json()
    answer = await house.owner.post(f"/admin/users/{boris}/reset-password")
    assert answer.headers["cache-control"] == "no-store"
    link = answer.json()["link"]
    assert link.startswith("http://house/setup#reset=")
    assert (await house.client.get("/admin/auth/me", headers=headers)).status_code == 200, "nothing has changed yet"
    tokens = [each.partition("reset=")[2] for each in (first["link"], link)]
    given = [{"token": each, "password": "eleven odd spoons fell"} for each in tokens]
    assert (await house.client.post("/auth/reset-password", json=given[0])).status_code == 422, "the newer one counts"
    weak = await house.client.post("/auth/reset-password", json={**given[1], "password": "password1234"})
    assert (weak.status_code, "guess" in weak.text) == (422, True)
    assert (await house.client.post("/auth/reset-password", json=given[1])).status_code == 204
    assert (await house.client.post("/auth/reset-password", json=given[1])).status_code == 422
    assert (await house.client.get("/admin/auth/me", headers=headers)).status_code == 401
    assert (await house.sign_in("boris", WORDS)).status_code == 401
    assert (await house.sign_in("boris", "eleven odd spoons fell")).status_code == 200
