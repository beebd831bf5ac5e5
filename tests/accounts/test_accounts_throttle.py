"""How often a sign-in may fail."""

import pytest
from call_events import Clock

from services.accounts.throttle import SignInThrottle, Throttle
from services.errors import TooManyAttemptsError


def fail(throttle: SignInThrottle, username: str, address: str, times: int = 1) -> None:
    for _ in range(times):
        throttle.begin(username, address)


def test_five_of_a_user_from_one_address() -> None:
    throttle, clock = _make()
    fail(throttle, "olga", "192.0.2.1", 5)
    with pytest.raises(TooManyAttemptsError) as refused:
        throttle.begin("olga", "192.0.2.1")
    assert refused.value.retry_after == 900
    assert "15 minutes" in str(refused.value)
    fail(throttle, "olga", "192.0.2.2")
    fail(throttle, "boris", "192.0.2.1")
    clock.seconds = 899.5
    with pytest.raises(TooManyAttemptsError, match="a minute"):
        throttle.begin("olga", "192.0.2.1")
    clock.seconds = 900
    throttle.begin("olga", "192.0.2.1")


def test_twenty_from_an_address_whatever_the_user() -> None:
    throttle, _ = _make()
    for number in range(20):
        fail(throttle, f"user{number}", "192.0.2.1")
    with pytest.raises(TooManyAttemptsError):
        throttle.begin("olga", "192.0.2.1")
    throttle.begin("olga", "192.0.2.2")


def test_a_network_of_ipv6_is_one_address() -> None:
    throttle, _ = _make()
    for number in range(20):
        fail(throttle, f"user{number}", f"2001:db8::{number:x}")
    with pytest.raises(TooManyAttemptsError):
        throttle.begin("olga", "2001:db8::ffff")
    throttle.begin("olga", "2001:db8:0:1::1")
    fail(throttle, "olga", "::ffff:192.0.2.1", 5)
    with pytest.raises(TooManyAttemptsError):
        throttle.begin("olga", "192.0.2.1")


def test_a_hundred_of_a_user_from_wherever() -> None:
    throttle, _ = _make()
    for number in range(100):
        fail(throttle, "olga", f"192.0.2.{number}")
    with pytest.raises(TooManyAttemptsError):
        throttle.begin("olga", "198.51.100.1")
    throttle.begin("boris", "198.51.100.1")


def test_success_takes_the_attempt_back() -> None:
    throttle, _ = _make()
    for _ in range(200):
        throttle.begin("olga", "192.0.2.1")
        throttle.succeeded("olga", "192.0.2.1")
    fail(throttle, "olga", "192.0.2.1", 4)
    throttle.begin("olga", "192.0.2.1")


def test_what_is_remembered_is_bounded() -> None:
    throttle = Throttle(5, 900, Clock())
    for number in range(25_000):
        throttle.count(number)
    assert len(throttle._times) == 10_000
    for _ in range(5):
        throttle.count("busy")
    assert throttle.wait("busy") == 900


def _make() -> tuple[SignInThrottle, Clock]:
    clock = Clock()
    return SignInThrottle(clock), clock
