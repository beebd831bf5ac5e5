"""How long this caller pauses in the middle of a turn."""

from collections import deque

_REMEMBERED = 12  # pauses: people slow down when they look for a number and speed up again
_FEWEST = 3
_HIGH = 0.8  # the quantile of the remembered pauses that is called usual: a wait should outlast most of them
_TAKEN_BACK = 0.9  # seconds: at least so long is a pause that an answer came into
_SHORTEST = 0.2  # seconds: shorter gaps belong to the sounds of speech (a stop before "t"), not to the pace
_LONGEST = 3.0  # seconds: who was silent longer was not pausing, but away


class CallerPace:
    """The pace of one caller, learned while they speak. Holds the newest dozen pauses."""

    def __init__(self) -> None:
        self._pauses: deque[float] = deque(maxlen=_REMEMBERED)

    def paused(self, seconds: float) -> None:
        """Note a pause inside a turn, after which the caller went on."""
        if _SHORTEST <= seconds <= _LONGEST:
            self._pauses.append(seconds)

    def cut_off(self) -> None:
        """Note that an answer had to be taken back, because the caller had not finished: we were too fast.

        How long that pause would have been is not known, only that it was longer than we thought. It counts for as
        much as makes the usual pause at once a long one; a dozen shorter ones let it be forgotten.
        """
        pause = max([_TAKEN_BACK, *self._pauses])
        self._pauses.extend([pause] * _FEWEST)

    @property
    def usual_pause(self) -> float | None:
        """The pause, in seconds, that four in five of this caller's do not exceed; None until three are known."""
        if len(self._pauses) < _FEWEST:
            return None
        return sorted(self._pauses)[min(int(_HIGH * len(self._pauses)), len(self._pauses) - 1)]
