"""Signs that the modem's call audio fails without a word: what a caller hears cannot be measured from this side."""

SUSPICIOUS_TRIES = 4
"""Sound that had to be asked for so often is an early sign of the fault in which the modem takes none any more."""
UNHEARD_SECONDS = 8.0
UNHEARD_CALLS = 3
"""So many callers in a row who hung up so soon have heard nothing, most likely."""
TRIES_PAUSE, UNHEARD_PAUSE = 120.0, 1800.0
"""A reset as a precaution is not repeated sooner: callers who hang up at once may just be so."""


class Doubts:
    """Counts the signs from call to call, over all sessions with a modem; all times in seconds."""

    def __init__(self) -> None:
        self._unheard = 0
        self._tries = False
        self._reset_at = -UNHEARD_PAUSE

    def after_call(self, audio_tries: int, talked: float | None, *, by_caller: bool) -> None:
        """A call is over: `talked` is how long it was up, None when it was not; `by_caller` when it was not our end."""
        self._tries = self._tries or audio_tries >= SUSPICIOUS_TRIES
        if talked is not None:
            self._unheard = self._unheard + 1 if talked < UNHEARD_SECONDS and by_caller else 0

    def due(self, now: float) -> bool:
        """Tell whether the modem should be reset when nobody calls."""
        since = now - self._reset_at
        return (self._tries and since >= TRIES_PAUSE) or (self._unheard >= UNHEARD_CALLS and since >= UNHEARD_PAUSE)

    def settled(self, now: float) -> None:
        """The modem is reset, for whatever reason."""
        self._tries, self._unheard, self._reset_at = False, 0, now
