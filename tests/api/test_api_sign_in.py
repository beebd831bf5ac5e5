"""Signing in over HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path

import jwt
import pytest
from api_house import OWNER, PASSWORD, House, api_house
from sqlalchemy import select

from services.accounts.roles import Role
from services.storage.people.account_tables import UserRow


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with api_house(tmp_path) as opened:
        yield opened


async def test_a_sign_in_gives_a_token_that_tells_who_one_is(house: House) -> None:
    answer = await house.sign_in()
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    token = answer.json()
    assert token == {"access_token": token["access_token"], "token_type": "bearer", "expires_in": 900}
    me = await house.client.get("/admin/auth/me", headers={"Authorization": f"Bearer {token['access_token']}"})
    assert me.status_code == 200
    assert {key: me.json()[key] for key in ("username", "role", "company_id")} == {
        "username": OWNER,
        "role": "owner",
        "company_id": "default",
    }


async def test_the_name_may_be_written_in_any_case_and_the_password_may_not(house: House) -> None:
    assert (await house.sign_in(f" {OWNER.upper()} ")).status_code == 200
    assert (await house.sign_in(OWNER, PASSWORD.upper())).status_code == 401


@pytest.mark.parametrize(
    ("username", "password"), [(OWNER, "wrong"), ("nobody", PASSWORD), ("", PASSWORD), (OWNER, "")]
)
async def test_a_wrong_name_and_a_wrong_password_are_told_the_same(house: House, username: str, password: str) -> None:
    answer = await house.sign_in(username, password)
    assert answer.status_code == (401 if username and password else 422)
    assert answer.headers["content-type"] == "application/problem+json"
    assert PASSWORD not in answer.text
    if answer.status_code == 401:
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json()["detail"].startswith("The name or the password is not right.")


async def test_after_five_failures_even_the_right_password_has_to_wait(house: House) -> None:
    for _ in range(5):
        assert (await house.sign_in(OWNER, "wrong")).status_code == 401
    answer = await house.sign_in()
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "900"
    assert (await house.sign_in("somebody")).status_code == 401, "others from there are not kept out"
    house.clock.ahead += 901
    assert (await house.sign_in()).status_code == 200


async def test_success_forgets_the_failures_before_it(house: House) -> None:
    for _ in range(3):
        for _ in range(4):
            await house.sign_in(OWNER, "wrong")
        assert (await house.sign_in()).status_code == 200
        house.clock.ahead += 901


async def test_a_token_is_void_when_it_is_over(house: House) -> None:
    house.clock.ahead = 840  # the clock itself goes on, however slow the machine is
    assert (await house.owner.get("/admin/auth/me")).status_code == 200
    house.clock.ahead = 901
    answer = await house.owner.get("/admin/auth/me")
    assert answer.status_code == 401
    assert "POST /admin/auth/login" in answer.json()["detail"]


async def test_a_new_password_voids_the_tokens_and_the_old_password(house: House) -> None:
    await house.accounts.set_password("default", OWNER, "nine blue whales sang")
    assert (await house.owner.get("/admin/auth/me")).status_code == 401
    assert (await house.sign_in()).status_code == 401
    assert (await house.sign_in(OWNER, "nine blue whales sang")).status_code == 200


async def test_a_user_who_is_gone_is_nobody(house: House) -> None:
    await house.accounts.add("default", "ivan", "nine blue whales sang", Role.OWNER)
    await house.accounts.remove("default", OWNER)
    assert (await house.owner.get("/admin/auth/me")).status_code == 401


async def test_a_token_that_somebody_else_signed_is_refused(house: House) -> None:
    token = house.owner.headers["Authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, options={"verify_signature": False})
    forged = [
        jwt.encode(claims, "k" * 32, "HS256"),
        jwt.encode(claims, "", "none"),
        f"{token[:-4]}AAAA",
        token + "x",
        "x",
        "é",
    ]
    for each in forged:
        answer = await house.client.get("/admin/auth/me", headers={b"Authorization": f"Bearer {each}".encode()})
        assert answer.status_code == 401, each


@pytest.mark.parametrize("header", ["", "Basic b2xnYTpzZXZlbg==", "Bearer", "Bearer ", "Token x"])
async def test_nothing_but_a_bearer_token_signs_in(house: House, header: str) -> None:
    answer = await house.client.get("/admin/auth/me", headers={"Authorization": header} if header else {})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_without_an_owner_the_answer_says_how_to_make_one(house: House) -> None:
    async with house.database.write() as session:
        (await session.scalars(select(UserRow).where(UserRow.company_id == "default"))).one().active = False
    for answer in (await house.client.get("/admin/calls"), await house.sign_in()):
        assert answer.status_code == 401
        assert "secretary users add NAME --role owner" in answer.json()["detail"]


async def test_other_roles_have_been_granted_nothing_but_themselves(house: House) -> None:
    await house.accounts.add("default", "guest", "nine blue whales sang", Role.GUEST)
    token = (await house.sign_in("guest", "nine blue whales sang")).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert (await house.client.get("/admin/auth/me", headers=headers)).status_code == 200
    answer = await house.client.get("/admin/calls", headers=headers)
    assert answer.status_code == 403
    assert answer.json()["detail"] == "The role guest may not read calls."
