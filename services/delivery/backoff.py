"""When a message is tried again, and when a receiver is left alone for a while."""

from collections.abc import Callable
from dataclasses import dataclass

from services.clock import Clock
from services.storage.delivery.outbox_queue import Target

PAUSES = (5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0, 7200.0, 14400.0, 21600.0, 21600.0, 21600.0)
"""Seconds after each failed attempt: twelve attempts within 27 hours, then a message is dead."""

JITTER = 0.2
LONGEST_PAUSE = PAUSES[-1]

_FAILURES = 3
_SHUT_FIRST = 15.0
_SHUT_LONGEST = 600.0
_MOST_TARGETS = 10_000


def pause(attempt: int, uniform: Callable[[float, float], float], retry_after: float | None = None) -> float:
    """Return the seconds between attempt `attempt` (from 1) and the next, 20 % more or less.

    The receiver's Retry-After makes it longer, up to six hours.
    """
    usual = PAUSES[min(attempt, len(PAUSES)) - 1] * uniform(1 - JITTER, 1 + JITTER)
    return min(max(usual, retry_after or 0.0), LONGEST_PAUSE * (1 + JITTER))


@dataclass(slots=True)
class _State:
    failures: int = 0
    shut_until: float = 0.0


class Breakers:
    """One for each target: after three failures in a row it is shut, 15 s at first and ten minutes at most.

    Then one message is let through; what becomes of it decides. So a receiver that is away costs one attempt at a time,
    and holds up nobody else.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._states: dict[Target, _State] = {}

    def shut(self) -> dict[Target, float]:
        """Return the targets that are left alone now, with the seconds for which they still are."""
        now = self._clock.monotonic()
        return {target: state.shut_until - now for target, state in self._states.items() if state.shut_until > now}

    def trying(self) -> set[Target]:
        """Return the targets that were shut and of which one message may go as a trial."""
        now = self._clock.monotonic()
        return {
            target for target, state in self._states.items() if state.failures >= _FAILURES and state.shut_until <= now
        }

    def worked(self, target: Target) -> None:
        """The target has answered."""
        self._states.pop(target, None)

    def failed(self, target: Target, retry_after: float | None = None) -> None:
        """The target was away, or asked to be left alone for a while."""
        state = self._states.setdefault(target, _State())
        state.failures += 1
        seconds = retry_after or 0.0
        if state.failures >= _FAILURES:
            seconds = max(seconds, _SHUT_FIRST * 2 ** min(state.failures - _FAILURES, 10))
        state.shut_until = self._clock.monotonic() + min(seconds, _SHUT_LONGEST)
        if len(self._states) > _MOST_TARGETS:
            self._states.pop(next(iter(self._states)))
