"""The second factor over HTTP: begun, confirmed, asked for, each code good once."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pyotp
import pytest
from api_house import OWNER, PASSWORD, House, api_house
from sqlalchemy import select

from services.storage.people.key_tables import SecretRow
from services.storage.people.sign_in_tables import SecondFactorRow


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with api_house(tmp_path) as opened:
        yield opened


def go_on(house: House, steps: int) -> None:
    """Let so many time steps pass, to a second after the last one's beginning: none ends while a test looks."""
    house.clock.ahead += 30 * steps + 1 - house.clock.now().timestamp() % 30


class App:
    """An authenticator app that has been given a seed."""

    def __init__(self, house: House, seed: str) -> None:
        self._house = house
        self._totp = pyotp.TOTP(seed)

    def code(self, steps: int = 0) -> str:
        return self._totp.at(self._house.clock.now(), counter_offset=steps)


async def begin(house: House) -> tuple[App, list[str]]:
    """Put a second factor in force; return the app and the recovery codes. The first code is used up."""
    go_on(house, 1)
    seed = (await house.owner.post("/admin/auth/totp/begin")).json()["secret"]
    app = App(house, seed)
    answer = await house.owner.post("/admin/auth/totp/confirm", json={"code": app.code()})
    assert answer.status_code == 200, answer.text
    return app, answer.json()["recovery_codes"]


async def sign_in(house: House, code: str = "", password: str = PASSWORD) -> httpx.Response:
    given = {"username": OWNER, "password": password, **({"code": code} if code else {})}
    return await house.client.post("/admin/auth/login", json=given)


async def test_it_counts_only_when_a_code_has_confirmed_it(house: House) -> None:
    begun = await house.owner.post("/admin/auth/totp/begin")
    seed = begun.json()
    assert begun.headers["cache-control"] == "no-store"
    assert seed["uri"].startswith("otpauth://totp/AI%20Secretary:olga?secret=" + seed["secret"])
    wrong = await house.owner.post("/admin/auth/totp/confirm", json={"code": "000000"})
    assert wrong.status_code == 422
    assert (await sign_in(house)).status_code == 200
    code = App(house, seed["secret"]).code()
    assert len((await house.owner.post("/admin/auth/totp/confirm", json={"code": code})).json()["recovery_codes"]) == 10
    assert (await sign_in(house)).status_code == 401
    for path, json in (("begin", None), ("confirm", {"code": code})):
        assert (await house.owner.post(f"/admin/auth/totp/{path}", json=json)).status_code == 409
    profile = (await house.owner.get("/admin/auth/profile")).json()
    assert (profile["second_factor"], profile["recovery_codes_left"]) == (True, 10)


async def test_what_was_not_begun_cannot_be_confirmed(house: House) -> None:
    assert (await house.owner.post("/admin/auth/totp/confirm", json={"code": "123456"})).status_code == 404


async def test_a_right_password_without_a_code_is_told_what_is_missing(house: House) -> None:
    app, _ = await begin(house)
    asked = await sign_in(house)
    assert (asked.status_code, asked.json()["code"]) == (401, "totp_required")
    assert "set-cookie" not in asked.headers
    wrong = await sign_in(house, password="wrong")
    assert "code" not in wrong.json(), "who does not know the password learns nothing of the second factor"
    go_on(house, 1)
    wrong = await sign_in(house, app.code(), password="wrong")
    assert "code" not in wrong.json()
    assert (await sign_in(house, app.code())).status_code == 200, "a wrong password uses no code up"


async def test_a_code_works_once_and_no_older_one_after_it(house: House) -> None:
    app, _ = await begin(house)
    used = await sign_in(house, app.code())
    assert (used.status_code, used.json()["code"]) == (401, "totp_invalid"), "it has confirmed the app already"
    go_on(house, 2)
    code, older = app.code(), app.code(-1)
    assert (await sign_in(house, f"{code[:3]} {code[3:]}")).status_code == 200
    assert (await sign_in(house, code)).status_code == 401
    assert (await sign_in(house, older)).status_code == 401
    assert (await sign_in(house, app.code(1))).status_code == 200


async def test_the_clock_of_the_telephone_may_be_half_a_minute_off(house: House) -> None:
    app, _ = await begin(house)
    for steps, status in ((-2, 401), (2, 401), (-1, 200), (0, 200), (1, 200)):
        go_on(house, 10)
        assert (await sign_in(house, app.code(steps))).status_code == status, steps


async def test_wrong_codes_are_slowed_down_as_wrong_passwords_are(house: House) -> None:
    app, _ = await begin(house)
    go_on(house, 2)
    for _ in range(8):
        assert (await sign_in(house)).json()["code"] == "totp_required", "half a sign-in is no failure"
    for _ in range(5):
        assert (await sign_in(house, "000000")).status_code == 401
    answer = await sign_in(house, app.code())
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "900")


async def test_a_recovery_code_stands_in_once(house: House) -> None:
    _, codes = await begin(house)
    assert len(set(codes)) == 10
    assert (await sign_in(house, codes[0].upper())).status_code == 200
    assert (await sign_in(house, codes[0])).status_code == 401
    assert (await sign_in(house, codes[1].replace("-", " "))).status_code == 200
    assert (await house.owner.get("/admin/auth/profile")).json()["recovery_codes_left"] == 8


async def test_it_is_removed_with_the_password_only(house: House) -> None:
    await begin(house)
    wrong = await house.owner.request("DELETE", "/admin/auth/totp", json={"password": "wrong"})
    assert wrong.status_code == 422
    assert (await sign_in(house)).status_code == 401
    right = await house.owner.request("DELETE", "/admin/auth/totp", json={"password": PASSWORD})
    assert right.status_code == 204
    assert (await sign_in(house)).status_code == 200
    assert (await house.owner.request("DELETE", "/admin/auth/totp", json={"password": PASSWORD})).status_code == 404
    async with house.database.read() as session:
        kept = await session.scalars(select(SecretRow.name).where(SecretRow.company_id == "default"))
        assert [name for name in kept if name.startswith("totp")] == []
    await begin(house)


async def test_the_seed_and_the_recovery_codes_lie_nowhere_in_clear(house: House) -> None:
    seed = (await house.owner.post("/admin/auth/totp/begin")).json()["secret"]
    answer = await house.owner.post("/admin/auth/totp/confirm", json={"code": App(house, seed).code()})
    codes = answer.json()["recovery_codes"]
    async with house.database.read() as session:
        rows = (await session.scalars(select(SecretRow).where(SecretRow.company_id == "default"))).all()
        factor = (await session.scalars(select(SecondFactorRow).where(SecondFactorRow.company_id == "default"))).one()
    stored = repr([(row.name, row.value) for row in rows]) + repr(factor.recovery_hashes)
    assert rows
    for secret in (seed, *codes, *(code.replace("-", "") for code in codes)):
        assert secret not in stored


async def test_an_administrator_helps_who_has_lost_the_telephone(house: House) -> None:
    await begin(house)
    user = (await house.owner.get("/admin/auth/me")).json()["id"]
    assert (await house.owner.post(f"/admin/users/{user}/reset-second-factor")).status_code == 204
    assert (await sign_in(house)).status_code == 200
    assert (await house.owner.post(f"/admin/users/{user}/reset-second-factor")).status_code == 404
