"""The last moments of a stream, found again by position."""

from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

S = TypeVar("S", bound=np.generic)


class History(Generic[S]):
    """Remembers the last `keep` samples that were written; what was never written, or is forgotten, reads as zeros.

    Positions count samples and may jump: a gap is silence, a jump back forgets what came after.
    """

    def __init__(self, keep: int, dtype: DTypeLike) -> None:
        self._keep = keep
        # Twice as long as needed: the newest samples move to the front once in `keep` samples, and a read is one slice.
        self._held: NDArray[Any] = np.zeros(2 * keep, dtype)
        self._begin = 0  # the position of _held[0]
        self.end = 0
        """The position after the last sample written."""

    def write(self, position: int, samples: NDArray[S]) -> None:
        """Put (n,) samples at `position`, n at most `keep`."""
        if not self._begin <= position <= self.end + self._keep:
            self._held[:] = 0
            self._begin = self.end = position
        last = position + len(samples)
        if last - self._begin > len(self._held):
            self._forget(last - self._keep)
        start = position - self._begin
        self._held[max(self.end - self._begin, 0) : max(start, 0)] = 0
        self._held[start : start + len(samples)] = samples
        self.end = last

    def read(self, start: int, size: int) -> NDArray[S]:
        """Return (size,) samples from position `start`. It may be a view: use it before the next write."""
        first, last = start - self._begin, start + size - self._begin
        known = min(last, self.end - self._begin)
        if first >= 0 and known == last:
            return self._held[first:last]
        made = np.zeros(size, self._held.dtype)
        if known > max(first, 0):
            made[max(-first, 0) : known - first] = self._held[max(first, 0) : known]
        return made

    def _forget(self, before: int) -> None:
        """Make room: drop what lies before the position `before`."""
        kept = self._held[before - self._begin : max(self.end - self._begin, before - self._begin)].copy()
        self._held[: len(kept)] = kept
        self._begin = before
