"""Links that are good once: the set-up of a new installation, and invitations."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from api_house import House, api_house
from sqlalchemy import select

from services.storage.people.account_tables import UserRow
from services.storage.people.sign_in_tables import InvitationRow
from services.storage.people.users import UserChange

WORDS = "nine blue whales sang"
DAY = 86_400


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with api_house(tmp_path) as opened:
        yield opened


@pytest.fixture
async def new_house(house: House) -> House:
    """Nobody can sign in: its owner has been kept out behind the back of all rules."""
    async with house.database.write() as session:
        (await session.scalars(select(UserRow).where(UserRow.company_id == "default"))).one().active = False
    return house


async def set_up_token(house: House) -> str:
    link = await house.accounts.links.set_up_link("default")
    assert link is not None
    return link.path.partition("/setup#token=")[2]


async def invite(house: House, **wanted: str) -> str:
    answer = await house.owner.post("/admin/invitations", json={"role": "user", **wanted})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["link"]).partition("#invitation=")[2]


async def test_the_set_up_link_makes_the_owner_and_signs_in(new_house: House) -> None:
    given = {"token": await set_up_token(new_house), "username": "Vera", "password": WORDS, "company_name": "Bäckerei"}
    answer = await new_house.client.post("/setup", json=given)
    assert answer.status_code == 201, answer.text
    assert answer.cookies["secretary_refresh"]
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    me = (await new_house.client.get("/admin/auth/me", headers=headers)).json()
    assert (me["username"], me["role"], me["company_id"]) == ("vera", "owner", "default")
    company = await new_house.platform.books.companies.profile("default")
    assert company is not None
    assert company.name == "Bäckerei"
    assert not any(company.fact("name", language) for language in ("en", "ru"))
    again = await new_house.client.post("/setup", json={**given, "username": "eve"})
    assert again.status_code == 422
    assert await new_house.accounts.links.set_up_link("default") is None


async def test_the_set_up_link_is_void_after_a_day_and_at_the_next_start(new_house: House) -> None:
    first, second = await set_up_token(new_house), await set_up_token(new_house)
    given = {"username": "vera", "password": WORDS}
    assert (await new_house.client.post("/setup", json={"token": first, **given})).status_code == 422
    new_house.clock.ahead += DAY + 1
    assert (await new_house.client.post("/setup", json={"token": second, **given})).status_code == 422
    assert (await new_house.client.post("/setup", json={"token": "guessed", **given})).status_code == 422


async def test_the_set_up_link_is_void_once_there_is_an_owner(new_house: House) -> None:
    token = await set_up_token(new_house)
    users = await new_house.platform.books.users.list("default")
    await new_house.accounts.people.edit("default", users[0].id, UserChange(active=True))
    given = {"token": token, "username": "vera", "password": WORDS}
    answer = await new_house.client.post("/setup", json=given)
    assert answer.status_code == 409
    assert [each.username for each in await new_house.platform.books.users.list("default")] == [users[0].username]


async def test_a_weak_password_does_not_use_a_link_up(new_house: House) -> None:
    given = {"token": await set_up_token(new_house), "username": "vera"}
    weak = await new_house.client.post("/setup", json={**given, "password": "password1234"})
    assert (weak.status_code, "guess" in weak.text) == (422, True)
    assert (await new_house.client.post("/setup", json={**given, "password": WORDS})).status_code == 201


async def test_a_link_of_one_kind_is_none_of_another(house: House) -> None:
    token = await invite(house)
    for path, given in (("/setup", {"username": "vera"}), ("/auth/reset-password", {})):
        answer = await house.client.post(path, json={"token": token, "password": WORDS, **given})
        assert answer.status_code == 422, path


async def test_an_invitation_makes_a_user_of_the_company_once(house: House) -> None:
    answer = await house.owner.post("/admin/invitations", json={"role": "admin", "email": "b@example.org"})
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    made = answer.json()
    token = made["link"].partition("http://house/setup#invitation=")[2]
    listed = (await house.owner.get("/admin/invitations")).json()["items"]
    assert [(each["id"], each["email"], each["invited_by"]) for each in listed] == [
        (made["id"], "b@example.org", "olga")
    ]
    assert "link" not in listed[0]
    assert token not in str(listed)
    given = {"token": token, "username": "Boris", "password": WORDS}
    joined = await house.client.post("/auth/accept-invitation", json=given)
    assert joined.status_code == 201, joined.text
    headers = {"Authorization": f"Bearer {joined.json()['access_token']}"}
    me = (await house.client.get("/admin/auth/profile", headers=headers)).json()
    assert (me["username"], me["role"], me["email"], me["company_id"]) == (
        "boris", "admin", "b@example.org", "default",
    )  # fmt: skip
    again = await house.client.post("/auth/accept-invitation", json={**given, "username": "eve"})
    assert again.status_code == 422
    assert (await house.owner.get("/admin/invitations")).json()["items"] == []


async def test_an_invitation_is_stored_as_a_hash(house: House) -> None:
    token = await invite(house)
    async with house.database.read() as session:
        row = (await session.scalars(select(InvitationRow).where(InvitationRow.company_id == "default"))).one()
    assert token not in repr([getattr(row, each.key) for each in InvitationRow.__table__.columns])
    assert re.fullmatch(r"[0-9a-f]{64}", row.token_hash)


async def test_an_invitation_for_one_name_is_for_this_name(house: House) -> None:
    token = await invite(house, username="Boris")
    given = {"token": token, "password": WORDS}
    other = await house.client.post("/auth/accept-invitation", json={**given, "username": "eve"})
    assert other.status_code == 422
    assert (await house.client.post("/auth/accept-invitation", json=given)).status_code == 201
    taken = await house.owner.post("/admin/invitations", json={"role": "user", "username": "boris"})
    assert taken.status_code == 422


async def test_a_name_that_is_taken_does_not_use_an_invitation_up(house: House) -> None:
    given = {"token": await invite(house), "password": WORDS}
    assert (await house.client.post("/auth/accept-invitation", json={**given, "username": "OLGA"})).status_code == 422
    assert (await house.client.post("/auth/accept-invitation", json={**given, "username": "boris"})).status_code == 201


async def test_an_invitation_ends_after_three_days_or_when_it_is_taken_back(house: House) -> None:
    late, back = await invite(house), await invite(house)
    items = (await house.owner.get("/admin/invitations", params={"limit": 1})).json()
    assert items["next_cursor"]
    newest = items["items"][0]["id"]
    elsewhere = {"X-Company": "other"}
    assert (await house.owner.delete(f"/admin/invitations/{newest}", headers=elsewhere)).status_code == 404
    assert (await house.owner.delete(f"/admin/invitations/{newest}")).status_code == 204
    assert (await house.owner.delete(f"/admin/invitations/{newest}")).status_code == 404
    house.clock.ahead += 3 * DAY + 1
    for token in (late, back):
        given = {"token": token, "username": "boris", "password": WORDS}
        assert (await house.client.post("/auth/accept-invitation", json=given)).status_code == 422


async def test_the_page_works_under_the_strict_policy(house: House) -> None:
    page = await house.client.get("/setup", headers={"Accept-Language": "en"})
    assert page.status_code == 200
    assert page.headers["content-security-policy"].startswith("default-src 'self'")
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert not re.search(r"<script(?![^>]*src=)|\sstyle=|\son\w+=", page.text), "nothing inline, which would not run"
    linked = re.findall(r'(?:src|href)="(/setup[^"]*)"', page.text)
    assert sorted(linked) == ["/setup.css", "/setup.js"]
    kinds = [(await house.client.get(each)).headers["content-type"].split(";")[0] for each in sorted(linked)]
    assert kinds == ["text/css", "text/javascript"]
    assert "владельцем" in (await house.client.get("/setup", headers={"Accept-Language": "ru-RU"})).text
