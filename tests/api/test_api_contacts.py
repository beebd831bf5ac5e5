"""Deleting all that is kept of a contact."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from api_house import NUMBER, House, api_house
from call_events import question

from services.domain import TakenMessage
from services.storage.calls.conversations import Conversations
from services.storage.calls.messages import Messages
from services.storage.texts.messages import TextMessages
from services.storage.texts.records import NewPart, ReceivedText, StoredPart

OTHER = "+79990000000"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with api_house(tmp_path) as opened:
        yield opened


async def fill(house: House, number: str, mark: str) -> list[Path]:
    """Keep one of everything of a contact, each holding `mark`; return the files."""
    thread = await Conversations(house.database).open("default", "gsm", number, "ru", "anna")
    texts = await Conversations(house.database).open("default", "sms", number, "ru", "anna")
    await Conversations(house.database).save_state("default", thread.id, {"name": mark})
    turn = question()
    await Conversations(house.database).add_turn("default", texts.id, turn)
    await house.store_call(f"call-{mark}", number=number, ended=False, conversation_id=thread.id, purpose=mark)
    recording = await house.record(f"call-{mark}")
    await house.end_call(f"call-{mark}")
    sound = recording.with_name(f"call-{mark}.message-1.ogg")
    sound.write_bytes(b"OggS")
    left = TakenMessage(
        f"left-{mark}",
        "default",
        thread.id,
        f"call-{mark}",
        "ru",
        mark,
        "",
        mark,
        confirmed=True,
        audio_path=sound.relative_to(house.data_dir).as_posix(),
    )
    await Messages(house.database).save(left)
    told = TakenMessage(f"told-{mark}", "default", "", "", "ru", mark, number, mark, confirmed=True)
    await Messages(house.database).save(told)
    line, now = TextMessages(house.database).of_line("default", "gsm"), datetime.now(UTC)
    await line.add_part(StoredPart(f"whole-{mark}", "00", now, number, mark))
    await line.add_received(ReceivedText(number, mark, "text", now), [f"whole-{mark}"])
    await line.add_part(StoredPart(f"half-{mark}", "00", now, number, mark, 1, 2, 1))
    await line.queue(number, mark, [NewPart("00", 1, mark, 1, 1, None)], "")
    return [recording, sound]


def everything(house: House) -> str:
    with closing(sqlite3.connect(house.data_dir / "secretary.db")) as database:
        return "\n".join(database.iterdump())


async def test_nothing_of_a_contact_is_left_and_all_of_others(house: House) -> None:
    gone, kept = await fill(house, NUMBER, "zebra"), await fill(house, OTHER, "giraffe")
    before = everything(house)
    erased = await house.owner.delete(f"/admin/contacts/{NUMBER}")
    assert erased.status_code == 200
    assert erased.json() == {"calls": 1, "messages": 2, "text_messages": 2, "consents": 0, "deliveries": 0}
    after = everything(house)
    assert (NUMBER in before, "zebra" in before) == (True, True)
    assert (NUMBER in after, "zebra" in after) == (False, False)
    assert after.count("giraffe") == before.count("giraffe")
    assert after.count(OTHER) == before.count(OTHER)
    assert [path.exists() for path in gone + kept] == [False, False, True, True]
    again = await house.owner.delete(f"/admin/contacts/{NUMBER}")
    assert (again.status_code, again.json()["detail"]) == (404, "Nothing is kept of this number.")


async def test_the_number_may_be_written_as_people_do(house: House) -> None:
    await house.store_call("c1")
    await house.store_call("c2", number="Sberbank")
    assert (await house.owner.delete("/admin/contacts/+7 (916) 123-45-67")).json()["calls"] == 1
    assert (await house.owner.delete("/admin/contacts/Sberbank")).json()["calls"] == 1


async def test_a_contact_on_the_line_is_not_deleted(house: House) -> None:
    await fill(house, NUMBER, "zebra")
    await house.store_call("now", ended=False)
    before = everything(house)
    refused = await house.owner.delete(f"/admin/contacts/{NUMBER}")
    assert refused.status_code == 409
    assert "/admin/calls/now/end" in refused.json()["detail"]
    assert everything(house) == before
    assert (house.data_dir / "recordings/2026/11/call-zebra.ogg").exists()


async def test_withheld_numbers_are_nobodys(house: House) -> None:
    await house.store_call("withheld", number="")
    for path in ("/admin/contacts/", "/admin/contacts/%20", "/admin/contacts/%00"):
        assert (await house.owner.delete(path)).status_code in (404, 405, 422), path
    assert await house.calls.get("default", "withheld") is not None


async def test_another_companys_contact_stays(house: House) -> None:
    await house.store_call("theirs", company="other")
    assert (await house.owner.delete(f"/admin/contacts/{NUMBER}")).status_code == 404
    assert await house.calls.get("other", "theirs") is not None
