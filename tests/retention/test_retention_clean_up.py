"""The daily clean-up, on a real database and real files."""

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from api_house import NUMBER, House, api_house

from services.domain import TakenMessage, Turn
from services.events import CallEventType
from services.retention.retention import LEASE, Retention
from services.retention.settings import RetentionSettings
from services.retention.sounds import SoundFiles
from services.retention.sweeps import BATCH
from services.storage.calls.conversations import Conversations
from services.storage.calls.messages import Messages
from services.storage.leases import Leases
from services.storage.privacy.retention import RetentionBook
from services.storage.texts.messages import TextMessages
from services.storage.texts.records import NewPart, ReceivedText, StoredPart

DAY = 86_400.0
FOLDER = Path("recordings/2026/11")


@pytest.fixture(params=["sqlite", "postgresql"])
async def house(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[House]:
    async with api_house(tmp_path, on_postgresql=request.param == "postgresql") as opened:
        (opened.data_dir / FOLDER).mkdir(parents=True)
        yield opened


def keeper(house: House, recordings_days: int = 90, calls_days: int = 0, texts_days: int = 0) -> Retention:
    settings = RetentionSettings(recordings_days=recordings_days, calls_days=calls_days, texts_days=texts_days)
    book, sounds = RetentionBook(house.database, house.clock), SoundFiles(house.data_dir)
    return Retention(settings, book, sounds, house.clock, Leases(house.database, house.clock))


async def call(house: House, call_id: str, **more: str) -> Path:
    """Store a call of now with its recording."""
    await house.store_call(call_id, ended=False, **more)
    path = await house.record(call_id)
    await house.end_call(call_id)
    return path


def lay_down(house: House, name: str, written_ahead: float = 0.0) -> Path:
    """Write a file that nobody knows, `written_ahead` seconds after now."""
    path = house.data_dir / FOLDER / name
    path.write_bytes(b"OggS")
    at = (house.clock.now() + timedelta(seconds=written_ahead)).timestamp()
    os.utime(path, (at, at))
    return path


async def test_recordings_go_after_their_days_and_the_calls_stay(house: House) -> None:
    old = await call(house, "old")
    house.clock.ahead = 50 * DAY
    new = await call(house, "new")
    house.clock.ahead = 91 * DAY
    await keeper(house).clean_up()
    assert (old.exists(), new.exists()) == (False, True)
    paths = [(await house.calls.get("default", each)) for each in ("old", "new")]
    assert [each and each.recording_path for each in paths] == ["", "recordings/2026/11/new.ogg"]
    kept = await house.calls.get("default", "old")
    assert kept is not None
    assert (kept.outcome, kept.ended_at is not None) == ("answered", True)


async def test_zero_days_keep_for_ever(house: House) -> None:
    path = await call(house, "old")
    house.clock.ahead = 5000 * DAY
    await keeper(house, recordings_days=0).clean_up()
    assert path.exists()


async def test_calls_go_after_their_days_and_what_was_left_for_the_owner_stays(house: House) -> None:
    path = await call(house, "old")
    sound = lay_down(house, "old.message-1.ogg")
    left = TakenMessage(
        "m1", "default", "", "old", "ru", "Ann", "", "hello", confirmed=True, audio_path=f"{FOLDER}/old.message-1.ogg"
    )
    await Messages(house.database).save(left)
    await call(house, "theirs", company="default")
    house.clock.ahead = 20 * DAY
    await call(house, "new")
    house.clock.ahead = 31 * DAY
    await keeper(house, calls_days=30).clean_up()
    assert [each.id for each in (await house.calls.list("default"))[0]] == ["new"]
    assert not path.exists()
    assert sound.exists()
    assert [each.id for each in await Messages(house.database).list("default")] == ["m1"]


async def write(house: House, number: str, text: str) -> str:
    """Store a message that came now, its answer, and the turn of it; return the conversation's id."""
    line = TextMessages(house.database, house.clock).of_line("default", "gsm")
    conversations = Conversations(house.database, house.clock)
    thread = await conversations.open("default", "sms", number, "ru", "anna")
    now = house.clock.now()
    await line.add_part(StoredPart(text, "00", now, number, text))
    came = await line.add_received(ReceivedText(number, text, "text", now), [text])
    assert came is not None
    answer = await line.answer(came.id, f"answer to {text}", [NewPart("00", 1, text, 1, 1, None)], thread.id)
    assert answer is not None
    for part in await line.parts(answer.id):
        await line.part_sent(part.id, 1)
    turn = Turn(0, "caller", text, text, "ru", 0.0, 0.0, "typed")
    await conversations.add_turn("default", thread.id, turn)
    return thread.id


async def test_text_messages_go_after_their_days_with_their_turns_and_waiting_ones_stay(house: House) -> None:
    texts = TextMessages(house.database, house.clock)
    gone, kept = await write(house, NUMBER, "old"), await write(house, "+79990001122", "old, too")
    waiting = await texts.of_line("default", "gsm").queue(NUMBER, "waits", [NewPart("00", 1, "", 1, 1, None)], "")
    house.clock.ahead = 20 * DAY
    await write(house, "+79990001122", "new")
    house.clock.ahead = 31 * DAY
    await keeper(house).clean_up()
    assert len(await texts.list("default")) == 7
    await keeper(house, texts_days=30).clean_up()
    assert {each.text for each in await texts.list("default")} == {"new", "answer to new", "waits"}
    assert [part.status for part in await texts.of_line("default", "gsm").parts(waiting.id)] == ["queued"]
    conversations = Conversations(house.database, house.clock)
    assert (await conversations.open("default", "sms", NUMBER, "ru", "anna")).id != gone
    left = await conversations.open("default", "sms", "+79990001122", "ru", "anna")
    assert (left.id, [turn.text for turn in left.history]) == (kept, ["new"])


async def test_more_than_a_batch_goes_in_one_round(house: House) -> None:
    count = BATCH * 2 + 5
    await asyncio.gather(*[house.store_call(f"c{number}", ended=False) for number in range(count)])
    for number in range(count):
        lay_down(house, f"c{number}.ogg")
    await asyncio.gather(*[house.record(f"c{number}") for number in range(count)])
    await asyncio.gather(*[house.end_call(f"c{number}") for number in range(count)])
    house.clock.ahead = 91 * DAY
    await keeper(house).clean_up()
    assert list((house.data_dir / FOLDER).iterdir()) == []
    recorded = (await house.calls.list("default", 200))[0]
    assert {each.recording_path for each in recorded} == {""}


async def test_sounds_that_nobody_knows_go_after_a_day(house: House) -> None:
    orphan, sounds = lay_down(house, "nobody.ogg", 60.0), lay_down(house, "nobody.message-1.ogg", 60.0)
    named = await call(house, "named")
    fresh = lay_down(house, "fresh.ogg", 1.5 * DAY)
    house.clock.ahead = 2 * DAY
    await keeper(house).clean_up()
    assert [path.exists() for path in (orphan, sounds, named, fresh)] == [False, False, True, True]


async def test_nothing_of_a_call_that_goes_on_is_touched(house: House) -> None:
    await house.store_call("live", ended=False)
    unnamed, sound = lay_down(house, "live.ogg", 60.0), lay_down(house, "live.message-1.ogg", 60.0)
    house.clock.ahead = 400 * DAY
    await keeper(house, recordings_days=1, calls_days=1).clean_up()
    assert (unnamed.exists(), sound.exists()) == (True, True)
    await house.end_call("live")
    await keeper(house).clean_up()
    assert (unnamed.exists(), sound.exists()) == (False, False)


async def test_files_from_before_the_database_are_not_its_orphans(house: House) -> None:
    before = lay_down(house, "of-another-database.ogg", -5 * DAY)
    house.clock.ahead = 2 * DAY
    await keeper(house).clean_up()
    assert before.exists(), "it may belong to a database that was put aside"
    house.clock.ahead = 91 * DAY
    await keeper(house, recordings_days=0).clean_up()
    assert before.exists()
    await keeper(house).clean_up()
    assert not before.exists()


async def test_what_lies_elsewhere_is_never_deleted(house: House) -> None:
    outside = house.data_dir / "keep.ogg"
    outside.write_bytes(b"OggS")
    link = house.data_dir / FOLDER / "link.ogg"
    link.symlink_to(outside)
    at = house.clock.now().timestamp() + 60
    os.utime(link, (at, at), follow_symlinks=False)
    os.utime(outside, (at, at))
    await house.store_call("c1", ended=False)
    await house.event("c1", 2, CallEventType.RECORDED, path="keep.ogg")
    await house.end_call("c1")
    house.clock.ahead = 91 * DAY
    await keeper(house, calls_days=1).clean_up()
    assert outside.exists()


async def test_one_sound_that_cannot_be_deleted_holds_up_nothing(house: House) -> None:
    stuck = await call(house, "stuck")
    stuck.unlink()
    stuck.mkdir()  # what unlink refuses, also for the superuser
    house.clock.ahead = 1
    other = await call(house, "other")
    house.clock.ahead = 91 * DAY
    await keeper(house, calls_days=90).clean_up()
    assert not other.exists()
    left = (await house.calls.list("default"))[0]
    assert [(each.id, bool(each.recording_path)) for each in left] == [("stuck", True)], "it is still named"
    stuck.rmdir()
    await keeper(house, calls_days=90).clean_up()
    assert (await house.calls.list("default"))[0] == ()


async def test_it_runs_at_the_start(house: House) -> None:
    path = await call(house, "old")
    house.clock.ahead = 91 * DAY
    async with keeper(house).running(), asyncio.timeout(5):
        while path.exists():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)


async def test_of_two_processes_one_cleans_up(house: House) -> None:
    path = Path("recordings/2026/11/old.ogg")
    (house.data_dir / path).write_bytes(b"OggS")
    await house.store_call("old")
    await house.event("old", 50, CallEventType.RECORDED, path=path.as_posix())
    house.clock.ahead = 91 * DAY
    leases = Leases(house.database, house.clock)
    async with leases.holding(LEASE, "another process") as held:
        assert held is not None
        async with keeper(house).running():
            await asyncio.sleep(0.3)
        assert (house.data_dir / path).exists()
    async with keeper(house).running(), asyncio.timeout(30):
        while (house.data_dir / path).exists():  # noqa: ASYNC110 - the clean-up tells nobody
            await asyncio.sleep(0.02)
