"""What else the daily clean-up sweeps out."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from api_house import House, api_house
from sqlalchemy import text

from services.errors import StorageError
from services.retention.settings import RetentionSettings
from services.retention.sweeps import BATCH, Sweep, days, sweep_all
from services.retention.usual_sweeps import usual_sweeps
from services.storage.people.usage import UsageKey

NOW = datetime(2026, 5, 4, tzinfo=UTC)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with api_house(tmp_path) as opened:
        yield opened


class Shelf:
    """So many old things; a sweep takes them off."""

    def __init__(self, things: int) -> None:
        self.things = things
        self.asked: list[datetime] = []

    async def remove(self, before: datetime, batch: int) -> int:
        self.asked.append(before)
        gone = min(self.things, batch)
        self.things -= gone
        return gone


async def test_everything_old_goes_in_batches_and_what_is_kept_for_ever_stays() -> None:
    full, kept = Shelf(2 * BATCH + 1), Shelf(1)
    gone = await sweep_all([Sweep("full", days(7), full.remove), Sweep("kept", days(0), kept.remove)], NOW)
    assert (gone, full.things, kept.things, kept.asked) == ({"full": 2 * BATCH + 1}, 0, 1, [])
    assert set(full.asked) == {NOW - timedelta(days=7)}


async def test_one_that_fails_holds_up_no_other() -> None:
    async def fails(_before: datetime, _batch: int) -> int:
        raise StorageError("The disk is full.")

    full = Shelf(1)
    with pytest.raises(StorageError, match="disk"):
        await sweep_all([Sweep("bad", days(1), fails), Sweep("full", days(1), full.remove)], NOW)
    assert full.things == 0


async def test_a_room_adds_its_own(house: House) -> None:
    full = Shelf(3)
    house.platform.retention.add(Sweep("shelf", days(1), full.remove))
    await house.platform.retention.clean_up()
    assert full.things == 0


async def test_the_houses_own_tables_are_swept(house: House) -> None:
    names = {each.name for each in usual_sweeps(RetentionSettings(), house.platform.books) if each.keep is not None}
    assert names == {"outbox", "arrivals", "sessions", "invitations", "usage", "idempotency"}
    assert (await house.owner.get("/admin/auth/sessions")).status_code == 200
    house.clock.ahead = 90 * 86_400.0
    await house.platform.retention.clean_up()
    async with house.database.read() as session:
        left = await session.scalar(text("SELECT count(*) FROM sessions WHERE company_id = 'default'"))
    assert left == 0


async def test_counts_of_usage_go_after_two_years_and_old_chats_with_their_messages(house: House) -> None:
    books, today = house.platform.books, house.clock.now().date()
    keys = [UsageKey("default", today - timedelta(days=ago), "calls") for ago in (0, 700, 801, 900)]
    await books.usage.add(dict.fromkeys(keys, 1))
    chat = await books.chats.create("default", "somebody", "Menu", "", "")
    await books.chats.begin_answer("default", chat.id, "Soup?")
    settings = RetentionSettings(chats_days=7)
    assert await sweep_all(usual_sweeps(settings, books), house.clock.now() + timedelta(days=6)) == {"usage": 2}
    assert await sweep_all(usual_sweeps(settings, books), house.clock.now() + timedelta(days=8)) == {"chats": 1}
    async with house.database.read() as session:
        assert await session.scalar(text("SELECT count(*) FROM chat_messages WHERE company_id = 'default'")) == 0
        assert await session.scalar(text("SELECT count(*) FROM usage_counts WHERE company_id = 'default'")) == 2
