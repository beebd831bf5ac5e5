"""Signing in while other things happen: a password that is changed, a database that is away."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from services.accounts.accounts import Accounts
from services.accounts.roles import Role
from services.accounts.secret_key import SecretKey
from services.clock import LoopClock
from services.errors import SignInError, StorageError
from services.storage.companies import Companies
from services.storage.database import Database
from services.storage.engine import sqlite_url
from services.storage.users import UserRecord, Users

OLD, NEW = "four green hats danced", "nine blue whales sang"
WEAKER = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1)


class Crossed(Users):
    """Somebody else changes the password between the reading of a hash and its renewal."""

    async def set_password(
        self, company_id: str, user_id: str, password_hash: str, *, ends_sessions: bool, instead_of: str = ""
    ) -> None:
        if not ends_sessions:
            await super().set_password(company_id, user_id, WEAKER.hash(NEW), ends_sessions=True)
        await super().set_password(
            company_id, user_id, password_hash, ends_sessions=ends_sessions, instead_of=instead_of
        )


class Away(Users):
    """Its database cannot be read."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.away = False

    async def by_name(self, username: str) -> UserRecord | None:
        if self.away:
            raise StorageError("The database is away.")
        return await super().by_name(username)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(sqlite_url(tmp_path))
    await opened.migrate()
    await Companies(opened).ensure_default("Bakery", "en", "UTC", {})
    yield opened
    await opened.close()


async def test_a_password_that_is_changed_meanwhile_stays_changed(database: Database, tmp_path: Path) -> None:
    users = Crossed(database)
    user = await users.add("default", "olga", WEAKER.hash(OLD), Role.OWNER)
    accounts = Accounts(users, Companies(database), SecretKey(tmp_path / "secret.key"), LoopClock())
    token = await accounts.sign_in("olga", OLD, "192.0.2.1")  # its hash is old: it is made anew on the way
    with pytest.raises(SignInError):
        await accounts.signed_in(token.access_token)
    stored = await users.get(user.id)
    assert stored is not None
    assert await asyncio.to_thread(WEAKER.verify, stored.password_hash, NEW)


async def test_a_database_that_is_away_keeps_nobody_out_afterwards(database: Database, tmp_path: Path) -> None:
    users = Away(database)
    accounts = Accounts(users, Companies(database), SecretKey(tmp_path / "secret.key"), LoopClock())
    await accounts.add("default", "olga", OLD, Role.OWNER)
    users.away = True
    for _ in range(25):
        with pytest.raises(StorageError):
            await accounts.sign_in("olga", OLD, "192.0.2.1")
    users.away = False
    assert (await accounts.sign_in("olga", OLD, "192.0.2.1")).expires_in
