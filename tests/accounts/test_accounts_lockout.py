"""The lock-out of an account, and what strangers may learn from it."""

import pytest
from call_events import Clock

from services.accounts.lockout import FAILURES, Lockout
from services.errors import TooManyAttemptsError
from services.shared.windows import Windows


def make() -> tuple[Lockout, Clock]:
    clock = Clock()
    return Lockout(Windows(clock)), clock


async def wait(lockout: Lockout, name: str = "olga") -> float:
    with pytest.raises(TooManyAttemptsError) as refused:
        await lockout.begin(name)
    return refused.value.retry_after


async def test_after_ten_failures_each_one_more_waits_twice_as_long() -> None:
    lockout, clock = make()
    for _ in range(FAILURES):
        await lockout.begin("olga")
    waits = []
    for _ in range(7):
        waits.append(await wait(lockout))
        clock.seconds += waits[-1] - 0.1
        assert await wait(lockout) == pytest.approx(0.1), "asking meanwhile does not lengthen it"
        clock.seconds += 0.1
        await lockout.begin("olga")
    assert waits == [30, 60, 120, 240, 480, 900, 900]


async def test_others_do_not_wait() -> None:
    lockout, _ = make()
    for _ in range(FAILURES):
        await lockout.begin("olga")
    await wait(lockout)
    await lockout.begin("boris")


async def test_success_ends_the_row() -> None:
    lockout, clock = make()
    for _ in range(FAILURES + 3):
        await lockout.begin("olga")
        clock.seconds += 900
    await lockout.succeeded("olga")
    for _ in range(FAILURES):
        await lockout.begin("olga")
    assert await wait(lockout) == 30


async def test_what_was_not_decided_does_not_count() -> None:
    lockout, _ = make()
    for _ in range(50):
        await lockout.begin("olga")
        await lockout.take_back("olga")
    for _ in range(FAILURES - 1):
        await lockout.begin("olga")
    await lockout.begin("olga")
    await lockout.take_back("olga")
    await lockout.begin("olga")
    assert await wait(lockout) == 30


async def test_failures_are_forgotten_after_a_day() -> None:
    lockout, clock = make()
    for _ in range(FAILURES - 1):
        await lockout.begin("olga")
    clock.seconds += 86_401
    for _ in range(FAILURES):
        await lockout.begin("olga")
    assert await wait(lockout) == 30
