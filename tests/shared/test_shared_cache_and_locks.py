"""The cache, the locks, and the addresses of servers."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from call_events import Clock
from servers import redis

from services.errors import ConflictError, SettingsError
from services.platform import PlatformSettings
from services.settings import load
from services.shared.address import place, trouble
from services.shared.cache import LONGEST, LocalCache
from services.shared.shared import Shared

PATIENCE = 10.0


@pytest.fixture(params=["in process", "redis"])
async def shared(request: pytest.FixtureRequest) -> AsyncIterator[Shared]:
    opened = Shared("" if request.param == "in process" else redis(), Clock(), PATIENCE)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def name() -> str:
    return uuid4().hex


async def test_a_value_is_kept_by_company_and_key(shared: Shared, name: str) -> None:
    await shared.cache.set("default", name, b"\x00\xff", 60)
    assert await shared.cache.get("default", name) == b"\x00\xff"
    assert await shared.cache.get("other", name) is None
    await shared.cache.delete("default", name)
    assert await shared.cache.get("default", name) is None


async def test_a_value_that_is_too_long_is_not_kept_nor_the_one_before(shared: Shared, name: str) -> None:
    await shared.cache.set("default", name, b"before", 60)
    await shared.cache.set("default", name, bytes(LONGEST + 1), 60)
    assert await shared.cache.get("default", name) is None


async def test_a_life_ends(name: str) -> None:
    clock = Clock()
    local = Shared("", clock)
    await local.cache.set("default", name, b"v", 60)
    clock.seconds = 59.9
    assert await local.cache.get("default", name) == b"v"
    clock.seconds = 60
    assert await local.cache.get("default", name) is None


async def test_a_life_ends_in_redis(name: str) -> None:
    shared = Shared(redis(), Clock(), PATIENCE)
    await shared.open()
    try:
        await shared.cache.set("default", name, b"v", 0.1)
        async with asyncio.timeout(10):
            while await shared.cache.get("default", name) is not None:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    finally:
        await shared.close()


def test_in_process_it_is_bounded_by_count_and_by_bytes() -> None:
    cache = LocalCache(Clock(), entries=3, size=100)
    for number in range(4):
        cache.set(str(number), b"x" * 10, 60)
    assert [cache.get(str(number)) is not None for number in range(4)] == [False, True, True, True]
    cache.get("1")
    cache.set("large", b"x" * 80, 60)
    assert [cache.get(each) is not None for each in ("1", "2", "3", "large")] == [True, False, True, True]
    cache.set("large", b"y" * 90, 60)
    assert (cache.get("1"), cache.get("3"), cache.get("large")) == (None, b"x" * 10, b"y" * 90)
    cache.clear()
    cache.set("whole", b"x" * 100, 60)
    assert cache.get("whole") is not None


async def test_one_at_a_time(shared: Shared, name: str) -> None:
    inside = most = 0

    async def enter() -> None:
        nonlocal inside, most
        async with shared.locks.lock(name, 20):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.005)
            inside -= 1

    await asyncio.gather(*(enter() for _ in range(10)))
    assert (inside, most) == (0, 1)
    assert not shared.locks._turns, "nothing is left of a lock that nobody wants"


async def test_one_at_a_time_in_two_processes(name: str) -> None:
    one, other = Shared(redis(), Clock(), PATIENCE), Shared(redis(), Clock(), PATIENCE)
    await asyncio.gather(one.open(), other.open())
    inside = most = 0

    async def enter(shared: Shared) -> None:
        nonlocal inside, most
        async with shared.locks.lock(name, 30):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.005)
            inside -= 1

    try:
        await asyncio.gather(*(enter(each) for each in [one, other] * 5))
        assert (inside, most) == (0, 1)
    finally:
        await asyncio.gather(one.close(), other.close())


async def test_who_waits_too_long_is_told(shared: Shared, name: str) -> None:
    async with shared.locks.lock(name, 20):
        with pytest.raises(ConflictError):
            async with shared.locks.lock(name, 20, wait=0.05):
                pytest.fail("two are inside")
    async with shared.locks.lock(name, 20, wait=5):
        pass


async def test_a_lock_is_left_by_an_error_and_by_a_cancellation(shared: Shared, name: str) -> None:
    with pytest.raises(ZeroDivisionError):
        async with shared.locks.lock(name, 60):
            raise ZeroDivisionError
    holder = asyncio.create_task(_hold(shared, name))
    await asyncio.sleep(0.05)
    waiter = asyncio.create_task(_hold(shared, name))
    await asyncio.sleep(0.05)
    for task in (waiter, holder):
        task.cancel()
    await asyncio.gather(holder, waiter, return_exceptions=True)
    async with shared.locks.lock(name, 60, wait=5):
        pass


async def test_the_lock_of_a_process_that_died_ends(name: str) -> None:
    dead, alive = Shared(redis(), Clock(), PATIENCE), Shared(redis(), Clock(), PATIENCE)
    await asyncio.gather(dead.open(), alive.open())
    try:
        held = dead.locks.lock(name, 0.3)
        await held.__aenter__()
        async with alive.locks.lock(name, 30):
            await held.__aexit__(None, None, None)  # too late: it is another's now
            third = Shared(redis(), Clock(), PATIENCE)
            await third.open()
            with pytest.raises(ConflictError):
                async with third.locks.lock(name, 30, wait=0.1):
                    pytest.fail("two are inside")
            await third.close()
    finally:
        await asyncio.gather(dead.close(), alive.close())


async def _hold(shared: Shared, name: str) -> None:
    async with shared.locks.lock(name, 60):
        await asyncio.sleep(60)


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:6379/0",
        "redis://redis",
        "rediss://user:secret@redis.example:6380/2?ssl_cert_reqs=required",
        "redis://:p%40ss@[::1]:6379",
        "unix:///run/redis.sock?db=3",
    ],
)
def test_addresses_that_can_be_used(url: str) -> None:
    assert not trouble(url)
    assert "secret" not in place(url)
    assert "p%40ss" not in place(url)
    assert load(PlatformSettings, redis_url=url).redis_url == url


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:6379",
        "http://:hunter2@redis:6379",
        "redis://",
        "redis://:hunter2@redis:port/0",
        "redis://:hunter2@redis:99999/0",
        "redis://:hunter2@redis:6379/first",
        "redis://:hunter2@redis/0?socket_timeout=9",
        "redis://[::1",
        "unix://",
        "unix:///run/redis.sock?db=x",
    ],
)
def test_addresses_that_cannot_be_used_stop_the_start_without_showing_a_password(url: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load(PlatformSettings, redis_url=url)
    assert "SECRETARY_REDIS_URL" in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_the_settings_do_not_show_the_address() -> None:
    assert "hunter2" not in repr(load(PlatformSettings, redis_url="redis://:hunter2@redis"))
