"""How often a sign-in may fail."""

import pytest
from call_events import Clock

from services.accounts.throttle import SignInThrottle
from services.errors import TooManyAttemptsError
from services.shared.windows import Windows


async def fail(throttle: SignInThrottle, username: str, address: str, times: int = 1) -> None:
    for _ in range(times):
        await throttle.begin(username, address)


async def test_five_of_a_user_from_one_address() -> None:
    throttle, clock = _make()
    await fail(throttle, "olga", "192.0.2.1", 5)
    with pytest.raises(TooManyAttemptsError) as refused:
        await throttle.begin("olga", "192.0.2.1")
    assert refused.value.retry_after == 900
    assert "15 minutes" in str(refused.value)
    await fail(throttle, "olga", "192.0.2.2")
    await fail(throttle, "boris", "192.0.2.1")
    clock.seconds = 899.5
    with pytest.raises(TooManyAttemptsError, match="a minute"):
        await throttle.begin("olga", "192.0.2.1")
    clock.seconds = 900
    await throttle.begin("olga", "192.0.2.1")


async def test_twenty_from_an_address_whatever_the_user() -> None:
    throttle, _ = _make()
    for number in range(20):
        await fail(throttle, f"user{number}", "192.0.2.1")
    with pytest.raises(TooManyAttemptsError):
        await throttle.begin("olga", "192.0.2.1")
    await throttle.begin("olga", "192.0.2.2")


async def test_a_network_of_ipv6_is_one_address() -> None:
    throttle, _ = _make()
    for number in range(20):
        await fail(throttle, f"user{number}", f"2001:db8::{number:x}")
    with pytest.raises(TooManyAttemptsError):
        await throttle.begin("olga", "2001:db8::ffff")
    await throttle.begin("olga", "2001:db8:0:1::1")
    await fail(throttle, "olga", "::ffff:192.0.2.1", 5)
    with pytest.raises(TooManyAttemptsError):
        await throttle.begin("olga", "192.0.2.1")


async def test_a_hundred_of_a_user_from_wherever() -> None:
    throttle, _ = _make()
    for number in range(100):
        await fail(throttle, "olga", f"192.0.2.{number}")
    with pytest.raises(TooManyAttemptsError):
        await throttle.begin("olga", "198.51.100.1")
    await throttle.begin("boris", "198.51.100.1")


async def test_success_takes_the_attempt_back() -> None:
    throttle, _ = _make()
    for _ in range(200):
        await throttle.begin("olga", "192.0.2.1")
        await throttle.succeeded("olga", "192.0.2.1")
    await fail(throttle, "olga", "192.0.2.1", 4)
    await throttle.begin("olga", "192.0.2.1")


def _make() -> tuple[SignInThrottle, Clock]:
    clock = Clock()
    return SignInThrottle(Windows(clock)), clock
