"""What else is swept out by the daily clean-up: any room adds its own, without a change here."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from services.errors import SecretaryError

BATCH = 100

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Sweep:
    """Something that is kept for `keep` (None: for ever).

    `remove` deletes at most so many of what is older than a moment and returns how many: (before, batch) -> count.
    """

    name: str
    keep: timedelta | None
    remove: Callable[[datetime, int], Awaitable[int]]


def days(count: int) -> timedelta | None:
    """Return how long a setting of days keeps: 0 is for ever."""
    return timedelta(days=count) if count else None


async def sweep_all(sweeps: list[Sweep], now: datetime) -> dict[str, int]:
    """Do every sweep, batch by batch; return how much went, by name, without what kept everything.

    One that fails holds up no other. Raises the last failure when all have been tried.
    """
    gone: dict[str, int] = {}
    failure: SecretaryError | None = None
    for sweep in sweeps:
        try:
            if total := await _sweep(sweep, now):
                gone[sweep.name] = total
        except SecretaryError as error:
            log.warning("a sweep was not finished", sweep=sweep.name, error=str(error))
            failure = error
    if failure is not None:
        raise failure
    return gone


async def _sweep(sweep: Sweep, now: datetime) -> int:
    total = 0
    while sweep.keep is not None and (removed := await sweep.remove(now - sweep.keep, BATCH)):
        total += removed
    return total
