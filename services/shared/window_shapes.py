"""What is asked of a sliding window, and what it answers."""

from dataclasses import dataclass

_FINE = 1000


@dataclass(frozen=True, slots=True)
class Ask:
    """Count `cost` under `key` unless more than `most` would lie within the last `window` seconds."""

    key: str
    most: int
    window: float
    cost: int = 1

    @property
    def micros(self) -> int:
        """The window in microseconds."""
        return round(self.window * 1e6)

    @property
    def grain(self) -> int:
        """What happens within so many microseconds is kept as one entry, of its latest moment; 0: each by itself.

        So a window has some 1000 entries at most, however much is allowed in it.
        """
        return 0 if self.most <= _FINE else max(1, self.micros // _FINE)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`left` is how much is still allowed now, after what was counted.

    `reset_after` is in how many seconds there will be more: when refused, until the same would be allowed (the whole
    window where it never will).
    """

    allowed: bool
    most: int
    left: int
    reset_after: float
