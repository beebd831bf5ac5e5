"""What happens in one process is heard in the others, once."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict

import pytest
from call_events import CallMaker, Clock, a_call
from redis_server import RedisServer, redis_server

from services.events import QUEUE_SIZE, CallEvent, CallEventType, EventBus
from services.shared.relay import Relay
from services.shared.shared import Shared

PATIENCE = 5.0


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with redis_server() as started:
        yield started


class Process:
    """One process: its bus, its relay, and what a watcher of the bus has seen."""

    def __init__(self, url: str) -> None:
        self.shared = Shared(url, Clock(), PATIENCE)
        self.bus = EventBus()
        self.relay: Relay = self.shared.relay(self.bus)
        self.seen: list[CallEvent] = []
        self.own: list[CallEvent] = []

    async def watch(self, *, own: bool) -> None:
        with self.bus.subscribe(own=own) as events:
            async for event in events:
                (self.own if own else self.seen).append(event)

    async def until_seen(self, count: int) -> None:
        async with asyncio.timeout(30):
            while len(self.seen) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


@asynccontextmanager
async def processes(url: str, number: int = 2) -> AsyncIterator[list[Process]]:
    async with AsyncExitStack() as stack:
        found = [Process(url) for _ in range(number)]
        for each in found:
            await each.shared.open()
            stack.push_async_callback(each.shared.close)
            await stack.enter_async_context(each.relay.running())
            for own in (False, True):
                task = asyncio.create_task(each.watch(own=own))
                stack.push_async_callback(_end, task)
        async with asyncio.timeout(30):
            for each in found:
                await each.relay.listening()
        yield found


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _told(event: CallEvent) -> str:
    """Return an event as it is told: a tuple is a list on the other side."""
    return json.dumps(asdict(event))


async def test_a_call_of_one_process_is_seen_in_all_once(server: RedisServer) -> None:
    async with processes(server.url, 3) as (first, second, third):
        call = list(a_call(CallMaker("call1")))
        for event in call:
            first.bus.publish(event)
        reply = CallMaker("call2").event(5, CallEventType.TURN, words=[{"text": "да"}], ok=True, none=None)
        for each in (first, second, third):
            await each.until_seen(len(call))
        second.bus.publish(reply)
        for each in (first, second, third):
            await each.until_seen(len(call) + 1)
        await asyncio.sleep(0.1)  # an echo would come by now
        for each in (first, second, third):
            assert [_told(event) for event in each.seen] == [_told(event) for event in [*call, reply]]
        assert (first.own, second.own, third.own) == (call, [reply], []), "who counts counts its own"


async def test_publishing_waits_for_nobody(server: RedisServer) -> None:
    async with processes(server.url) as (first, second):
        maker = CallMaker()
        events = [maker.event(number, CallEventType.INTERIM, role="caller", text="x") for number in range(3000)]
        for event in events:
            first.bus.publish(event)
        await second.until_seen(QUEUE_SIZE)
        assert second.seen == events[-QUEUE_SIZE:], "the oldest are dropped"


async def test_after_a_death_of_redis_it_goes_on(server: RedisServer) -> None:
    async with processes(server.url) as (first, second):
        maker = CallMaker()
        first.bus.publish(before := maker.event(1, CallEventType.ANSWERED))
        await second.until_seen(1)
        await asyncio.to_thread(server.kill)
        first.bus.publish(meanwhile := maker.event(2, CallEventType.ANSWERED))
        await first.until_seen(2)
        await asyncio.to_thread(server.start)
        async with asyncio.timeout(30):
            while second.seen[-1].sequence < 3:
                await asyncio.sleep(0.1)
                first.bus.publish(CallEvent("default", "c1", 3, 3, CallEventType.ANSWERED))
        assert second.seen[0] == before
        assert meanwhile in first.seen
        assert meanwhile not in second.seen


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "x",
        "[]",
        "null",
        '{"by": "x"}',
        '{"by": "x", "event": {"type": "turn"}}',
        '{"by": "x", "event": {"company_id": "a", "call_id": "b", "sequence": 1, "at_ms": 1, "type": "?", "data": {}}}',
        '{"by": "x", "event": {"company_id": "a", "call_id": "b", "sequence": "?", "at_ms": 1, "type": "turn"}}',
        '{"by": "x", "note": 7}',
        '{"by": "x", "note": ["a", "b", "c"]}',
        '{"by": "x", "note": ["nobody hears this", ""]}',
    ],
)
async def test_what_cannot_be_read_is_passed_over(server: RedisServer, sent: str) -> None:
    async with processes(server.url) as (first, second):
        from redis.asyncio import Redis

        client = Redis.from_url(server.url)
        try:
            await client.publish("secretary:events", sent)
        finally:
            await client.aclose()
        event = CallMaker().event(1, CallEventType.ANSWERED)
        first.bus.publish(event)
        await second.until_seen(1)
        assert second.seen == [event]


async def test_a_note_is_heard_by_the_others(server: RedisServer) -> None:
    async with processes(server.url, 3) as found:
        heard: list[list[str]] = [[] for _ in found]
        for each, texts in zip(found, heard, strict=True):
            each.relay.hear("colour", texts.append)
        found[0].relay.note("taste", "sweet")
        for text in ("red", "red", "blue"):  # of equal ones that wait, one is sent
            found[0].relay.note("colour", text)
        async with asyncio.timeout(30):
            while min(map(len, heard[1:])) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        assert heard == [[], ["red", "blue"], ["red", "blue"]]


async def test_without_redis_there_is_nothing_to_relay() -> None:
    bus = EventBus()
    async with Shared("", Clock()).relay(bus).running():
        with bus.subscribe() as events:
            bus.publish(event := CallMaker().event(1, CallEventType.ANSWERED))
            assert await anext(aiter(events)) == event
