"""Caps that hold for requests that come at once: what was allowed and is not stored yet counts, too."""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.errors import LineError

PENDING = timedelta(seconds=60)
"""After this a permit of which nothing was stored is taken for unused (the modem refused, the order was dropped)."""

Placed = tuple[str, datetime]
"""A number as it was stored, and when it was called or written to."""


@dataclass(frozen=True, slots=True)
class _Grant:
    names: Sequence[str]
    at: datetime


class Grants:
    """The permits of the last minute, by line.

    From `with_pending` to `add` nothing may be awaited: then of requests that come at once each sees those before it,
    however late the database told what is stored.
    """

    def __init__(self) -> None:
        self._given: defaultdict[Hashable, list[_Grant]] = defaultdict(list)

    def add(self, key: Hashable, names: Sequence[str], now: datetime) -> None:
        """Note a permit for the number that is stored under one of `names`."""
        self._given[key].append(_Grant(names, now))

    def with_pending(self, key: Hashable, stored: Sequence[Placed], now: datetime) -> list[Placed]:
        """Return what is stored, and the permits that are not among it.

        A permit is used by one call or message to its number that began after it was given.
        """
        self._given[key] = [each for each in self._given[key] if now - each.at < PENDING]
        free = sorted(stored, key=lambda each: each[1])
        pending = []
        for grant in self._given[key]:
            used = next((each for each in free if each[0] in grant.names and each[1] >= grant.at), None)
            if used is None:
                pending.append((grant.names[0], grant.at))
            else:
                free.remove(used)
        return [*stored, *pending]


def times(names: Sequence[str], placed: Sequence[Placed]) -> int:
    """Count how often the number that goes by `names` is among what was placed."""
    return sum(number in names for number, _ in placed)


def check(used: int, cap: int, what: str, rule: str) -> None:
    """Raise LineError, naming the `rule` of the policy, when `what` was done as often as it may be."""
    if used >= cap:
        raise LineError(f"{what}: {used} of {cap}.", f"Try later, or raise {rule} in the line's policy.")
