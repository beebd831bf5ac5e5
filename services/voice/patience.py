"""How long a call may be silent, and how long it may last."""

from services.voice.settings import VoiceSettings

_OVERTIME = 10.0  # seconds that a sentence under way, of either side, may go beyond the call's longest time


class Patience:
    """The two deadlines of a call; all times are the clock's seconds."""

    def __init__(self, settings: VoiceSettings, now: float) -> None:
        self._no_input = settings.no_input
        self._ends_at = now + settings.max_call
        self._quiet_since = now
        self._asked = 0

    def sound(self, now: float) -> None:
        """Somebody was heard until now: the silence begins anew."""
        self._quiet_since = now

    def answered(self) -> None:
        """The caller is there: the next question whether somebody is there would be the first."""
        self._asked = 0

    def ask(self) -> int:
        """Count one more question into the silence."""
        self._asked += 1
        return self._asked

    def is_over(self, now: float) -> bool:
        """Tell whether the call has lasted as long as it may."""
        return now >= self._ends_at

    def deadline(self, *, busy: bool) -> float:
        """Return when something must be said: `busy` sides may finish their sentence, silence is asked about."""
        return self._ends_at + _OVERTIME if busy else min(self._ends_at, self._quiet_since + self._no_input)
