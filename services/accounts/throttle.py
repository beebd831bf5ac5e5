"""How often a sign-in may fail before whoever tries has to wait."""

import ipaddress
from collections import OrderedDict, deque
from collections.abc import Hashable

from services.clock import Clock
from services.errors import TooManyAttemptsError

WINDOW = 900.0  # seconds
_KEYS = 10_000


class Throttle:
    """Counts what happens per key in a sliding window; knows at most 10 000 keys, the least recent is forgotten."""

    def __init__(self, most: int, window: float, clock: Clock) -> None:
        self._most = most
        self._window = window
        self._clock = clock
        self._times: OrderedDict[Hashable, deque[float]] = OrderedDict()

    def wait(self, key: Hashable) -> float:
        """Return in how many seconds one more is within the limit, 0 when it is now."""
        times = self._times.get(key)
        if times is None or len(times) < self._most:
            return 0.0
        return max(0.0, times[0] + self._window - self._clock.monotonic())

    def count(self, key: Hashable) -> None:
        """Count one."""
        self._times.setdefault(key, deque(maxlen=self._most)).append(self._clock.monotonic())
        self._times.move_to_end(key)
        if len(self._times) > _KEYS:
            self._times.popitem(last=False)

    def take_back(self, key: Hashable) -> None:
        """Take the last one back."""
        if times := self._times.get(key):
            times.pop()

    def forget(self, key: Hashable) -> None:
        """Begin anew with a key."""
        self._times.pop(key, None)


class SignInThrottle:
    """Failures within a quarter of an hour: 5 of a user from one address, 20 from an address, 100 of a user.

    The last is wide, so that a stranger cannot easily keep the owner out by failing in his name. An attempt counts from
    its beginning, or many at once would pass together; one that succeeds is taken back.
    """

    def __init__(self, clock: Clock) -> None:
        self._pairs = Throttle(5, WINDOW, clock)
        self._addresses = Throttle(20, WINDOW, clock)
        self._names = Throttle(100, WINDOW, clock)

    def begin(self, username: str, address: str) -> None:
        """Count an attempt. Raises TooManyAttemptsError when there were too many."""
        place = _network(address)
        wait = max(self._pairs.wait((username, place)), self._addresses.wait(place), self._names.wait(username))
        if wait > 0:
            raise TooManyAttemptsError(
                "Too many sign-ins have failed.", f"Try again in {_in_words(wait)}.", retry_after=wait
            )
        self._pairs.count((username, place))
        self._addresses.count(place)
        self._names.count(username)

    def succeeded(self, username: str, address: str) -> None:
        """Take the attempt back, and forget the failures before it."""
        self.take_back(username, address)
        self._pairs.forget((username, _network(address)))

    def take_back(self, username: str, address: str) -> None:
        """The attempt was none: it could not be decided."""
        place = _network(address)
        self._pairs.take_back((username, place))
        self._addresses.take_back(place)
        self._names.take_back(username)


def _network(address: str) -> str:
    """Return what one household or attacker has of addresses: one of IPv4, a /64 of IPv6."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    return str(ip.ipv4_mapped or ipaddress.ip_network((ip, 64), strict=False))


def _in_words(seconds: float) -> str:
    minutes = -(-seconds // 60)
    return "a minute" if minutes <= 1 else f"{minutes:.0f} minutes"
