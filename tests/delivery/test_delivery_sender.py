"""The outbox and its sender, on SQLite and PostgreSQL: nothing is lost, nobody is held up by another."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from eventually import eventually
from outbox_office import HandClock, Office

from services.delivery.backoff import PAUSES, pause
from services.delivery.sender import SenderLimits
from services.errors import ConflictError, DeliveryError, NotFoundError
from services.storage.database import Database
from services.storage.delivery.outbox import NewMessage, OutboxRecord, put_in
from services.storage.delivery.outbox_queue import OutboxQueue


@pytest.fixture
async def office(database: Database) -> Office:
    return Office(database)


async def test_what_is_put_in_is_sent_once_with_its_receipt(office: Office) -> None:
    await office.put("a")
    async with office.sender.running():
        await office.delivered("a")
        await office.put("a")  # the same key: nothing new
        await office.put("b")
        await office.delivered("b")
    row = await office.one("a")
    assert [each.payload for each in office.post.sent] == [{"key": "a"}, {"key": "b"}]
    assert (row.attempts, row.receipt, row.last_error) == (1, {"took": 1}, "")
    assert office.post.sent[0].id == row.id


async def test_a_commit_wakes_the_sender_and_a_rollback_leaves_nothing(database: Database) -> None:
    office = Office(database, limits=SenderLimits(poll=3600.0))  # nothing but the bell wakes it
    async with office.sender.running():
        await asyncio.sleep(0.05)
        with pytest.raises(ZeroDivisionError):
            await _put_in_and_fail(office)
        await office.put("a")
        await office.delivered("a")
        # From the thread of the group writer, too.
        message = [NewMessage("post", "grouped", {})]
        await database.write_together(lambda session: put_in(session, "default", message, office.clock.now()), what="x")
        await office.delivered("grouped")
    assert {each.key for each in (await office.book.list("default"))[0]} == {"grouped", "a"}


async def _put_in_and_fail(office: Office) -> None:
    async with office.database.write() as session:
        await session.run_sync(put_in, "default", [NewMessage("post", "never", {})], office.clock.now())
        raise ZeroDivisionError


async def test_it_is_tried_again_later_and_later_and_then_given_up(office: Office) -> None:
    office.post.does = lambda _message: DeliveryError("Nobody is there.")
    await office.put("a", days=30)
    async with office.sender.running():
        for attempt, seconds in enumerate(PAUSES, start=1):
            row = await office.until("a", lambda row: row.next_at > office.clock.now())
            assert row.attempts == attempt
            assert row.next_at == office.clock.now() + timedelta(seconds=seconds)
            await asyncio.sleep(0.05)
            assert len(office.post.sent) == attempt  # not before its time
            office.clock.ahead += max(seconds, 700.0)  # the breaker is open again by then, too
        row = await office.until("a", lambda row: row.status == "dead")
    assert (row.attempts, row.last_error) == (12, "Nobody is there.")
    assert len({each.id for each in office.post.sent}) == 1
    assert [each.attempt for each in office.post.sent] == list(range(1, 13))


async def test_a_refusal_is_given_up_sooner_and_may_be_retried_or_dropped_by_hand(office: Office) -> None:
    office.post.does = lambda _message: DeliveryError("The receiver answered 404.", attempts=3)
    await office.put("a")
    async with office.sender.running():
        for _ in range(3):
            await office.until("a", lambda row: row.status == "dead" or row.next_at > office.clock.now())
            office.clock.ahead += 300.0
        row = await office.until("a", lambda row: row.status == "dead")
        assert row.attempts == 3
        office.post.does = lambda _message: None
        await office.book.retry("default", row.id)
        row = await office.until("a", lambda row: row.status == "delivered")
    with pytest.raises(ConflictError):
        await office.book.retry("default", row.id)
    with pytest.raises(NotFoundError):
        await office.book.drop("other", row.id)
    await office.book.drop("default", row.id)
    with pytest.raises(NotFoundError):
        await office.book.get("default", row.id)


async def test_the_receiver_may_ask_for_more_time(office: Office) -> None:
    office.post.does = lambda _message: DeliveryError("The receiver answered 429.", retry_after=3000.0)
    await office.put("a")
    async with office.sender.running():
        row = await office.until("a", lambda row: bool(row.last_error))
    assert row.next_at == office.clock.now() + timedelta(seconds=3000)


def test_pauses_grow_with_jitter_and_are_bounded() -> None:
    assert pause(1, lambda low, _high: low) == 4.0
    assert pause(1, lambda _low, high: high) == 6.0
    assert pause(50, lambda _low, _high: 1.0) == PAUSES[-1]
    assert pause(1, lambda _low, _high: 1.0, retry_after=1e9) == PAUSES[-1] * 1.2


async def test_what_waits_too_long_is_dead(office: Office) -> None:
    await office.put("old", days=1)
    office.clock.ahead += 2 * 86_400
    office.sender.deliverers.clear()
    async with office.sender.running():
        row = await office.until("old", lambda row: row.status == "dead")
    assert row.last_error.startswith("It was not delivered in time.")


def _failed(rows: list[OutboxRecord]) -> int:
    return sum(bool(row.last_error) for row in rows)


async def test_one_dead_receiver_holds_up_nobody(database: Database) -> None:
    office = Office(database, limits=SenderLimits(poll=0.02, send=0.3, together=8, per_target=2))
    office.post.does = lambda message: 60.0 if message.target == "dead" else None
    for number in range(60):
        await office.put(f"d{number}", "dead")
    for number in range(20):
        await office.put(f"a{number}", f"alive{number % 3}")
    async with office.sender.running():
        await office.delivered(*(f"a{number}" for number in range(20)))
        await eventually(lambda: office.book.list("default", 200), lambda found: _failed(found[0]) >= 3)
        await asyncio.sleep(0.4)  # what was under way to it ends, too
        tried = office.post.targets().count("dead")
        await office.put("late", "alive0")
        await office.delivered("late")
        assert office.post.targets().count("dead") == tried <= 6  # left alone now
        office.post.does = lambda _message: None
        for _ in range(100):  # one goes as a trial, then all
            office.clock.ahead += 20.0
            if (await office.one("d59")).status == "delivered":
                break
            await asyncio.sleep(0.05)
        await office.delivered(*(f"d{number}" for number in range(60)))


async def test_order_is_kept_where_it_matters(office: Office) -> None:
    office.post.does = lambda message: DeliveryError("away") if message.attempt == 1 else 0.01
    for number in range(6):
        await office.put(f"a{number}", "one", ordered=True)
    await office.put("b", "two", ordered=True)
    async with office.sender.running():
        async with asyncio.timeout(20):
            while [each.attempt for each in office.post.sent].count(2) < 7:
                office.clock.ahead += 1.0
                await asyncio.sleep(0.02)
        await office.delivered("a5", "b")
    done = [each.payload["key"] for each in office.post.sent if each.target == "one" and each.attempt == 2]
    assert done == [f"a{number}" for number in range(6)]
    first = [each.payload["key"] for each in office.post.sent if each.target == "one"]
    assert first == [key for number in range(6) for key in (f"a{number}",) * 2]


@asynccontextmanager
async def _second(url: str, clock: HandClock) -> AsyncIterator[Office]:
    database = Database(url)
    await database.migrate()
    try:
        yield Office(database, clock)
    finally:
        await database.close()


async def test_two_processes_share_the_work_and_send_nothing_twice(office: Office, delivery_url: str) -> None:
    async with _second(delivery_url, office.clock) as other:
        office.post.does = other.post.does = lambda _message: 0.01
        keys = [f"k{number}" for number in range(60)]
        for number, key in enumerate(keys):
            await office.put(key, f"t{number % 10}")
        async with office.sender.running(), other.sender.running():
            await office.delivered(*keys)
    sent = [each.payload["key"] for each in office.post.sent + other.post.sent]
    assert sorted(sent) == sorted(keys)
    assert office.post.sent
    assert other.post.sent


async def test_a_lease_that_runs_out_is_taken_over_under_the_same_id(office: Office, delivery_url: str) -> None:
    queue = OutboxQueue(office.database, office.clock)
    await office.put("a")
    taken: dict[str, Any] = {"most": 5, "per_target": 5, "under_way": {}, "shut": ()}
    (claimed,) = await queue.claim("crashed", timedelta(seconds=30), ["post"], **taken)
    assert await queue.claim("other", timedelta(seconds=30), ["post"], **taken) == []
    office.clock.ahead += 31.0
    async with _second(delivery_url, office.clock) as other, other.sender.running():
        await other.delivered("a")
    assert [each.id for each in other.post.sent] == [claimed.message.id]
    assert other.post.sent[0].attempt == 2
    await queue.dead(claimed, "the crashed one wakes up", 0.0)  # its lease is not good any more
    assert (await office.one("a")).status == "delivered"


async def test_what_is_broken_off_at_the_end_is_due_again(database: Database) -> None:
    office = Office(database, limits=SenderLimits(poll=0.02, closing=0.05))
    office.post.does = lambda _message: 60.0
    await office.put("a")
    async with office.sender.running():
        await office.until("a", lambda row: row.attempts == 1)
        await asyncio.sleep(0.05)
    office.post.does = lambda _message: None
    async with office.sender.running():
        await office.delivered("a")  # at once: the clock has not moved, so no lease ran out


async def test_a_failure_inside_the_house_is_no_end(office: Office) -> None:
    office.post.does = lambda message: ZeroDivisionError() if message.attempt == 1 else None
    await office.put("a")
    async with office.sender.running():
        await office.until("a", lambda row: "inside the house" in row.last_error)
        office.clock.ahead += 10.0
        await office.delivered("a")


async def test_lists_have_pages_and_the_sweep_takes_what_is_finished(office: Office) -> None:
    for number in range(5):
        await office.put(f"k{number}")
        office.clock.ahead += 1.0
    first, cursor = await office.book.list("default", 3)
    rest, end = await office.book.list("default", 3, cursor)
    assert [each.key for each in [*first, *rest]] == ["k4", "k3", "k2", "k1", "k0"]
    assert end is None
    async with office.sender.running():
        await office.delivered(*(f"k{number}" for number in range(5)))
        office.sender.deliverers.clear()
        await office.put("waits")
    assert await office.book.sweep(office.clock.now() - timedelta(days=1), 100) == 0
    assert await office.book.sweep(office.clock.now() + timedelta(seconds=1), 3) == 3
    assert await office.book.sweep(office.clock.now() + timedelta(seconds=1), 3) == 2
    assert [each.key for each in (await office.book.list("default", status="waiting"))[0]] == ["waits"]
