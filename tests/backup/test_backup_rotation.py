"""When backups are made by themselves, and which are kept."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from backup_state import PASSPHRASE, sqlite_state
from eventually import eventually
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from services.backup.backups import Alone, Backups
from services.backup.rotation import next_time, superfluous
from services.backup.settings import BackupSettings
from services.storage.database import Database
from services.storage.leases import Leases

MOSCOW = ZoneInfo("Europe/Moscow")
BERLIN = ZoneInfo("Europe/Berlin")
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def days(count: int) -> Iterator[tuple[str, datetime]]:
    for day in range(count):
        moment = datetime(2026, 11, 21, 0, 30, tzinfo=UTC) - timedelta(days=day)
        yield f"{moment:%Y-%m-%d}", moment


def test_seven_days_four_weeks_and_six_months_stay() -> None:
    gone = set(superfluous(list(days(400)), 7, 4, 6, MOSCOW))
    kept = [name for name, _ in days(400) if name not in gone]
    assert kept[:7] == [name for name, _ in days(7)]
    assert kept[7:] == [
        "2026-11-08",
        "2026-11-01",
        "2026-10-31",
        "2026-09-30",
        "2026-08-31",
        "2026-07-31",
        "2026-06-30",
    ]


@given(st.lists(MOMENTS, min_size=1, max_size=40, unique=True), *[st.integers(0, 10)] * 3)
def test_the_newest_always_stays_and_no_more_than_asked_for(
    moments: list[datetime], daily: int, weekly: int, monthly: int
) -> None:
    made = [(str(moment), moment) for moment in moments]
    gone = superfluous(made, daily, weekly, monthly, MOSCOW)
    assert str(max(moments)) not in gone
    assert len(made) - len(gone) <= max(1, daily + weekly + monthly)


@given(MOMENTS, st.integers(1, 744), st.integers(0, 23), st.integers(0, 59))
def test_the_next_time_is_ahead_and_not_too_far(now: datetime, every: int, hour: int, minute: int) -> None:
    following = next_time(now, f"{hour:02}:{minute:02}", every, BERLIN)
    assert timedelta(0) < following - now <= timedelta(hours=every + 26)


def test_half_past_three_stays_so_over_summer_time() -> None:
    now = datetime(2026, 3, 27, 12, tzinfo=UTC)
    for _ in range(4):
        now = next_time(now, "03:30", 24, BERLIN)
        assert (now.astimezone(BERLIN).hour, now.astimezone(BERLIN).minute) == (3, 30)


class Hurried:
    """A clock that stands a moment before the backup is due, whenever it is asked."""

    def monotonic(self) -> float:
        return 0.0

    def now(self) -> datetime:
        return datetime(2026, 11, 21, 3, 29, 59, 900_000, tzinfo=UTC)


async def test_a_backup_is_made_by_itself(tmp_path: Path) -> None:
    url = await asyncio.to_thread(sqlite_state, tmp_path / "data", "old")
    settings = BackupSettings(every_hours=24, passphrase=SecretStr(PASSPHRASE))
    backups = Backups(settings, tmp_path / "data", url, Hurried())
    async with asyncio.timeout(30), backups.running():
        while not (listed := await backups.listed()) or listed[0].verified_at is None:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert [part.state for part in backups.parts()] == ["ready"] or "very second" in backups.parts()[0].detail
    assert listed[0].size > 0


async def test_of_two_processes_one_makes_it(tmp_path: Path) -> None:
    url = await asyncio.to_thread(sqlite_state, tmp_path / "data", "old")
    settings = BackupSettings(every_hours=24, passphrase=SecretStr(PASSPHRASE))
    database = Database(url.render_as_string(hide_password=False))
    await database.migrate()

    def alone(holder: str) -> Alone:
        async def run(work: Callable[[], Awaitable[None]]) -> bool:
            async with Leases(database).holding("job:backup", holder) as held:
                if held is None:
                    return False
                await work()
                return True

        return run

    async def all_made() -> list[str]:
        return [each.name for backups in both for each in await backups.listed() if each.verified_at]

    try:
        both = [Backups(settings, tmp_path / name, url, Hurried(), alone=alone(name)) for name in ("data", "other")]
        async with both[0].running(), both[1].running():
            await eventually(all_made)
            await asyncio.sleep(0.5)  # who was later finds it made, though it took less time than clocks are apart
            assert len(await all_made()) == 1
            assert len([each for backups in both for each in await backups.listed()]) == 1
    finally:
        await database.close()


def test_without_a_passphrase_none_are_made_by_themselves() -> None:
    with pytest.raises(ValidationError, match="SECRETARY_BACKUP__PASSPHRASE"):
        BackupSettings(every_hours=24)
