"""How long a call may be silent, and how long it may last."""

from services.voice.settings import VoiceSettings

_LAST_CHANCE = 3.0  # seconds in which words must come of what is heard as the goodbye ends
_OVERTIME = 10.0  # seconds that a sentence under way, of either side, may go beyond the call's longest time


class Patience:
    """The two deadlines of a call; all times are the clock's seconds."""

    def __init__(self, settings: VoiceSettings, now: float) -> None:
        self._no_input = settings.no_input
        self._ends_at = now + settings.max_call
        self._quiet_since = now
        self._asked = 0
        self.leaving: str = ""
        self._leave_at = now

    def leave(self, reason: str, now: float) -> None:
        """The goodbye was said while the caller spoke: hang up with `reason` unless there are words soon."""
        self.leaving, self._leave_at = reason, now + _LAST_CHANCE

    def words(self, now: float) -> None:
        """Words come after the goodbye: wait for the whole sentence."""
        if self.leaving:
            self._leave_at = now + _LAST_CHANCE

    def stay(self) -> str:
        """Do not hang up after all; return the reason that it would have been."""
        leaving, self.leaving = self.leaving, ""
        return leaving

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

    def time_is_up(self, *, busy: bool) -> float:
        """Return when the call is ended; `busy` sides may finish their sentence."""
        return self._ends_at + _OVERTIME if busy else self._ends_at

    def leaves_at(self) -> float | None:
        """Return when a call whose goodbye was said is ended, None when it was not."""
        return self._leave_at if self.leaving else None

    def silence(self) -> float:
        """Return when silence is asked about."""
        return self._quiet_since + self._no_input
