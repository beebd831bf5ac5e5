"""Which frames are echo and nothing else: what the canceller leaves of them is muted."""

_ALONE = 0.6  # likeness of what is muted where nothing is cancelled
_EXPECTED = 0.88  # likeness of a pure echo through a mobile codec; G.711 gives 0.95
_ECHO_LIKE = 0.75  # what may be a pure echo, and tells how those look here
_LEARN = 0.02  # how much of that one frame tells
_BELOW = 0.01  # a caller far softer than the echo lowers the likeness by more than this


class EchoGate:
    """Learns how alike the echo of this line is to what was played, and closes on what is as alike as that.

    A fixed bound would either let the echo of a mobile codec through or cost a soft caller under a loud echo the first
    sounds. `alone`: there is no canceller, so the gate does all the work and leaves only double-talk open.
    """

    def __init__(self, alone: bool) -> None:
        self._alone = alone
        self._usual = _EXPECTED
        self.pure = False
        """The newest frame is echo as it comes back on this line, with nothing of the caller in it."""

    def closes(self, likeness: float) -> bool:
        """Tell whether the next frame, of this likeness (EchoSearch.likeness), is to be muted."""
        self.pure = likeness >= self._usual - _BELOW
        if likeness >= _ECHO_LIKE:
            self._usual += _LEARN * (likeness - self._usual)
        return self.pure or (self._alone and likeness >= _ALONE)
