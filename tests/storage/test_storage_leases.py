"""Leases: one holder at a time, by fence, whatever happens to the holders."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

import pytest
from servers import sqlite_only

from services.errors import StorageError
from services.storage.database import Database
from services.storage.lease_tables import LeaseRow
from services.storage.leases import Lease, Leases

JOB = "job:retention"


class HandClock:
    """The real time, moved on by hand."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time() + self.ahead

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.ahead)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def leases(database: Database, clock: HandClock) -> Leases:
    return Leases(database, clock)


async def expire(database: Database, name: str = JOB) -> None:
    """Let a lease run out, by whichever clock it goes."""
    async with database.write() as session:
        row = await session.get_one(LeaseRow, name)
        row.until = datetime.now(UTC) - timedelta(days=1)


async def taken(leases: Leases, holder: str, name: str = JOB) -> Lease:
    lease = await leases.take(name, holder)
    assert lease is not None
    return lease


async def test_a_lease_has_one_holder_until_it_is_given_back(leases: Leases) -> None:
    first = await taken(leases, "a")
    assert await leases.take(JOB, "b") is None
    assert await leases.holder(JOB) == "a"
    await leases.release(first)
    assert await leases.holder(JOB) == ""
    second = await taken(leases, "b")
    assert (first.fence, second.fence) == (1, 2)
    assert (await taken(leases, "c", "modem:other")).fence == 1


async def test_its_own_holder_gets_it_again_with_the_same_fence(leases: Leases) -> None:
    first = await taken(leases, "a")
    assert (await taken(leases, "a")).fence == first.fence


async def test_a_lease_that_ran_out_goes_to_the_next_and_never_back(leases: Leases, database: Database) -> None:
    first = await taken(leases, "a")
    await expire(database)
    second = await taken(leases, "b")
    assert second.fence > first.fence
    assert await leases.renew(first) is None
    await leases.release(first)
    assert await leases.holder(JOB) == "b"


async def test_a_lease_that_ran_out_and_that_nobody_took_goes_on(leases: Leases, database: Database) -> None:
    first = await taken(leases, "a")
    await expire(database)
    renewed = await leases.renew(first)
    assert renewed is not None
    assert renewed.fence == first.fence
    assert await leases.take(JOB, "b") is None


@sqlite_only
async def test_on_a_file_the_time_is_the_clocks(leases: Leases, clock: HandClock) -> None:
    await taken(leases, "a")
    clock.ahead = 14.0
    assert await leases.take(JOB, "b") is None
    clock.ahead = 16.0
    assert await leases.take(JOB, "b") is not None


async def test_a_writer_whose_lease_was_taken_finds_out_before_it_commits(leases: Leases, database: Database) -> None:
    first = await taken(leases, "a")
    async with database.write() as session:
        assert await session.run_sync(leases.still_mine, first)
    await expire(database)
    second = await taken(leases, "b")
    async with database.write() as session:
        assert not await session.run_sync(leases.still_mine, first)
        assert await session.run_sync(leases.still_mine, second)


async def test_many_that_ask_for_a_new_lease_at_once_get_it_once(database: Database) -> None:
    processes = [Leases(database) for _ in range(8)]
    got = await asyncio.gather(*(each.take("modem:x", f"p{number}") for number, each in enumerate(processes)))
    assert sum(lease is not None for lease in got) == 1


async def test_whatever_holders_do_two_never_write_with_one_lease(database: Database, database_url: str) -> None:
    """Holders on two connections take, renew, pause past the end of their lease, write and give back at random.

    Each write that `still_mine` lets through notes its fence: the fences written must never fall, and each must belong
    to one holder.
    """
    second = Database(database_url)
    dice = random.Random(11)
    written: list[tuple[int, str]] = []

    async def live(holder: str, where: Database) -> None:
        leases = Leases(where)
        for _ in range(40):
            lease = await leases.take(JOB, holder, seconds=dice.choice([0.002, 0.01, 5.0]))
            if lease is None:
                await asyncio.sleep(dice.random() * 0.01)
                continue
            for _ in range(dice.randrange(4)):
                await asyncio.sleep(dice.random() * 0.01)
                async with where.write() as session:
                    if await session.run_sync(leases.still_mine, lease):
                        written.append((lease.fence, holder))
                if dice.random() < 0.5 and await leases.renew(lease, dice.choice([0.002, 0.02])) is None:
                    break
            if dice.random() < 0.5 or lease.until > datetime.now(UTC) + timedelta(seconds=1):
                await leases.release(lease)

    try:
        await asyncio.gather(*(live(f"h{number}", (database, second)[number % 2]) for number in range(6)))
    finally:
        await second.close()
    fences = [fence for fence, _ in written]
    assert len(fences) > 10
    assert fences == sorted(fences)
    assert len({fence for fence, _ in written}) == len(set(written))


async def test_a_held_lease_is_renewed_and_released_at_the_end(leases: Leases) -> None:
    async with leases.holding(JOB, "a", seconds=0.3) as held:
        assert held is not None
        async with leases.holding(JOB, "b") as refused:
            assert refused is None
        await asyncio.sleep(0.7)
        assert not held.lost.is_set()
        assert await leases.take(JOB, "b") is None
    assert await leases.holder(JOB) == ""


async def test_who_holds_a_lease_is_told_that_another_has_it(leases: Leases, database: Database) -> None:
    async with leases.holding(JOB, "a", seconds=0.3) as held:
        assert held is not None
        await expire(database)
        await taken(leases, "b")
        async with asyncio.timeout(10):
            await held.lost.wait()
    assert await leases.holder(JOB) == "b"


@pytest.mark.parametrize("through_outages", [False, True])
async def test_a_lease_and_a_database_that_is_away(leases: Leases, database: Database, through_outages: bool) -> None:
    async with leases.holding(JOB, "a", seconds=0.3, through_outages=through_outages) as held:
        assert held is not None
        async with database.write() as session:  # nobody else can write as long as this goes on
            await session.get(LeaseRow, JOB, with_for_update=True)
            await asyncio.sleep(0.8)
        assert held.lost.is_set() is not through_outages


async def test_a_job_is_done_by_one_process(leases: Leases) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        await go_on.wait()

    async def fail() -> None:
        raise StorageError("on purpose")

    first = asyncio.create_task(leases.run_alone(JOB, work))
    await begun.wait()
    async with leases.holding(JOB, "another process") as other:
        assert other is None
    go_on.set()
    assert await first
    with pytest.raises(StorageError, match="on purpose"):
        await leases.run_alone(JOB, fail)
    assert await leases.holder(JOB) == ""


async def test_a_job_whose_lease_is_lost_is_ended(leases: Leases, database: Database) -> None:
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.sleep(3600)
        finally:
            cancelled.set()

    job = asyncio.create_task(leases.run_alone(JOB, work, seconds=0.3))
    await begun.wait()
    await expire(database)
    await taken(leases, "b")
    assert await job
    assert cancelled.is_set()
