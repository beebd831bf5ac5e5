"""A stranger cannot tell a name that is known from one that is not: the same work, the same words."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.accounts.accounts import Accounts
from services.accounts.passwords import Passwords
from services.accounts.roles import Role
from services.accounts.secret_key import SecretKey
from services.clock import LoopClock
from services.errors import SignInError, TooManyAttemptsError
from services.storage.books import Books
from services.storage.database import Database
from services.storage.engine import sqlite_url
from services.storage.people.companies import Companies
from services.storage.people.users import UserChange
from services.storage.vault.sealing import Sealer
from services.storage.vault.secrets import Secrets

WORDS = "nine blue whales sang"


class Counted(Passwords):
    """Passwords that count how often argon2 is at work."""

    def __init__(self) -> None:
        super().__init__()
        self.work = 0

    async def _in_turn(self, password: str, stored: str = "") -> str:
        self.work += 1
        return await super()._in_turn(password, stored)


@pytest.fixture
async def accounts(tmp_path: Path) -> AsyncIterator[Accounts]:
    database, clock, key = Database(sqlite_url(tmp_path)), LoopClock(), SecretKey(tmp_path / "secret.key")
    await database.migrate()
    await Companies(database).ensure_default("Bakery", "en", "UTC", {})
    opened = Accounts(Books(database, clock), key, clock, Secrets(database, Sealer(key), clock))
    opened.passwords = Counted()
    await opened.people.add("default", "olga", WORDS, Role.OWNER)
    gone = await opened.people.add("default", "gleb", WORDS, Role.USER)
    await opened.people.edit("default", gone.id, UserChange(active=False))
    await opened.passwords.verify(None, "the hash that stands in for unknown names is made")
    yield opened
    await database.close()


async def outcome(accounts: Accounts, name: str, password: str, address: str) -> tuple[str, int]:
    """Return what is told of a sign-in that fails, and how often argon2 was at work for it."""
    assert isinstance(accounts.passwords, Counted)
    before = accounts.passwords.work
    with pytest.raises((SignInError, TooManyAttemptsError)) as refused:
        await accounts.sign_in(name, password, address)
    return str(refused.value), accounts.passwords.work - before


async def test_a_wrong_password_an_unknown_name_and_a_deactivated_user_are_one(accounts: Accounts) -> None:
    tried = [("olga", "wrong"), ("nobody", WORDS), ("gleb", WORDS), ("gleb", "wrong"), ("no name at all!", WORDS)]
    outcomes = [await outcome(accounts, name, password, "192.0.2.1") for name, password in tried]
    assert len(set(outcomes)) == 1
    assert outcomes[0][1] == 1


async def test_the_lock_out_does_not_tell_either(accounts: Accounts) -> None:
    for name in ("olga", "nobody"):
        told = [await outcome(accounts, name, "wrong", f"192.0.2.{number}") for number in range(12)]
        assert [work for _, work in told] == [1] * 10 + [0, 0]
        assert told[10][0] == "Too many sign-ins have failed. Try again later."
