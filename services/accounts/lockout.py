"""The lock-out: who fails at one account ten times in a row waits, longer after each further failure."""

from services.accounts.throttle import name_key, network_of
from services.errors import TooManyAttemptsError
from services.shared.windows import Windows

FAILURES = 10
FIRST_WAIT = 30.0  # seconds
LONGEST_WAIT = 900.0
_DAY = 86_400.0
_KNOWN_FOR = 30 * _DAY
_MOST = 1000
_LEVELS = 6


class Lockout:
    """Counts failures in a row by name, from wherever they come, whether there is such a user or not.

    30 s after the tenth, then twice as long each time, 15 minutes at most: guessing goes no faster than four an hour.
    An attempt counts from its beginning, or many at once would pass together; while a name waits nothing is counted,
    so that impatience does not lengthen it. Failures are forgotten after a day. All processes count together.

    Whoever has signed in from an address within 30 days does not wait there: strangers who fail in a name on purpose
    keep its owner out of nowhere that he usually comes from. SignInThrottle still holds at that address.
    """

    def __init__(self, windows: Windows) -> None:
        self._windows = windows

    async def begin(self, name: str, address: str = "") -> None:
        """Count an attempt. Raises TooManyAttemptsError while the name has to wait, unless `address` is known."""
        counted = await self._windows.hit(_run(name), _MOST, _DAY)
        number = _MOST - counted.left
        if number > FAILURES:
            before = _level(number - 1)
            verdict = await self._windows.peek(_waiting(name, before), 1, _seconds(before))
            if not verdict.allowed and not await self._knows(name, address):
                await self._windows.take_back([_run(name)])
                raise TooManyAttemptsError(
                    "Too many sign-ins have failed.", "Try again later.", retry_after=verdict.reset_after
                )
        if number >= FAILURES:
            await self._windows.hit(_waiting(name, _level(number)), 1, _seconds(_level(number)))

    async def take_back(self, name: str) -> None:
        """The attempt was none: it could not be decided."""
        counted = await self._windows.peek(_run(name), _MOST, _DAY)
        number = _MOST - counted.left
        if number >= FAILURES:
            await self._windows.forget(_waiting(name, _level(number)))
        await self._windows.take_back([_run(name)])

    async def succeeded(self, name: str, address: str = "") -> None:
        """Forget the failures of a name, and remember where it was signed in from."""
        if address:
            await self._windows.forget(_known(name, address))
            await self._windows.hit(_known(name, address), 1, _KNOWN_FOR)
        for key in (_run(name), *(_waiting(name, level) for level in range(_LEVELS))):
            await self._windows.forget(key)

    async def _knows(self, name: str, address: str) -> bool:
        return bool(address) and not (await self._windows.peek(_known(name, address), 1, _KNOWN_FOR)).allowed


def _run(name: str) -> str:
    return f"sign-in:run:{name_key(name)}"


def _waiting(name: str, level: int) -> str:
    return f"sign-in:wait-{level}:{name_key(name)}"


def _known(name: str, address: str) -> str:
    return f"sign-in:known:{name_key(name)}:{network_of(address)}"


def _level(number: int) -> int:
    """Return how often the wait has been doubled after so many failures."""
    return min(number - FAILURES, _LEVELS - 1)


def _seconds(level: int) -> float:
    return min(FIRST_WAIT * (1 << level), LONGEST_WAIT)
