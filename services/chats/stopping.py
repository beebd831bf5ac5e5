"""Stop sequences: the end of an answer at words that its reader has named, whoever writes it."""

from collections.abc import Sequence


class StopCutter:
    """Passes on a stream of text until one of `stops` begins; a stop may be split anywhere between two pieces.

    Held back is only what may still become a stop. `stopped` tells that one has come.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(filter(None, stops))
        self._held = ""
        self.stopped = False

    def push(self, text: str) -> str:
        """Take the next piece; return what of it is certain, "" for nothing."""
        if not self._stops or self.stopped:
            return "" if self.stopped else text
        whole = self._held + text
        places = [place for stop in self._stops if (place := whole.find(stop)) >= 0]
        if places:
            self.stopped, self._held = True, ""
            return whole[: min(places)]
        kept = max(_begun(whole, stop) for stop in self._stops)
        self._held = whole[len(whole) - kept :]
        return whole[: len(whole) - kept]

    def flush(self) -> str:
        """Return what was held back and became no stop."""
        held, self._held = self._held, ""
        return held


def _begun(text: str, stop: str) -> int:
    """Return how many characters at the end of `text` may be the beginning of `stop`."""
    return next((size for size in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:size])), 0)
