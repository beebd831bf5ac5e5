"""Rotating the installation's key: nothing is lost, whenever it is stopped."""

import asyncio
import random
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from call_events import Clock

from services.accounts.rotation import rotate
from services.accounts.secret_key import SecretKey
from services.accounts.tokens import Tokens
from services.errors import StorageError
from services.storage.database import Database
from services.storage.engine import sqlite_url
from services.storage.people.companies import Companies
from services.storage.vault.sealing import Sealer
from services.storage.vault.secrets import Secrets

ROOT = Path(__file__).parents[2]
SECRETS = {f"s{number:03}": f"value {number}" for number in range(60)}
ROTATE_FOR_EVER = """
import asyncio, sys
from pathlib import Path
from services.accounts.rotation import rotate
from services.accounts.secret_key import SecretKey
from services.storage.database import Database
from services.storage.engine import sqlite_url
from services.storage.vault.sealing import Sealer
from services.storage.vault.secrets import Secrets
async def main():
    folder = Path(sys.argv[1])
    key, database = SecretKey(folder / "secret.key"), Database(sqlite_url(folder))
    secrets = Secrets(database, Sealer(key))
    print("begun", flush=True)
    while True:
        await rotate(key, secrets, drop_old=sys.argv[2] == "drop")
asyncio.run(main())
"""


@pytest.fixture
def key(tmp_path: Path) -> SecretKey:
    return SecretKey(tmp_path / "secret.key")


@pytest.fixture
async def secrets(tmp_path: Path, key: SecretKey) -> AsyncIterator[Secrets]:
    database = Database(sqlite_url(tmp_path))
    await database.migrate()
    await Companies(database).ensure_default("Bakery", "ru", "Europe/Moscow", {})
    yield Secrets(database, Sealer(key))
    await database.close()


async def test_a_new_key_signs_and_the_one_before_still_reads(key: SecretKey, secrets: Secrets, tmp_path: Path) -> None:
    await secrets.put("default", "llm", "value")
    first, tokens = key.derive("test"), Tokens(key, Clock())
    token = tokens.issue("u1", "s1")
    done = await rotate(key, secrets)
    assert (done.resealed, done.dropped) == (1, ())
    assert key.derive("test") != first
    assert [each for _, each in key.derive_all("test")] == [key.derive("test"), first]
    assert key.ids()[0] == done.key_id
    assert tokens.read(token) is not None
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600
    assert await secrets.get("default", "llm") == "value"


async def test_two_keys_are_kept_and_with_drop_old_one(key: SecretKey, secrets: Secrets) -> None:
    await secrets.put("default", "llm", "value")
    tokens = Tokens(key, Clock())
    token = tokens.issue("u1", "s1")
    ids = [key.ids()[0]]
    ids += [(await rotate(key, secrets)).key_id for _ in range(3)]
    assert key.ids() == ids[:1:-1]
    assert tokens.read(token) is None, "its key was forgotten"
    last = await rotate(key, secrets, drop_old=True)
    assert (key.ids(), set(last.dropped)) == ([last.key_id], set(ids[2:]))
    assert await secrets.get("default", "llm") == "value"


async def test_a_key_that_is_needed_is_never_dropped(key: SecretKey, secrets: Secrets) -> None:
    await secrets.put("default", "llm", "value")
    needed = key.ids()[0]

    class Unopenable:
        async def reseal(self) -> int:
            raise StorageError("The secret is damaged.")

        async def key_ids(self) -> set[str]:
            return {needed}

    class InUse(Unopenable):
        async def reseal(self) -> int:
            return 0

    with pytest.raises(StorageError):
        await rotate(key, Unopenable(), drop_old=True)
    assert needed in key.ids()
    for _ in range(3):
        await rotate(key, InUse(), drop_old=True)
    assert key.ids()[1:] == [needed]
    assert await secrets.get("default", "llm") == "value"


def test_another_process_takes_the_new_key_up(key: SecretKey, tmp_path: Path) -> None:
    running = SecretKey(tmp_path / "secret.key")
    before = running.derive("test")
    assert key.derive("test") == before
    key.rotate()
    assert running.derive("test") == key.derive("test") != before


def test_what_runs_goes_on_when_the_file_is_spoiled(key: SecretKey, tmp_path: Path) -> None:
    known = key.derive("test")
    path = tmp_path / "secret.key"
    content = path.read_bytes()
    path.write_bytes(b"nonsense")
    assert key.derive("test") == known
    with pytest.raises(StorageError):
        key.rotate()
    assert path.read_bytes() == b"nonsense", "nothing is written over what cannot be read"
    path.unlink()
    assert key.derive("test") == known
    path.write_bytes(content)
    assert SecretKey(path).derive("test") == known


def test_the_current_key_cannot_be_dropped(key: SecretKey) -> None:
    old = key.ids()[0]
    fresh = key.rotate()
    key.drop({fresh, old})
    assert key.ids() == [fresh]


@pytest.mark.parametrize("how", ["keep", "drop"])
async def test_killed_at_any_moment_nothing_is_lost(how: str, key: SecretKey, secrets: Secrets, tmp_path: Path) -> None:
    for name, value in SECRETS.items():
        await secrets.put("default", name, value)
    begun, chance = key.ids()[0], random.Random(5)
    for _ in range(4):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", ROTATE_FOR_EVER, str(tmp_path), how, cwd=ROOT, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        assert process.stdout is not None
        await asyncio.wait_for(process.stdout.readline(), 30)
        await asyncio.sleep(chance.uniform(0.0, 0.3))
        process.kill()
        await process.communicate()
        fresh = SecretKey(tmp_path / "secret.key")
        assert {name: await secrets.get("default", name) for name in SECRETS} == SECRETS
        assert fresh.ids() == key.ids()
    assert begun not in key.ids(), "it was rotated at all"
    await rotate(key, secrets)
    assert len(key.ids()) <= 2
    assert await secrets.key_ids() == {key.ids()[0]}
