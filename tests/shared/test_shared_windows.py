"""Sliding windows: in process, in Redis, and both the same."""

import asyncio
from collections.abc import AsyncIterator
from itertools import count
from uuid import uuid4

import pytest
from call_events import Clock
from hypothesis import given, settings
from hypothesis import strategies as st
from servers import redis

from services.shared.link import RedisLink
from services.shared.local_windows import KEYS, LocalWindows
from services.shared.redis_windows import RedisWindows
from services.shared.shared import Shared
from services.shared.window_shapes import Ask
from services.shared.windows import Windows

PATIENCE = 10.0  # a machine under load is not a Redis that is away


@pytest.fixture(params=["in process", "redis"])
async def windows(request: pytest.FixtureRequest) -> AsyncIterator[Windows]:
    shared = Shared("" if request.param == "in process" else redis(), Clock(), PATIENCE)
    await shared.open()
    yield shared.windows
    await shared.close()


@pytest.fixture
def key() -> str:
    return f"default:{uuid4().hex}"


async def test_so_many_and_no_more(windows: Windows, key: str) -> None:
    for left in (2, 1, 0):
        verdict = await windows.hit(key, 3, 60)
        assert (verdict.allowed, verdict.most, verdict.left) == (True, 3, left)
    refused = await windows.hit(key, 3, 60)
    assert (refused.allowed, refused.left) == (False, 0)
    assert 55 < refused.reset_after <= 60
    assert (await windows.hit(f"{key}2", 3, 60)).allowed, "another key is another window"


async def test_a_window_slides(key: str) -> None:
    clock = Clock()
    windows = Windows(clock)
    for clock.seconds in (0, 20, 40):
        assert (await windows.hit(key, 3, 60)).allowed
    clock.seconds = 59.9
    assert not (await windows.hit(key, 3, 60)).allowed
    clock.seconds = 60
    assert (await windows.hit(key, 3, 60)).allowed
    refused = await windows.hit(key, 3, 60)
    assert (refused.allowed, refused.reset_after) == (False, 20)


async def test_a_window_of_redis_slides_by_the_servers_own_clock(key: str) -> None:
    shared = Shared(redis(), Clock(), PATIENCE)  # whose clock stands still
    await shared.open()
    try:
        assert (await shared.windows.hit(key, 1, 0.2)).allowed
        for _ in range(200):
            if (await shared.windows.hit(key, 1, 0.2)).allowed:
                break
            await asyncio.sleep(0.02)
        else:
            pytest.fail("the window never ended")
    finally:
        await shared.close()


async def test_a_cost_that_does_not_fit_counts_nothing(windows: Windows, key: str) -> None:
    assert (await windows.hit(key, 10, 60, 8)).left == 2
    assert not (await windows.hit(key, 10, 60, 3)).allowed
    assert (await windows.peek(key, 10, 60)).left == 2
    assert (await windows.hit(key, 10, 60, 2)).left == 0
    never = await windows.hit(key, 10, 60, 11)
    assert (never.allowed, never.reset_after) == (False, 60)


async def test_all_or_none(windows: Windows, key: str) -> None:
    wide, narrow = Ask(f"{key}:company", 100, 60), Ask(f"{key}:user", 1, 60)
    assert [each.allowed for each in await windows.hit_all([wide, narrow])] == [True, True]
    assert [each.allowed for each in await windows.hit_all([wide, narrow])] == [True, False]
    assert (await windows.peek(wide.key, 100, 60)).left == 99, "what the other refused does not count here"


async def test_taken_back_and_forgotten(windows: Windows, key: str) -> None:
    for _ in range(3):
        await windows.hit(key, 5, 60, 2 if _ else 1)
    await windows.take_back([key, f"{key}:nothing"], 3)
    assert (await windows.peek(key, 5, 60)).left == 3
    await windows.take_back([key], 10)
    assert (await windows.peek(key, 5, 60)).left == 5
    await windows.hit(key, 5, 60, 5)
    await windows.forget(key)
    assert (await windows.peek(key, 5, 60)).left == 5


async def test_at_once_no_more_than_allowed_get_through(key: str) -> None:
    one, other = Shared(redis(), Clock(), PATIENCE), Shared(redis(), Clock(), PATIENCE)
    await asyncio.gather(one.open(), other.open())
    try:
        verdicts = await asyncio.gather(*(each.windows.hit(key, 25, 60) for each in [one, other] * 30))
        assert sum(verdict.allowed for verdict in verdicts) == 25
        await other.windows.forget(key)
        assert (await one.windows.hit(key, 25, 60)).left == 24
    finally:
        await asyncio.gather(one.close(), other.close())


async def test_what_is_remembered_in_process_is_bounded() -> None:
    local = LocalWindows(lambda: 0)
    for number in range(KEYS + 500):
        local.hit_all([Ask(str(number), 5, 900)])
    assert len(local) == KEYS
    assert local.peek(Ask(str(KEYS + 499), 5, 900)).left == 4


async def test_a_wide_window_is_kept_in_a_thousand_entries() -> None:
    now = count(step=997)
    local = LocalWindows(lambda: next(now))
    for _ in range(20_000):
        assert local.hit_all([Ask("busy", 1_000_000, 10)])[0].allowed
    window = local._windows["busy"]
    assert len(window.entries) <= 1001
    assert window.total > 9_900, "and all within the window counts"


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["hit", "hit", "hit", "both", "peek", "back", "forget"]),
        st.sampled_from(["a", "b"]),
        st.integers(0, 4),  # seconds that pass before
        st.integers(1, 3),
    ),
    max_size=40,
)


class Model:
    """What a window is, without any thought of speed."""

    def __init__(self, most: int, window: int) -> None:
        self.most, self.window = most, window
        self.counted: list[int] = []

    def inside(self, now: int) -> list[int]:
        return [at for at in self.counted if at + self.window > now]

    def verdict(self, now: int, cost: int) -> tuple[bool, int, float]:
        inside = self.inside(now)
        over = len(inside) + cost - self.most
        if over > len(inside):
            reset = self.window
        elif over > 0:
            reset = inside[over - 1] + self.window - now
        else:
            reset = inside[0] + self.window - now if inside else self.window
        return over <= 0, self.most - len(inside), float(reset)


async def test_both_are_the_same_as_the_plainest_model() -> None:
    link = RedisLink(redis(), PATIENCE)
    await link.open()
    clock = [1]
    numbers = count()

    async def play(steps: list[tuple[str, str, int, int]], most: int) -> None:
        window, run = 6, f"model{uuid4().hex}{next(numbers)}"
        local, remote = LocalWindows(lambda: clock[0]), RedisWindows(link, lambda: clock[0])
        models = {name: Model(most, window) for name in "ab"}
        clock[0] = 1_000_000
        for step, name, passed, cost in steps:
            clock[0] += passed * 1_000_000
            now, key = clock[0] // 1_000_000, f"{run}:{name}"
            names = ["a", "b"] if step == "both" else [name]
            asks = [Ask(f"{run}:{each}", most, window, cost if step != "peek" else 1) for each in names]
            expected = [models[each].verdict(now, ask.cost) for each, ask in zip(names, asks, strict=True)]
            if step in ("hit", "both"):
                found = [local.hit_all(asks), await remote.hit_all(asks)]
                if all(allowed for allowed, _, _ in expected):
                    expected = [(True, left - cost, reset) for _, left, reset in expected]
                    for each in names:
                        models[each].counted += [now] * cost
            elif step == "peek":
                found = [(local.peek(asks[0]),), (await remote.peek(asks[0]),)]
            else:
                models[name].counted = models[name].inside(now)
                if step == "back":
                    local.take_back(key, cost)
                    await remote.take_back([key], cost)
                    models[name].counted = models[name].counted[: max(0, len(models[name].counted) - cost)]
                else:
                    local.forget(key)
                    await remote.forget(key)
                    models[name].counted = []
                continue
            for verdicts in found:
                assert [(each.allowed, each.left, each.reset_after) for each in verdicts] == expected, (step, name, now)

    loop = asyncio.get_running_loop()

    @settings(max_examples=150, deadline=None, derandomize=True)
    @given(steps=STEPS, most=st.integers(0, 6))
    def agree(steps: list[tuple[str, str, int, int]], most: int) -> None:
        asyncio.run_coroutine_threadsafe(play(steps, most), loop).result(60)

    try:
        await asyncio.to_thread(agree)
    finally:
        await link.close()
