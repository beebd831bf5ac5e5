"""Redis dies in mid-work and comes back: nobody is told but the log and the part."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import count

import pytest
from call_events import Clock
from redis_server import RedisServer, redis_server

from services.parts import State
from services.shared.shared import Shared

PATIENCE = 5.0


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with redis_server() as started:
        yield started


@asynccontextmanager
async def opened(url: str, patience: float = PATIENCE) -> AsyncIterator[Shared]:
    shared = Shared(url, Clock(), patience)
    await shared.open()
    try:
        yield shared
    finally:
        await shared.close()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def ready(shared: Shared) -> bool:
    return shared.part().state is State.READY


async def test_killed_in_mid_work_and_started_again(server: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with opened(server.url) as one, opened(server.url) as other:
        done = [0]

        async def work(shared: Shared, name: str) -> None:
            for number in count():
                key = f"{name}{number % 7}"
                await shared.cache.set("default", key, b"value", 60)
                assert await shared.cache.get("default", key) in (b"value", None)  # None: it went with the server
                await shared.windows.hit("default:w", 10**6, 60)
                async with shared.locks.lock(f"lock{name}", 5):
                    done[0] += 1
                await asyncio.sleep(0.002)
                if stop.is_set():
                    return

        stop = asyncio.Event()
        workers = [asyncio.create_task(work(shared, name)) for shared, name in ((one, "a"), (other, "b"), (one, "c"))]
        await until(lambda: done[0] > 30)
        await asyncio.to_thread(server.kill)
        before = done[0]
        await until(lambda: done[0] > before + 300)
        assert not ready(one)
        assert not ready(other)
        assert one.part().remedy
        await asyncio.to_thread(server.start)
        await until(lambda: ready(one) and ready(other))
        before = done[0]
        await until(lambda: done[0] > before + 100)
        stop.set()
        await asyncio.gather(*workers)
        assert sum("Redis is away" in each.message for each in caplog.records) == 2, "once in each process"
        assert sum("Redis is back" in each.message for each in caplog.records) == 2
        await one.cache.set("default", "after", b"shared", 60)
        assert await other.cache.get("default", "after") == b"shared"


async def test_what_was_counted_here_counts_on_without_redis(server: RedisServer) -> None:
    async with opened(server.url) as shared:
        for _ in range(5):
            await shared.windows.hit("sign-in:olga", 5, 900)
        await asyncio.to_thread(server.kill)
        assert not (await shared.windows.hit("sign-in:olga", 5, 900)).allowed
        assert (await shared.windows.peek("sign-in:olga", 6, 900)).left == 1
        await shared.windows.forget("sign-in:olga")
        assert (await shared.windows.hit("sign-in:olga", 5, 900)).allowed


async def test_a_server_that_answers_nothing_holds_nobody_up(server: RedisServer) -> None:
    async with opened(server.url, 0.1) as shared:
        await until(lambda: ready(shared))
        await asyncio.to_thread(server.freeze)
        try:
            assert (await shared.windows.hit("default:w", 2, 900)).allowed
            assert not ready(shared)
            assert "answer in time" in shared.part().detail
            await shared.cache.set("default", "k", b"v", 60)
            assert await shared.cache.get("default", "k") == b"v"
        finally:
            await asyncio.to_thread(server.thaw)
        await until(lambda: ready(shared))


async def test_a_server_that_is_not_there_at_the_start_is_found_later(server: RedisServer) -> None:
    await asyncio.to_thread(server.kill)
    async with opened(server.url) as shared:
        assert shared.part().state is State.DEGRADED
        assert (await shared.windows.hit("default:w", 1, 60)).allowed
        assert not (await shared.windows.hit("default:w", 1, 60)).allowed
        await asyncio.to_thread(server.start)
        await until(lambda: ready(shared))


async def test_no_old_value_comes_back_with_redis() -> None:
    with redis_server() as server:
        async with opened(server.url) as shared, opened(server.url, 0.1) as cut_off:
            await shared.cache.set("default", "changed", b"old", 600)
            await shared.cache.set("default", "deleted", b"old", 600)
            await shared.cache.set("default", "untouched", b"old", 600)
            await asyncio.to_thread(server.freeze)
            await cut_off.cache.set("default", "changed", b"new", 600)
            await cut_off.cache.delete("default", "deleted")
            assert await cut_off.cache.get("default", "changed") == b"new"
            await asyncio.to_thread(server.thaw)
            await until(lambda: ready(cut_off) and ready(shared))
            for each in (cut_off, shared):
                assert await each.cache.get("default", "deleted") is None
                assert await each.cache.get("default", "changed") != b"old"
                assert await each.cache.get("default", "untouched") == b"old"


async def test_a_wrong_password_is_told_without_any(caplog: pytest.LogCaptureFixture) -> None:
    with redis_server("--requirepass", "seven wet otters") as server:
        url = server.url.replace("redis://", "redis://:eight%20dry%20otters@")
        async with opened(url) as shared:
            part = shared.part()
            assert part.state is State.DEGRADED
            assert "refuses the user or the password" in part.detail
            assert (await shared.windows.hit("default:w", 1, 60)).allowed
            assert "otters" not in f"{part}{caplog.text}{shared!r}"
        async with opened(server.url.replace("redis://", "redis://:seven%20wet%20otters@")) as shared:
            assert ready(shared)


async def test_a_server_that_cannot_write_is_away() -> None:
    with redis_server("--maxmemory", "1") as full:
        async with opened(full.url) as shared:
            assert "refuses to work: command not allowed when used memory" in shared.part().detail
            assert (await shared.windows.hit("default:w", 1, 60)).allowed
