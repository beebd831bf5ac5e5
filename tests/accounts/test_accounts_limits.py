"""Limits of companies and users, and usage that is counted in memory and kept in the database."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from call_events import Clock
from servers import drop_database, fresh_database

from services.accounts.counter import UsageCounter
from services.accounts.limits import Limits
from services.accounts.plans import checked_limits, limits_of, plans
from services.errors import RefusedError, StorageError, TooManyAttemptsError
from services.shared.windows import Windows
from services.storage.database import Database
from services.storage.engine import sqlite_url
from services.storage.people.companies import Companies
from services.storage.people.usage import Usage, UsageKey, UsageSum
from services.storage.tables import CompanyRow

DAY = date(2026, 5, 4)  # of the clock


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    url = sqlite_url(tmp_path) if request.param == "sqlite" else fresh_database()
    opened = Database(url)
    await opened.migrate()
    await Companies(opened).ensure_default("Bakery", "en", "UTC", {})
    yield opened
    await opened.close()
    if request.param == "postgresql":
        drop_database(url)


class House:
    """One process of an installation."""

    def __init__(self, database: Database) -> None:
        self.clock = Clock()
        self.usage = Usage(database)
        self.counter = UsageCounter(self.usage, self.clock)
        self.limits = Limits(self.usage, self.counter, Windows(self.clock), self.clock)
        self._database = database

    async def lay_down(self, plan: str = "unlimited", **limits: Any) -> None:
        async with self._database.write() as session:
            row = await session.get_one(CompanyRow, "default")
            row.plan, row.settings = plan, {"limits": {name.replace("__", "."): most for name, most in limits.items()}}
        self.limits.changed("default")


@pytest.fixture
async def house(database: Database) -> House:
    return House(database)


async def test_so_many_a_day_and_again_after_midnight(house: House) -> None:
    await house.lay_down(calls_per_day=2)
    for left in (1, 0):
        (standing,) = await house.limits.take("calls_per_day", "default", "olga")
        assert (standing.name, standing.left, standing.allowed) == ("calls_per_day", left, True)
    with pytest.raises(TooManyAttemptsError, match="2 outgoing calls a day for the company") as refused:
        await house.limits.take("calls_per_day", "default", "ivan")
    assert refused.value.retry_after == 14.5 * 3600, "to midnight in UTC: the clock says half past nine"
    assert refused.value.remedy == "Try again in 15 hours."
    house.clock.seconds = refused.value.retry_after
    assert (await house.limits.take("calls_per_day", "default", "ivan"))[0].left == 1


async def test_what_is_counted_outlives_the_process(house: House, database: Database) -> None:
    await house.lay_down(calls_per_day=3)
    await house.limits.take("calls_per_day", "default", "olga", 2)
    await house.counter.close()
    again = House(database)
    assert (await again.limits.take("calls_per_day", "default", "olga"))[0].left == 0
    with pytest.raises(TooManyAttemptsError):
        await again.limits.take("calls_per_day", "default", "olga")


async def test_two_processes_count_together_after_some_seconds(house: House, database: Database) -> None:
    await house.lay_down(calls_per_day=3)
    other = House(database)
    await house.limits.take("calls_per_day", "default")
    await other.limits.take("calls_per_day", "default")
    await asyncio.gather(house.counter.flush(), other.counter.flush())
    house.clock.seconds = 5
    assert (await house.limits.take("calls_per_day", "default"))[0].left == 0


async def test_at_once_no_more_than_allowed(house: House) -> None:
    await house.lay_down(texts_per_day=5)

    async def take() -> bool:
        try:
            await house.limits.take("texts_per_day", "default", "olga")
        except TooManyAttemptsError:
            return False
        return True

    async def flush() -> bool:
        await house.counter.flush()
        return False

    assert sum(await asyncio.gather(*([take() for _ in range(10)] + [flush()] + [take() for _ in range(10)]))) == 5
    await house.counter.flush()
    assert await house.usage.used("default", DAY, "texts") == 5
    assert not await take(), "what was written counts at once, without being read again"


async def test_users_and_channels_have_limits_of_their_own(house: House) -> None:
    await house.lay_down(texts_per_day=4, user_texts_per_day=2, texts_per_day__sms=3)
    take = house.limits.take
    await take("texts_per_day", "default", "olga", channel="sms")
    await take("texts_per_day", "default", "olga")
    with pytest.raises(TooManyAttemptsError, match="2 text messages a day for each user"):
        await take("texts_per_day", "default", "olga", channel="sms")
    await take("texts_per_day", "default", "ivan", channel="sms")
    assert {each.name: each.left for each in await take("texts_per_day", "default", "anna", channel="sms")} == {
        "texts_per_day": 0,
        "texts_per_day.sms": 0,
        "user_texts_per_day": 1,
    }
    house.limits.give_back("texts_per_day", "default", "anna")
    with pytest.raises(TooManyAttemptsError, match="3 text messages over sms a day for the company"):
        await take("texts_per_day", "default", "anna", channel="sms")
    await take("texts_per_day", "default", "anna")


async def test_a_minute_slides(house: House) -> None:
    await house.lay_down(requests_per_minute=2)
    await house.limits.take("requests_per_minute", "default", "olga")
    house.clock.seconds = 59
    assert (await house.limits.take("requests_per_minute", "default", "ivan"))[0].reset_after == 1
    with pytest.raises(TooManyAttemptsError) as refused:
        await house.limits.take("requests_per_minute", "default", "olga")
    assert str(refused.value) == ("The limit of 2 requests a minute for the company is reached. Try again in 1 second.")
    house.clock.seconds = 60
    await house.limits.take("requests_per_minute", "default", "olga")


async def test_a_database_that_is_away_stops_nobody_and_loses_nothing(house: House) -> None:
    class Away(Usage):
        away = True

        async def add(self, counts: Any) -> None:
            if self.away:
                raise StorageError("The database is away.")
            await usage.add(counts)

        async def used(self, *_: Any, **__: Any) -> int:
            raise StorageError("The database is away.")

        async def plan(self, company_id: str) -> Any:
            raise StorageError("The database is away.")

    usage, away = house.usage, Away(house._database)
    counter = UsageCounter(away, house.clock)
    limits = Limits(away, counter, Windows(house.clock), house.clock)
    await limits.take("calls_per_day", "default", "olga", 2)
    standings = await limits.take("calls_per_day", "default", "olga")
    assert standings[0].left == plans()["standard"]["calls_per_day"] - 3
    with pytest.raises(StorageError):
        await counter.flush()
    away.away = False
    await counter.flush()
    await counter.flush()
    assert await usage.used("default", DAY, "calls") == 3


async def test_what_a_server_counts_is_written_at_its_end(database: Database) -> None:
    house = House(database)
    async with house.counter.running():
        house.counter.add("default", "calls", "olga")
    await house.counter.close()
    assert await house.usage.used("default", DAY, "calls") == 1


async def test_counts_are_added_up_by_the_database(database: Database) -> None:
    usage = Usage(database)
    olga, ivan = UsageKey("default", DAY, "calls", "olga"), UsageKey("default", DAY, "calls", "ivan")
    gone, before = UsageKey("gone", DAY, "calls"), UsageKey("default", DAY - timedelta(days=1), "calls")
    await asyncio.gather(*(usage.add({olga: 1, ivan: 2, gone: 5, before: 1}) for _ in range(5)))
    await usage.add({olga: -1, UsageKey("default", DAY, "texts"): 7, UsageKey("default", DAY, "nothing"): 0})
    await usage.add({})
    assert await usage.used("default", DAY, "calls") == 14
    assert await usage.used("default", DAY, "calls", "olga") == 4
    assert await usage.used("gone", DAY, "calls") == 0
    assert await usage.list("default", DAY - timedelta(days=1), DAY) == [
        UsageSum(DAY, "calls", 14),
        UsageSum(DAY, "texts", 7),
        UsageSum(DAY - timedelta(days=1), "calls", 5),
    ]
    assert await usage.list("default", DAY, DAY, ["texts"]) == [UsageSum(DAY, "texts", 7)]


def test_a_companys_own_limits_go_before_those_of_its_plan() -> None:
    standard = plans()["standard"]
    assert limits_of("standard", {}).most == standard
    assert limits_of("no such plan", {}).most == standard
    assert limits_of("unlimited", {}).most == {}
    own = {"calls_per_day": 3, "texts_per_day": None, "bananas_per_day": 1, "requests_per_minute": "many"}
    most = limits_of("standard", {"limits": own}).most
    assert most == {name: value for name, value in {**standard, "calls_per_day": 3}.items() if name != "texts_per_day"}
    assert limits_of("standard", {"limits": "none"}).most == standard


@pytest.mark.parametrize("given", [{"bananas_per_day": 1}, {"calls_per_day": -1}, {"calls_per_day": True}, {"": 1}])
def test_limits_that_are_none_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(RefusedError):
        checked_limits(given)
    assert checked_limits({"calls_per_day.gsm": 0, "user_requests_per_minute": None})
