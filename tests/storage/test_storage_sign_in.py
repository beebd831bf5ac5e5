"""Users, sessions and links on both databases, where several do the same at once."""

import asyncio
from datetime import timedelta

import pytest
from call_events import Clock

from services.errors import AccountError, ConflictError, RefusedError
from services.storage.books import Books
from services.storage.columns import new_id
from services.storage.database import Database
from services.storage.people.invitations import InvitationRecord, Kind
from services.storage.people.sessions import Origin, Turn
from services.storage.people.users import UserChange, UserRecord

HERE = Origin("192.0.2.1", "a program")


@pytest.fixture
def books(database: Database) -> Books:
    return Books(database, Clock())


async def owner(books: Books, name: str, company: str = "default") -> UserRecord:
    return await books.users.add(company, name, "hash", "owner")


def link(kind: Kind, user_id: str = "") -> InvitationRecord:
    now = Clock().now()
    return InvitationRecord(new_id(), "default", kind, user_id, "", "", "user", "olga", now, now + timedelta(hours=1))


async def test_owners_of_several_companies_who_remove_each_other_leave_one(books: Books) -> None:
    found = [await owner(books, f"owner{number}", ("default", "other")[number % 2]) for number in range(4)]
    outcomes = await asyncio.gather(
        *(books.users.remove(each.company_id, each.id) for each in found[:2]),
        *(books.users.edit(each.company_id, each.id, UserChange(active=False)) for each in found[2:]),
        return_exceptions=True,
    )
    assert [type(each) for each in outcomes if isinstance(each, Exception)] == [ConflictError]
    assert await books.users.count("owner") == 1


async def test_one_of_many_exchanges_a_refresh_token_and_the_others_are_told_the_same(books: Books) -> None:
    user = await owner(books, "olga")
    session_id = await books.sessions.open(user, "family", "first", HERE)
    assert session_id
    turns = await asyncio.gather(*(books.sessions.rotate("family", "first", "second", HERE) for _ in range(8)))
    assert sorted(each.turn for each in turns) == [Turn.REPEATED] * 7 + [Turn.ROTATED]
    assert all(each.fresh and each.session_id == session_id for each in turns)
    assert (await books.sessions.rotate("family", "forged", "x", HERE)).turn is Turn.STOLEN
    assert (await books.sessions.rotate("family", "second", "third", HERE)).turn is Turn.UNKNOWN
    assert await books.sessions.holder(session_id, user.id) is None


async def test_a_session_is_its_users_only(books: Books) -> None:
    olga, boris = await owner(books, "olga"), await owner(books, "boris")
    session_id = await books.sessions.open(olga, "family", "first", HERE)
    assert session_id
    held = await books.sessions.holder(session_id, olga.id)
    assert held is not None
    assert (held.id, held.last_sign_in_at) == (olga.id, Clock().now())
    assert await books.sessions.holder(session_id, boris.id) is None
    assert await books.sessions.list("other", olga.id) == []


async def test_a_session_is_not_begun_with_a_password_that_was_changed(books: Books) -> None:
    user = await owner(books, "olga")
    await books.users.set_password("default", user.id, "another")
    assert await books.sessions.open(user, "family", "first", HERE) is None


async def test_a_link_is_used_once_by_whoever_is_first(books: Books) -> None:
    await books.invitations.add(link("invitation"), "token")
    outcomes = await asyncio.gather(
        *(books.invitations.join("token", f"user{number}", "hash") for number in range(5)), return_exceptions=True
    )
    assert sorted(type(each).__name__ for each in outcomes) == ["RefusedError"] * 4 + ["UserRecord"]
    assert len(await books.users.list("default")) == 1


async def test_a_set_up_link_makes_one_owner(books: Books) -> None:
    await books.invitations.add(link("setup"), "older")
    await books.invitations.add(link("setup"), "token")
    with pytest.raises(RefusedError):
        await books.invitations.set_up("older", "eve", "hash", "")
    outcomes = await asyncio.gather(
        *(books.invitations.set_up("token", f"user{number}", "hash", "Bakery") for number in range(3)),
        return_exceptions=True,
    )
    assert sum(isinstance(each, UserRecord) for each in outcomes) == 1
    assert await books.users.count("owner") == 1


async def test_a_name_is_taken_once_in_the_installation(books: Books) -> None:
    await owner(books, "olga")
    with pytest.raises(AccountError, match="already"):
        await owner(books, "olga", "other")
    outcomes = await asyncio.gather(*(owner(books, "boris") for _ in range(5)), return_exceptions=True)
    assert sorted(type(each).__name__ for each in outcomes) == ["AccountError"] * 4 + ["UserRecord"]


async def test_a_code_of_a_second_factor_is_used_once(books: Books) -> None:
    user = await owner(books, "olga")
    assert await books.second_factors.confirm("default", user.id, 100, ["a", "b"])
    assert not await books.second_factors.confirm("default", user.id, 100, [])
    steps = await asyncio.gather(*(books.second_factors.use_step("default", user.id, 101) for _ in range(5)))
    codes = await asyncio.gather(*(books.second_factors.use_recovery("default", user.id, "a") for _ in range(5)))
    assert (sum(steps), sum(codes)) == (1, 1)
    assert not await books.second_factors.use_step("default", user.id, 100)
    factor = await books.second_factors.get("default", user.id)
    assert factor is not None
    assert factor.recovery_left == 1
    await owner(books, "boris")
    await books.users.remove("default", user.id)
    assert await books.second_factors.get("default", user.id) is None
