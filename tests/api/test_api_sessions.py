"""Sessions over HTTP: the refresh cookie, two tabs, a copied cookie, other sites, signing out."""

import asyncio
from collections.abc import AsyncIterator
from http.cookies import SimpleCookie
from pathlib import Path

import httpx
import pytest
from api_house import OWNER, PASSWORD, House, api_house

from services.accounts.roles import Role
from services.storage.people.sessions import Origin
from services.storage.people.users import UserChange

COOKIE = "secretary_refresh"
OURS = {"X-Requested-With": "secretary"}
REFRESH = "/admin/auth/refresh"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with api_house(tmp_path) as opened:
        yield opened


async def refresh(house: House, cookie: str, **headers: str) -> httpx.Response:
    house.client.cookies.clear()
    return await house.client.post(REFRESH, headers={**OURS, **headers, "Cookie": f"{COOKIE}={cookie}"})


async def signed_in(house: House, **headers: str) -> tuple[str, str]:
    """Sign in; return the access token and the cookie."""
    house.client.cookies.clear()
    given = {"username": OWNER, "password": PASSWORD}
    answer = await house.client.post("/admin/auth/login", json=given, headers=headers)
    return answer.json()["access_token"], answer.cookies[COOKIE]


async def good(house: House, token: str) -> bool:
    answer = await house.client.get("/admin/auth/me", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code in (200, 401)
    return answer.status_code == 200


async def test_the_cookie_is_out_of_reach_of_scripts_other_sites_and_other_routes(house: House) -> None:
    answer = await house.sign_in()
    (morsel,) = SimpleCookie(answer.headers["set-cookie"]).values()
    assert (morsel.key, morsel["httponly"], morsel["samesite"].lower(), morsel["path"], morsel["max-age"]) == (
        COOKIE, True, "strict", "/admin/auth", str(30 * 86_400),
    )  # fmt: skip
    assert not morsel["secure"]
    assert morsel.value not in answer.text
    transport = httpx.ASGITransport(house.app)
    async with httpx.AsyncClient(transport=transport, base_url="https://house") as client:
        answer = await client.post("/admin/auth/login", json={"username": OWNER, "password": PASSWORD})
        assert "Secure" in answer.headers["set-cookie"]


async def test_a_refresh_gives_another_token_and_another_cookie(house: House) -> None:
    token, cookie = await signed_in(house)
    house.clock.ahead += 901
    assert not await good(house, token)
    answer = await refresh(house, cookie)
    assert answer.status_code == 200
    assert set(answer.json()) == {"access_token", "token_type", "expires_in"}
    assert answer.headers["cache-control"] == "no-store"
    assert answer.cookies[COOKIE] != cookie
    assert await good(house, answer.json()["access_token"])
    assert (await refresh(house, answer.cookies[COOKIE])).status_code == 200


async def test_a_copied_cookie_ends_the_session(house: House) -> None:
    _, cookie = await signed_in(house)
    first = await refresh(house, cookie)
    house.clock.ahead += 11
    stolen = await refresh(house, cookie)
    assert stolen.status_code == 401
    assert 'secretary_refresh=""' in stolen.headers["set-cookie"]
    assert not await good(house, first.json()["access_token"]), "whoever is in with the copy is out, too"
    assert (await refresh(house, first.cookies[COOKIE])).status_code == 401


async def test_a_cookie_that_is_older_still_ends_the_session(house: House) -> None:
    _, cookie = await signed_in(house)
    second = (await refresh(house, cookie)).cookies[COOKIE]
    third = await refresh(house, second)
    assert (await refresh(house, cookie)).status_code == 401, "two uses ago: no tab is that late"
    assert not await good(house, third.json()["access_token"])


async def test_two_tabs_at_once_go_on_with_one_cookie(house: House) -> None:
    _, cookie = await signed_in(house)
    answers = await asyncio.gather(*(refresh(house, cookie) for _ in range(4)))
    assert [each.status_code for each in answers] == [200] * 4
    assert len({each.cookies[COOKIE] for each in answers}) == 1
    assert all([await good(house, each.json()["access_token"]) for each in answers])
    assert (await refresh(house, answers[0].cookies[COOKIE])).status_code == 200


async def test_an_answer_that_was_lost_may_be_asked_for_again_for_ten_seconds(house: House) -> None:
    _, cookie = await signed_in(house)
    lost = await refresh(house, cookie)
    house.clock.ahead += 9
    again = await refresh(house, cookie)
    assert again.cookies[COOKIE] == lost.cookies[COOKIE]
    house.clock.ahead += 60
    assert (await refresh(house, again.cookies[COOKIE])).status_code == 200


async def test_a_repeated_refresh_after_the_key_was_rotated_leaves_the_cookie(house: House) -> None:
    _, cookie = await signed_in(house)
    first = await refresh(house, cookie)
    house.platform.key.rotate()
    again = await refresh(house, cookie)
    assert again.status_code == 200
    assert COOKIE not in again.cookies
    assert (await refresh(house, first.cookies[COOKIE])).status_code == 200


async def test_a_session_that_nobody_uses_ends_after_thirty_days(house: House) -> None:
    _, cookie = await signed_in(house)
    for _ in range(2):
        house.clock.ahead += 29 * 86_400
        answer = await refresh(house, cookie)
        assert answer.status_code == 200, "each refresh lets it last for another thirty days"
        cookie = answer.cookies[COOKIE]
    house.clock.ahead += 30 * 86_400 + 1
    assert (await refresh(house, cookie)).status_code == 401


@pytest.mark.parametrize("cookie", ["", "x", "A" * 64, "é" * 64, "A" * 63 + "=", "-" * 4000])
async def test_what_is_no_cookie_of_ours_is_refused(house: House, cookie: str) -> None:
    headers = {b"Cookie": f"{COOKIE}={cookie}".encode(), b"X-Requested-With": b"secretary"}
    assert (await house.client.post(REFRESH, headers=headers)).status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"X-Requested-With": "XMLHttpRequest"}, 403),
        (OURS, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "cross-site", **OURS}, 403),
        ({"Sec-Fetch-Site": "same-site", "Origin": "http://house"}, 403),
        ({"Origin": "http://house"}, 200),
        ({"Origin": "https://house"}, 200),  # behind a proxy that ends TLS
        ({"Origin": "http://house.evil.example"}, 403),
        ({"Origin": "http://evil.example", **OURS}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://["}, 403),
    ],
)
async def test_other_sites_cannot_use_the_cookie(house: House, headers: dict[str, str], status: int) -> None:
    _, cookie = await signed_in(house)
    house.client.cookies.clear()
    answer = await house.client.post(REFRESH, headers={**headers, "Cookie": f"{COOKIE}={cookie}"})
    assert answer.status_code == status, answer.text


async def test_signing_out_ends_the_session_and_takes_the_cookie(house: House) -> None:
    token, cookie = await signed_in(house)
    answer = await house.client.post("/admin/auth/logout", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 204
    assert f'{COOKIE}=""' in answer.headers["set-cookie"]
    assert not await good(house, token)
    assert (await refresh(house, cookie)).status_code == 401
    assert (await house.owner.get("/admin/auth/me")).status_code == 200, "another session goes on"


async def test_sessions_are_listed_and_ended(house: House) -> None:
    token, _ = await signed_in(house, **{"User-Agent": "Telephone/1.0 " + "x" * 300})
    listed = (await house.owner.get("/admin/auth/sessions")).json()["items"]
    assert [each["current"] for each in listed] == [False, True]
    other = listed[0]
    assert other["user_agent"].startswith("Telephone/1.0 x")
    assert (len(other["user_agent"]), other["address"]) == (200, "127.0.0.1")
    assert (await house.owner.delete(f"/admin/auth/sessions/{other['id']}")).status_code == 204
    assert not await good(house, token)
    assert (await house.owner.delete(f"/admin/auth/sessions/{other['id']}")).status_code == 404
    tokens = [(await signed_in(house))[0] for _ in range(3)]
    assert (await house.owner.post("/admin/auth/sessions/revoke-others")).json() == {"ended": 3}
    assert not any([await good(house, each) for each in tokens])
    assert len((await house.owner.get("/admin/auth/sessions")).json()["items"]) == 1


async def test_nobody_ends_the_session_of_another(house: House) -> None:
    await house.accounts.add("default", "boris", "nine blue whales sang", Role.USER)
    token = (await house.sign_in("boris", "nine blue whales sang")).json()["access_token"]
    (mine,) = (await house.owner.get("/admin/auth/sessions")).json()["items"]
    headers = {"Authorization": f"Bearer {token}"}
    assert (await house.client.delete(f"/admin/auth/sessions/{mine['id']}", headers=headers)).status_code == 404
    assert (await house.owner.get("/admin/auth/me")).status_code == 200


async def test_a_session_of_a_deactivated_user_is_void_and_stays_void(house: House) -> None:
    user = await house.accounts.people.add("default", "boris", "nine blue whales sang", Role.USER)
    answer = await house.sign_in("boris", "nine blue whales sang")
    token, cookie = answer.json()["access_token"], answer.cookies[COOKIE]
    await house.accounts.people.edit("default", user.id, UserChange(active=False))
    assert not await good(house, token)
    assert (await refresh(house, cookie)).status_code == 401
    assert (await house.sign_in("boris", "nine blue whales sang")).status_code == 401
    await house.accounts.people.edit("default", user.id, UserChange(active=True))
    assert not await good(house, token)
    assert (await house.sign_in("boris", "nine blue whales sang")).status_code == 200


async def test_a_user_has_a_hundred_sessions_at_most(house: House) -> None:
    user = await house.platform.books.users.by_name(OWNER)
    assert user is not None
    for number in range(105):
        house.clock.ahead += 1
        assert await house.platform.books.sessions.open(
            user, f"f{number}", f"h{number}", Origin("192.0.2.1", "a program")
        )
    kept = await house.platform.books.sessions.list("default", user.id)
    assert len(kept) == 100
    assert (await house.owner.get("/admin/auth/me")).status_code == 401, "the one unused for longest has given way"
