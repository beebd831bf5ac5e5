"""The own profile and password over HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from api_house import OWNER, PASSWORD, House, api_house

NEW = "nine blue whales sang"
CHANGE = "/admin/auth/change-password"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with api_house(tmp_path) as opened:
        yield opened


async def test_the_profile_is_shown_and_changed(house: House) -> None:
    shown = await house.owner.get("/admin/auth/profile")
    assert (shown.json()["username"], shown.json()["display_name"], shown.json()["second_factor"]) == (OWNER, "", False)
    wanted = {"display_name": "Ольга", "email": "olga@example.org", "language": "ru"}
    headers = {"If-Match": shown.headers["etag"]}
    changed = await house.owner.put("/admin/auth/profile", json=wanted, headers=headers)
    assert changed.status_code == 200, changed.text
    assert {name: changed.json()[name] for name in wanted} == wanted
    assert changed.headers["etag"] != shown.headers["etag"]
    assert (await house.owner.put("/admin/auth/profile", json=wanted, headers=headers)).status_code == 412
    assert (await house.owner.get("/admin/auth/me")).status_code == 200, "a profile voids no token"
    assert (await house.owner.put("/admin/auth/profile", json={"role": "owner"})).status_code == 422


async def test_the_profile_is_the_own_one_in_every_company(house: House) -> None:
    shown = await house.owner.get("/admin/auth/profile", headers={"X-Company": "other"})
    assert (shown.json()["username"], shown.json()["company_id"]) == (OWNER, "default")


async def test_a_new_password_ends_all_other_sessions(house: House) -> None:
    other = (await house.sign_in()).json()["access_token"]
    given = {"old_password": PASSWORD, "new_password": NEW}
    assert (await house.owner.post(CHANGE, json=given)).status_code == 204
    assert (await house.owner.get("/admin/auth/me")).status_code == 200
    answer = await house.client.get("/admin/auth/me", headers={"Authorization": f"Bearer {other}"})
    assert answer.status_code == 401
    assert (await house.sign_in(OWNER, PASSWORD)).status_code == 401
    assert (await house.sign_in(OWNER, NEW)).status_code == 200


async def test_a_wrong_or_weak_password_changes_nothing(house: House) -> None:
    wrong = await house.owner.post(CHANGE, json={"old_password": "wrong", "new_password": NEW})
    weak = await house.owner.post(CHANGE, json={"old_password": PASSWORD, "new_password": "password1234"})
    assert (wrong.status_code, weak.status_code) == (422, 422)
    assert "guess" in weak.json()["detail"]
    assert (await house.sign_in()).status_code == 200


async def test_guessing_the_old_password_is_slowed_down(house: House) -> None:
    given = {"old_password": "wrong", "new_password": NEW}
    assert [(await house.owner.post(CHANGE, json=given)).status_code for _ in range(6)] == [422] * 5 + [429]


async def test_an_api_key_reads_the_profile_and_changes_nothing(house: House) -> None:
    made = await house.owner.post("/admin/api-keys", json={"name": "k", "scopes": ["users"]})
    assert made.status_code == 201, made.text
    headers = {"Authorization": f"Bearer {made.json()['key']}"}
    assert (await house.client.get("/admin/auth/profile", headers=headers)).status_code == 200
    for method, path, json in (
        ("PUT", "profile", {}), ("POST", "change-password", {"old_password": PASSWORD, "new_password": NEW}),
        ("GET", "sessions", None), ("POST", "sessions/revoke-others", None), ("POST", "totp/begin", None),
        ("POST", "logout", None),
    ):  # fmt: skip
        answer = await house.client.request(method, f"/admin/auth/{path}", json=json, headers=headers)
        assert answer.status_code == 403, (path, answer.text)
