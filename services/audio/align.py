"""Laying the two sides of a call next to each other by their sample positions."""

from collections.abc import Iterator

import numpy as np

from services.audio.frame import Frame, Samples

PATIENCE_SECONDS = 1.0
BATCH_SECONDS = 0.2
LONGEST_HOLE_SECONDS = 3_600


class StereoAligner:
    """Takes frames of two sides in any order and gives (n, 2) int16 blocks without holes.

    A side may lag the other by `PATIENCE_SECONDS`; then silence stands in for it, and a frame that comes after its
    place was given out is dropped and counted, as is one more than an hour ahead of everything (a broken position).
    Memory is bounded by the patience, whatever the positions say.
    """

    def __init__(self, rate: int) -> None:
        self.dropped = 0
        self._patience = round(PATIENCE_SECONDS * rate)
        self._batch = round(BATCH_SECONDS * rate)
        self._longest_hole = LONGEST_HOLE_SECONDS * rate
        self._pending: Samples = np.zeros((self._patience + rate, 2), np.int16)
        self._start = 0  # position of the first pending sample
        self._ends = [0, 0]

    def add(self, side: int, frame: Frame) -> Iterator[Samples]:
        """Lay one frame on side 0 (left) or 1 (right); give what is now certain, in pieces of 0.2 s or more."""
        if frame.end <= self._start or frame.end > max(self._ends) + self._longest_hole:
            self.dropped += 1
            return
        yield from self._give_until(frame.end - len(self._pending))
        late = max(self._start - frame.position, 0)
        offset = frame.position + late - self._start
        self._pending[offset : frame.end - self._start, side] = frame.samples[late:]
        self._ends[side] = max(self._ends[side], frame.end)
        certain = max(min(self._ends), max(self._ends) - self._patience)
        if certain - self._start >= self._batch:
            yield from self._give_until(certain)

    def finish(self) -> Iterator[Samples]:
        """Give the rest; the side that ended earlier is filled with silence."""
        yield from self._give_until(max(self._ends))

    def _give_until(self, position: int) -> Iterator[Samples]:
        while self._start < position:
            count = min(position - self._start, len(self._pending))
            block = self._pending[:count].copy()
            self._pending = np.concatenate((self._pending[count:], np.zeros((count, 2), np.int16)))
            self._start += count
            yield block
