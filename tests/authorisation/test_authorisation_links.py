"""What links, a lock-out and a feed that lasts give to somebody who should not have it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from whole_house import PASSWORD, WholeHouse, whole_house

from services.accounts.lockout import FAILURES

OTHER_PASSWORD = "nine blue whales sang"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[WholeHouse]:
    async with whole_house(tmp_path) as opened:
        yield opened


async def id_of(house: WholeHouse, name: str) -> str:
    return (await house.installation.accounts.people.named("default", name)).id


async def reset_link(house: WholeHouse, by: httpx.AsyncClient, name: str) -> str:
    answer = await by.post(f"/admin/users/{await id_of(house, name)}/reset-password")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["link"]).partition("=")[2]


async def choose(house: WholeHouse, token: str) -> int:
    given = {"token": token, "password": OTHER_PASSWORD}
    return (await (await house.client()).post("/auth/reset-password", json=given)).status_code


async def test_a_reset_link_is_void_once_its_user_has_another_role(house: WholeHouse) -> None:
    """An administrator may reset a user, not an owner: nor by a link from the time when the owner was a user."""
    admin, owner = await house.client("anton"), await house.client("olga")
    token = await reset_link(house, admin, "ulla")
    answer = await owner.put(f"/admin/users/{await id_of(house, 'ulla')}", json={"role": "owner"})
    assert answer.status_code == 200
    assert await choose(house, token) == 422


async def test_a_reset_link_is_void_once_the_password_was_changed(house: WholeHouse) -> None:
    token = await reset_link(house, await house.client("anton"), "ulla")
    ulla = await house.client("ulla")
    changed = {"old_password": PASSWORD, "new_password": "four green geese flew"}
    assert (await ulla.post("/admin/auth/change-password", json=changed)).status_code == 204
    assert await choose(house, token) == 422


@pytest.mark.parametrize("change", [{"active": False}, {"role": "user"}])
async def test_who_is_kept_out_has_left_no_door_open(house: WholeHouse, change: dict[str, object]) -> None:
    admin, owner = await house.client("anton"), await house.client("olga")
    token = (await admin.post("/admin/invitations", json={"role": "admin"})).json()["link"].partition("=")[2]
    assert (await owner.put(f"/admin/users/{await id_of(house, 'anton')}", json=change)).status_code == 200
    given = {"token": token, "username": "anton.again", "password": OTHER_PASSWORD}
    assert (await (await house.client()).post("/auth/accept-invitation", json=given)).status_code == 422
    assert (await owner.get("/admin/invitations")).json()["items"] == []


def at(house: WholeHouse, address: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(house.app, client=(address, 1))
    return httpx.AsyncClient(transport=transport, base_url="http://house")


async def test_strangers_cannot_lock_somebody_out_of_where_he_usually_is(house: WholeHouse) -> None:
    async def attempt(address: str, password: str) -> int:
        async with at(house, address) as client:
            return (await client.post("/admin/auth/login", json={"username": "olga", "password": password})).status_code

    assert await attempt("198.51.100.1", PASSWORD) == 200
    for number in range(FAILURES):
        assert await attempt(f"203.0.113.{number // 4 + 1}", "a wrong one") == 401
    assert await attempt("203.0.113.99", PASSWORD) == 429, "from elsewhere the name waits"
    assert await attempt("198.51.100.1", PASSWORD) == 200


async def test_a_known_address_may_not_guess_for_ever_either(house: WholeHouse) -> None:
    async with at(house, "198.51.100.1") as client:
        login = {"username": "olga", "password": PASSWORD}
        assert (await client.post("/admin/auth/login", json=login)).status_code == 200
        wrong = [
            (await client.post("/admin/auth/login", json=login | {"password": "a wrong one"})).status_code
            for _ in range(7)
        ]
    assert wrong == [401] * 5 + [429] * 2


async def test_a_key_makes_no_key_that_outlives_it(house: WholeHouse) -> None:
    owner, soon = await house.client("olga"), datetime.now(UTC) + timedelta(hours=1)
    wanted = {"name": "short", "scopes": ["api-keys", "calls:read"]}
    made = await owner.post("/admin/api-keys", json=wanted | {"expires_at": soon.isoformat()})
    program = await house.client(Authorization=f"Bearer {made.json()['key']}")
    for end, status in (
        (None, 422),
        (soon + timedelta(seconds=1), 422),
        (soon, 201),
        (soon - timedelta(minutes=1), 201),
    ):
        asked = {"name": "child", "scopes": ["calls:read"], "expires_at": end.isoformat() if end else None}
        assert (await program.post("/admin/api-keys", json=asked)).status_code == status, end
