"""Keys become a number: collected until # or a pause."""

from services.clock import Clock

_MOST = 32


class DigitCollector:
    """Gathers DTMF keys into one number. `deadline` is the clock's second at which a pause ends it, None when empty."""

    def __init__(self, clock: Clock, pause: float) -> None:
        self._clock = clock
        self._pause = pause
        self._keys = ""
        self.deadline: float | None = None

    def press(self, key: str) -> str | None:
        """Take a key; return the number when this key ended it. `*` starts anew; a lone # is returned as "#"."""
        if key == "#":
            return self.take() or "#"
        if key == "*":
            self.take()
            return None
        self._keys += key
        self.deadline = self._clock.monotonic() + self._pause
        return self.take() if len(self._keys) >= _MOST else None

    def take(self) -> str:
        """Return what was gathered and begin anew."""
        keys, self._keys, self.deadline = self._keys, "", None
        return keys
