"""The calls that are under way, as far as their events tell."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from services.clock import Clock

QUIET_SECONDS = 3600.0
LIMIT = 2000

Known = TypeVar("Known")


class CallsUnderWay(Generic[Known]):
    """What a watcher keeps of each call from its first event to its last.

    A watcher that fell behind may have missed an end. So a call without an event for QUIET_SECONDS, and the quietest
    beyond LIMIT calls, is given up: `lost` is called with what was kept of it.
    """

    def __init__(self, clock: Clock, lost: Callable[[Known], None]) -> None:
        self._clock = clock
        self._lost = lost
        self._calls: OrderedDict[str, tuple[float, Known]] = OrderedDict()  # the quietest first

    def begin(self, call_id: str, known: Known) -> None:
        """Keep `known` of a call that starts."""
        self._calls[call_id] = (self._clock.monotonic(), known)
        self.give_up_the_lost()

    def get(self, call_id: str) -> Known | None:
        """Return what is kept of a call that an event has come from, None when its start was not seen."""
        entry = self._calls.get(call_id)
        if entry is None:
            return None
        self._calls[call_id] = (self._clock.monotonic(), entry[1])
        self._calls.move_to_end(call_id)
        return entry[1]

    def end(self, call_id: str) -> Known | None:
        """Forget a call, and return what was kept of it."""
        entry = self._calls.pop(call_id, None)
        return None if entry is None else entry[1]

    def give_up_the_lost(self, *, all_of_them: bool = False) -> None:
        """Give up the calls whose end was missed; with `all_of_them` every call."""
        quiet_since = self._clock.monotonic() - QUIET_SECONDS
        while self._calls:
            last, known = next(iter(self._calls.values()))
            if not all_of_them and last > quiet_since and len(self._calls) <= LIMIT:
                return
            self._calls.popitem(last=False)
            self._lost(known)
