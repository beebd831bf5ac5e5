"""Signing in while other things happen: a password that is changed, a database that is away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from servers import postgres_database

from services.accounts.accounts import Accounts
from services.accounts.roles import Role
from services.accounts.secret_key import SecretKey
from services.clock import LoopClock
from services.errors import SignInError, StorageError
from services.storage.books import Books
from services.storage.database import Database
from services.storage.engine import sqlite_url
from services.storage.people.companies import Companies
from services.storage.people.users import UserRecord, Users
from services.storage.vault.sealing import Sealer
from services.storage.vault.secrets import Secrets

OLD, NEW = "four green hats danced", "nine blue whales sang"
WEAKER = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1)


class Crossed(Users):
    """Somebody else changes the password between the reading of a hash and its renewal."""

    async def renew_hash(self, company_id: str, user_id: str, password_hash: str, *, instead_of: str) -> bool:
        await self.set_password(company_id, user_id, WEAKER.hash(NEW))
        return await super().renew_hash(company_id, user_id, password_hash, instead_of=instead_of)


class Away(Users):
    """Its database cannot be read."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.away = False

    async def by_name(self, username: str) -> UserRecord | None:
        if self.away:
            raise StorageError("The database is away.")
        return await super().by_name(username)


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    with postgres_database() if request.param == "postgresql" else nullcontext(sqlite_url(tmp_path)) as url:
        opened = Database(url)
        await opened.migrate()
        await Companies(opened).ensure_default("Bakery", "en", "UTC", {})
        yield opened
        await opened.close()


def make(database: Database, users: Users, folder: Path) -> Accounts:
    clock, key = LoopClock(), SecretKey(folder / "secret.key")
    books = Books(database, clock)
    books.users = users
    return Accounts(books, key, clock, Secrets(database, Sealer(key), clock))


async def test_a_password_that_is_changed_meanwhile_stays_changed(database: Database, tmp_path: Path) -> None:
    users = Crossed(database)
    user = await users.add("default", "olga", WEAKER.hash(OLD), Role.OWNER)
    accounts = make(database, users, tmp_path)
    with pytest.raises(SignInError):  # its hash is of weaker figures: it would be made anew on the way
        await accounts.sign_in("olga", OLD, "192.0.2.1")
    stored = await users.get(user.id)
    assert stored is not None
    assert await asyncio.to_thread(WEAKER.verify, stored.password_hash, NEW)


async def test_a_database_that_is_away_keeps_nobody_out_afterwards(database: Database, tmp_path: Path) -> None:
    users = Away(database)
    accounts = make(database, users, tmp_path)
    await accounts.add("default", "olga", OLD, Role.OWNER)
    users.away = True
    for _ in range(25):
        with pytest.raises(StorageError):
            await accounts.sign_in("olga", OLD, "192.0.2.1")
    users.away = False
    assert (await accounts.sign_in("olga", OLD, "192.0.2.1")).expires_in
