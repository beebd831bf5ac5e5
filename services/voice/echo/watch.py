"""When to compare what is heard with what was played, and when to believe what is found."""

from services.audio.frame import Frame
from services.voice.echo.search import EchoSearch, Match

_CERTAIN = 0.8  # likeness that settles it
_ECHO = 0.7  # likeness of an echo that is codec-bent or mixed with noise; to be met
_SURE = 3  # in so many windows in a row, at one lag
_CLEAR = 0.95  # a match is one only where no other lag is nearly as good: the echo of a tone could be anywhere
_ONE_LAG = 0.008  # seconds: windows with lags this near speak of one echo (a pitch period apart is still one)
_FIRST = 2  # audible frames before the first comparison: less says too little
_SELDOM = 5  # frames from one comparison to the next when they keep finding nothing


class EchoWatch:
    """Follows both streams of a call and says at what lag the played one comes back, in samples of `rate`."""

    def __init__(self, rate: int) -> None:
        self._search = EchoSearch(rate)
        self._one_lag = round(_ONE_LAG * rate)
        self._audible = 0  # frames since the caller's side was last silent
        self._silent = 0
        self._wait = 0  # frames until the next comparison
        self._pace = 1  # frames from one to the next
        self._streak = 0  # windows in a row that were alike at one lag
        self._last = 0  # that lag

    def played(self, frame: Frame) -> None:
        """Take a frame of the line's output."""
        self._search.played(frame)

    def heard(self, frame: Frame, audible: bool) -> int | None:
        """Take a frame of the caller's (one not `audible` counts as silence); return the lag when sure of one."""
        if not audible:
            self._rest()
            return None
        self._search.heard(frame)
        self._silent = 0
        self._audible += 1
        self._wait -= 1
        if self._audible < _FIRST or self._wait > 0:
            return None
        return self._judge(self._search.match())

    def likeness(self, lag: int) -> float:
        """How much the last moment heard is the echo at `lag` and nothing else, up to 1."""
        return self._search.likeness(lag)

    def _rest(self) -> None:
        """After 100 ms of silence something new begins."""
        self._silent += 1
        if self._silent >= _SELDOM:
            self._audible = self._wait = 0
            self._pace = 1

    def _judge(self, match: Match) -> int | None:
        if match.likeness < _ECHO or match.rival > _CLEAR * match.likeness:
            self._streak = 0
            self._pace = min(self._pace + 1, _SELDOM)
        else:
            same = self._streak > 0 and abs(match.lag - self._last) <= self._one_lag
            self._streak = self._streak + 1 if same else 1
            self._last = match.lag
            self._pace = _SELDOM if self._streak > _SURE else 1  # an echo that stays where it was needs no close watch
        self._wait = self._pace
        return match.lag if match.likeness >= _CERTAIN or self._streak >= _SURE else None
