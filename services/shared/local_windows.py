"""Sliding windows in this process; services/shared/redis_windows.lua does the same in Redis."""

from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from services.shared.window_shapes import Ask, Verdict

KEYS = 50_000


@dataclass(slots=True)
class _Window:
    """`entries` are (moment in microseconds, cost), oldest first; `total` is the sum of their costs."""

    entries: deque[tuple[int, int]] = field(default_factory=deque)
    total: int = 0

    def expire(self, before: int) -> None:
        """Drop what was counted at `before` or earlier."""
        while self.entries and self.entries[0][0] <= before:
            self.total -= self.entries.popleft()[1]

    def add(self, now: int, cost: int, grain: int) -> None:
        self.total += cost
        if grain and self.entries and self.entries[-1][0] // grain == now // grain:
            cost += self.entries.pop()[1]
        self.entries.append((now, cost))

    def drop_newest(self, cost: int) -> None:
        while cost > 0 and self.entries:
            moment, there = self.entries.pop()
            taken = min(there, cost)
            if there > taken:
                self.entries.append((moment, there - taken))
            self.total -= taken
            cost -= taken

    def drop_oldest(self, cost: int) -> None:
        while cost > 0 and self.entries:
            moment, there = self.entries.popleft()
            taken = min(there, cost)
            if there > taken:
                self.entries.appendleft((moment, there - taken))
            self.total -= taken
            cost -= taken

    def until_freed(self, cost: int, now: int, micros: int) -> int:
        """Return in how many microseconds `cost` of what is counted will have expired; the window if never."""
        for moment, there in self.entries:
            cost -= there
            if cost <= 0:
                return moment + micros - now
        return micros


class LocalWindows:
    """`now` gives the moment in microseconds, never going back."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._windows: OrderedDict[str, _Window] = OrderedDict()

    def __len__(self) -> int:
        return len(self._windows)

    def hit_all(self, asks: Sequence[Ask]) -> tuple[Verdict, ...]:
        """Count all asks or none."""
        now = self._now()
        verdicts = [self._judge(ask, now) for ask in asks]
        if not all(each.allowed for each in verdicts):
            return tuple(verdicts)
        for ask in asks:
            self._require(ask.key).add(now, ask.cost, ask.grain)
        return tuple(
            Verdict(True, each.most, each.left - ask.cost, each.reset_after)
            for ask, each in zip(asks, verdicts, strict=True)
        )

    def peek(self, ask: Ask) -> Verdict:
        """Judge without counting."""
        return self._judge(ask, self._now())

    def note(self, asks: Sequence[Ask]) -> None:
        """Count what was allowed elsewhere, never more than `most`."""
        now = self._now()
        for ask in asks:
            window = self._require(ask.key)
            window.expire(now - ask.micros)
            window.add(now, ask.cost, ask.grain)
            window.drop_oldest(window.total - ask.most)

    def take_back(self, key: str, cost: int) -> None:
        """Take the newest `cost` back."""
        if window := self._windows.get(key):
            window.drop_newest(cost)

    def forget(self, key: str) -> None:
        """Begin anew with a key."""
        self._windows.pop(key, None)

    def _judge(self, ask: Ask, now: int) -> Verdict:
        window = self._windows.get(ask.key) or _Window()
        window.expire(now - ask.micros)
        over = window.total + ask.cost - ask.most
        if over <= 0:
            reset = window.entries[0][0] + ask.micros - now if window.entries else ask.micros
        else:
            reset = window.until_freed(over, now, ask.micros)
        return Verdict(over <= 0, ask.most, max(0, ask.most - window.total), reset / 1e6)

    def _require(self, key: str) -> _Window:
        window = self._windows.setdefault(key, _Window())
        self._windows.move_to_end(key)
        if len(self._windows) > KEYS:
            self._windows.popitem(last=False)
        return window
