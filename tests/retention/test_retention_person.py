"""A person's data: handed out whole, and erased to the last row."""

import io
import json
import sqlite3
import zipfile
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from api_house import NUMBER, PASSWORD, House, api_house
from sqlalchemy import insert

from services.accounts.roles import Role
from services.domain import TakenMessage
from services.retention.contacts import spelled
from services.storage.chats.tables import ChatMessageRow, ChatRow
from services.storage.delivery.tables import OutboxRow
from services.storage.tables import Base

SPELLINGS = ("+79161234567", "89161234567", "79161234567", "9161234567")
DIGITS = "9161234567"
OTHER = "+79160000000"
SOUND = bytes(range(256)) * 3000  # more than a piece


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with api_house(tmp_path) as opened:
        yield opened


async def fill(house: House) -> list[Path]:
    """Keep something of the number in each spelling in which a line may have told it."""
    books = house.platform.books
    files = []
    for at, number in enumerate(SPELLINGS):
        await house.store_call(f"c{at}", number=number, ended=False)
        files.append(await house.record(f"c{at}", SOUND))
        await house.end_call(f"c{at}")
        told = TakenMessage(f"m{at}", "default", "", "", "ru", "Zoe", number, "zebra", confirmed=True)
        await books.messages.save(told)
    texts = {"kind": "recording_notice", "language": "ru", "text": "Мы записываем звонки."}
    text_id = (await house.owner.post("/admin/legal", json=texts)).json()["id"]
    for contact in ("8 (916) 123-45-67", OTHER):
        given = {"contact": contact, "kind": "recording", "channel": "gsm", "text_id": text_id, "evidence": "call c0"}
        assert (await house.owner.post("/admin/consents", json=given)).status_code == 201
    now = datetime.now(UTC)
    waiting = {"id": "o1", "company_id": "default", "kind": "webhook", "key": "k", "target": "w", "ordered": False,
               "place": 1, "contact": SPELLINGS[0], "payload": {"number": SPELLINGS[0]}, "next_at": now,
               "expires_at": now, "created_at": now}  # fmt: skip
    async with house.database.write() as session:
        await session.execute(insert(OutboxRow).values(**waiting))
    await books.audit.note("export", "contacts", detail={"number": SPELLINGS[0]}, company_id="default")
    return files


def rows_naming(house: House, text: str) -> dict[str, int]:
    """Return how many rows of each table of the database hold `text` in any column."""
    found = {}
    with closing(sqlite3.connect(house.data_dir / "secretary.db")) as database:
        for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            rows = database.execute(f'SELECT * FROM "{table}"').fetchall()
            if count := sum(text in repr(row) for row in rows):
                found[table] = count
    return found


async def unpacked(house: House, path: str) -> dict[str, bytes]:
    answer = await house.owner.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


async def test_an_export_holds_everything_of_a_number_and_nothing_of_others(house: House) -> None:
    await fill(house)
    await house.store_call("theirs", number=OTHER)
    await house.store_call("foreign", company="other")
    found = await unpacked(house, "/admin/contacts/89161234567/export")
    content = {name: json.loads(data) for name, data in found.items() if name.endswith(".json")}
    assert content["about.json"]["number"] == SPELLINGS[0]
    assert sorted(each["id"] for each in content["calls.json"]) == ["c0", "c1", "c2", "c3"]
    assert sorted(each["id"] for each in content["messages.json"]) == ["m0", "m1", "m2", "m3"]
    assert [each["contact"] for each in content["consents.json"]] == [SPELLINGS[0]]
    assert [each["id"] for each in content["outbox.json"]] == ["o1"]
    assert {"turns.json", "events.json", "conversations.json", "texts.json", "webhook_arrivals.json"} <= set(content)
    assert len(content["events.json"]) >= 8
    sounds = {name: data for name, data in found.items() if name.startswith("recordings/")}
    assert sounds == {f"recordings/c{at}.ogg": SOUND for at in range(4)}
    assert not any(word in data for data in found.values() for word in (OTHER.encode(), b"theirs", b"foreign"))
    entries, _ = await house.platform.books.audit.list("default")
    assert any((each.action, each.resource) == ("export", "contacts") for each in entries)


async def test_nothing_of_a_number_is_left_in_any_table(house: House) -> None:
    files = await fill(house)
    before = rows_naming(house, DIGITS)
    assert {"calls", "call_events", "messages", "consents", "outbox", "audit_log"} <= set(before)
    kept = rows_naming(house, OTHER)
    erased = await house.owner.delete("/admin/contacts/8 916 123-45-67")
    assert erased.status_code == 200, erased.text
    assert {name: erased.json()[name] for name in ("calls", "consents", "deliveries")} == {
        "calls": 4, "consents": 1, "deliveries": 1}  # fmt: skip
    assert rows_naming(house, DIGITS) == {}
    assert rows_naming(house, "zebra") == {}
    assert rows_naming(house, OTHER)["consents"] == kept["consents"]
    assert not any(path.exists() for path in files)
    assert (await house.platform.books.audit.verify()).part().state.value == "ready"
    for path in "", "/export":
        answer = await house.owner.request("GET" if path else "DELETE", f"/admin/contacts/{NUMBER}{path}")
        assert answer.status_code == 404


async def test_a_missing_sound_does_not_spoil_an_export(house: House) -> None:
    (await fill(house))[0].unlink()
    found = await unpacked(house, f"/admin/contacts/{NUMBER}/export")
    assert "recordings/c0.ogg" not in found
    assert "recordings/c1.ogg" in found


async def test_a_users_chats_keys_and_consents_are_handed_out_and_erased(house: House) -> None:
    user = await house.accounts.add("default", "ulla", PASSWORD, Role.USER)
    await house.accounts.sign_in("ulla", PASSWORD, "10.1.2.3")
    now = datetime.now(UTC)
    chat = {"company_id": "default", "title": "zebra", "system_prompt": "", "persona": "", "state": {},
            "state_before": {}, "version": 1, "created_at": now, "last_at": now}  # fmt: skip
    message = {"company_id": "default", "number": 1, "role": "user", "text": "giraffe", "source": "", "model": "",
               "tokens_in": 0, "tokens_out": 0, "cut": False, "created_at": now}  # fmt: skip
    async with house.database.write() as session:
        for chat_id, owner_id in ("h1", user.id), ("h2", "somebody"):
            await session.execute(
                insert(ChatRow).values(**chat, id=chat_id, owner_id=owner_id),
                execution_options={"unaudited": "a test"},
            )
            await session.execute(insert(ChatMessageRow).values(**message, chat_id=chat_id))
    given = {"contact_kind": "user", "contact": user.id, "kind": "voice_cloning", "channel": "web"}
    assert (await house.owner.post("/admin/consents", json=given)).status_code == 201
    path = f"/admin/users/{user.id}/data"
    found = {name: json.loads(data) for name, data in (await unpacked(house, path)).items()}
    assert found["user.json"][0]["username"] == "ulla"
    assert "password_hash" not in found["user.json"][0]
    assert [each["id"] for each in found["chats.json"]] == ["h1"]
    assert [each["text"] for each in found["chat_messages.json"]] == ["giraffe"]
    assert [each["kind"] for each in found["consents.json"]] == ["voice_cloning"]
    assert found["sessions.json"][0]["address"] == "10.1.2.3"
    assert not any("hash" in key for rows in found.values() if isinstance(rows, list) for row in rows for key in row)
    assert (await house.owner.delete(path)).status_code == 204
    assert rows_naming(house, "zebra")["chats"] == 1, "the other user's"
    left = rows_naming(house, user.id)
    assert set(left) <= {"users", "audit_log"}, left
    assert (await house.sign_in("ulla")).status_code == 200, "the account stays"
    assert (await house.owner.get("/admin/users/nobody/data")).status_code == 404
    assert (await house.owner.get(path, headers={"X-Company": "other"})).status_code == 404
    assert (await house.owner.delete(path, headers={"X-Company": "other"})).status_code == 404


async def test_nobody_takes_or_erases_the_data_of_who_stands_above(house: House) -> None:
    boss = await house.accounts.add("default", "boris", PASSWORD, Role.OWNER)
    await house.accounts.add("default", "anton", PASSWORD, Role.ADMIN)
    admin = {"Authorization": f"Bearer {(await house.sign_in('anton')).json()['access_token']}"}
    for method in ("GET", "DELETE"):
        answer = await house.client.request(method, f"/admin/users/{boss.id}/data", headers=admin)
        assert answer.status_code == 403, method


async def test_a_deleted_users_chats_go_along_in_every_company(house: House) -> None:
    user, chats = await house.accounts.add("default", "ulla", PASSWORD, Role.OWNER), house.platform.books.chats
    for company_id, owner_id in (("default", user.id), ("other", user.id), ("default", "somebody")):
        chat = await chats.create(company_id, owner_id, "zebra", "", "")
        await chats.begin_answer(company_id, chat.id, "giraffe")
    assert len(json.loads((await unpacked(house, f"/admin/users/{user.id}/data"))["chat_messages.json"])) == 2
    assert (await house.owner.delete(f"/admin/users/{user.id}")).status_code == 204
    assert rows_naming(house, "zebra")["chats"] == 1
    assert rows_naming(house, "giraffe")["chat_messages"] == 1


async def test_every_spelling_is_known_by_where_the_company_is(house: House) -> None:
    companies = house.platform.books.companies
    for written in ("8 916 123-45-67", *SPELLINGS):
        known = await spelled(companies, "default", written)
        assert known[0] == SPELLINGS[0], written
        assert set(SPELLINGS) <= set(known)
    assert await spelled(companies, "default", "900") == ("900",)
    assert await spelled(companies, "default", "Sberbank") == ("Sberbank",)
    assert "ann@example.org" in await spelled(companies, "default", "Ann@Example.org")


def test_every_column_that_names_a_contact_is_known_to_the_eraser() -> None:
    named = {(table.name, column.name) for table in Base.metadata.sorted_tables for column in table.c
             if column.name in {"number", "contact_number", "phone", "recipient", "email", "caller"}}  # fmt: skip
    assert named == {
        ("calls", "number"), ("conversations", "contact_number"), ("messages", "number"), ("text_messages", "number"),
        ("text_parts", "number"), ("chat_messages", "number"), ("users", "email"), ("invitations", "email"),
    }, "a table that names a person calls the column `contact`, or storage.privacy.removal knows it"  # fmt: skip
