"""Secrets: sealed, bound to their place, never told, resealed."""

import base64
from pathlib import Path

import pytest
from sqlalchemy import select, text, update

from services.accounts.secret_key import SecretKey
from services.errors import RefusedError, StorageError
from services.storage.database import Database
from services.storage.isolation import every_company
from services.storage.people.key_tables import SecretRow
from services.storage.vault.sealing import Sealer, key_of
from services.storage.vault.secrets import LONGEST, Secrets

ANY = {**every_company("a test looks"), "unaudited": "a test meddles"}
VALUE = "sk-настоящий-ключ"


@pytest.fixture
def key(tmp_path: Path) -> SecretKey:
    return SecretKey(tmp_path / "secret.key")


@pytest.fixture
def secrets(database: Database, key: SecretKey) -> Secrets:
    return Secrets(database, Sealer(key))


async def stored(database: Database, name: str = "llm/gemini") -> str:
    async with database.read() as session:
        return str(await session.scalar(select(SecretRow.value).where(SecretRow.name == name), execution_options=ANY))


async def test_a_secret_comes_back_to_its_company_only(secrets: Secrets, database: Database) -> None:
    await secrets.put("default", "llm/gemini", VALUE)
    assert await secrets.get("default", "llm/gemini") == VALUE
    assert await secrets.get("other", "llm/gemini") is None
    assert await secrets.get("default", "llm") is None
    await secrets.put("default", "llm/gemini", "another")
    assert await secrets.get("default", "llm/gemini") == "another"
    async with database.read() as session:
        assert list(await session.scalars(select(SecretRow.version), execution_options=ANY)) == [2]


async def test_neither_the_database_nor_a_repr_shows_it(secrets: Secrets, database: Database) -> None:
    await secrets.put("default", "llm/gemini", VALUE)
    sealed = await stored(database)
    body = base64.urlsafe_b64decode(sealed.rpartition(".")[2])
    assert VALUE.encode() not in body
    assert len(body) == 12 + len(VALUE.encode()) + 16
    async with database.read() as session:
        row = (await session.execute(text("SELECT * FROM secrets WHERE company_id = 'default'"))).one()
    assert VALUE not in repr(row) + repr(secrets)
    await secrets.put("default", "again", VALUE)
    assert await stored(database, "again") != sealed


async def test_names_are_listed_by_their_beginning(secrets: Secrets) -> None:
    for name in ("totp/2", "totp/1", "totp%", "TOTP/3", "llm"):
        await secrets.put("default", name, "x")
    await secrets.put("other", "totp/4", "x")
    assert await secrets.names("default", "totp/") == ["totp/1", "totp/2"]
    assert await secrets.names("default", "totp%") == ["totp%"]
    assert len(await secrets.names("default")) == 5
    assert await secrets.remove("default", "totp/1") is True
    assert await secrets.remove("default", "totp/1") is False
    assert await secrets.remove("other", "totp/2") is False
    assert await secrets.names("default", "totp/") == ["totp/2"]


async def test_in_a_transaction_of_somebody_else_it_is_undone_with_it(secrets: Secrets, database: Database) -> None:
    async def half_done() -> None:
        async with database.write() as session:
            await secrets.put("default", "one", "x", session=session)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await half_done()
    assert await secrets.get("default", "one") is None
    async with database.write() as session:
        await secrets.put("default", "one", "x", session=session)
    async with database.write() as session:
        assert await secrets.remove("default", "one", session=session)
    assert await secrets.get("default", "one") is None


@pytest.mark.parametrize("damage", ["", "v1", "v1..", "v2.{id}.AAAA", "v1.{id}.", "v1.{id}.AA\u0416A", "v1.{id}.AAAA"])
async def test_what_is_damaged_is_told_with_a_remedy(
    secrets: Secrets, database: Database, key: SecretKey, damage: str
) -> None:
    await secrets.put("default", "llm/gemini", VALUE)
    async with database.write() as session:
        await session.execute(update(SecretRow).values(value=damage.format(id=key.ids()[0])).execution_options(**ANY))
    with pytest.raises(StorageError) as caught:
        await secrets.get("default", "llm/gemini")
    assert caught.value.remedy
    assert caught.value.__cause__ is None


async def test_a_changed_bit_and_a_moved_text_do_not_open(secrets: Secrets, database: Database) -> None:
    await secrets.put("default", "llm/gemini", VALUE)
    head, _, body = (await stored(database)).rpartition(".")
    raw = bytearray(base64.urlsafe_b64decode(body))
    for at in (0, 12, len(raw) - 1):
        raw[at] ^= 1
        async with database.write() as session:
            changed = f"{head}.{base64.urlsafe_b64encode(raw).decode()}"
            await session.execute(update(SecretRow).values(value=changed).execution_options(**ANY))
        with pytest.raises(StorageError, match="damaged"):
            await secrets.get("default", "llm/gemini")
        raw[at] ^= 1
    for values in ({"company_id": "other"}, {"name": "totp"}):
        await secrets.put("default", "llm/gemini", VALUE)
        async with database.write() as session:
            await session.execute(update(SecretRow).values(**values).execution_options(**ANY))
        where = {"company_id": "default", "name": "llm/gemini", **values}
        with pytest.raises(StorageError, match="damaged"):
            await secrets.get(where["company_id"], where["name"])
        assert await secrets.remove(where["company_id"], where["name"])


async def test_with_another_key_the_remedy_is_the_key(secrets: Secrets, database: Database, tmp_path: Path) -> None:
    await secrets.put("default", "llm/gemini", VALUE)
    stranger = Secrets(database, Sealer(SecretKey(tmp_path / "other.key")))
    with pytest.raises(StorageError, match=r"secret\.key that belongs"):
        await stranger.get("default", "llm/gemini")
    with pytest.raises(StorageError, match="'default'"):
        await stranger.reseal()
    assert await secrets.get("default", "llm/gemini") == VALUE


async def test_everything_is_sealed_anew_with_the_current_key(
    secrets: Secrets, key: SecretKey, database: Database
) -> None:
    for number in range(230):  # more than a batch
        await secrets.put("default" if number % 2 else "other", f"s{number:03}", f"value {number}")
    old = key.ids()[0]
    assert await secrets.reseal() == 0
    fresh = key.rotate()
    assert await secrets.get("other", "s000") == "value 0"
    await secrets.put("default", "new", "x")
    assert await secrets.key_ids() == {old, fresh}
    assert await secrets.reseal() == 230
    assert await secrets.key_ids() == {fresh}
    key.drop({old})
    assert await secrets.get("default", "s229") == "value 229"
    assert key_of(await stored(database, "s001")) == fresh
    async with database.read() as session:
        assert set(await session.scalars(select(SecretRow.version), execution_options=ANY)) == {1}


async def test_a_secret_has_a_bound(secrets: Secrets) -> None:
    await secrets.put("default", "long", "x" * LONGEST)
    with pytest.raises(RefusedError):
        await secrets.put("default", "long", "я" * LONGEST)
    assert await secrets.get("default", "long") == "x" * LONGEST
