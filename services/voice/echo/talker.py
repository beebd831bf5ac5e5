"""Does the caller speak while the secretary's echo comes back? He does when the line is louder than the echo can be.

This is Geigel's double-talk detector (D. L. Duttweiler, "A twelve-channel digital echo canceler", IEEE Transactions on
Communications, 1978) with the loss of the line learned from frames that are nothing but echo.
"""

_LOUDER = 2.0  # times the loudest echo to be expected: 6 dB
_SOFTEST = 150.0  # RMS, -47 dBFS: what is softer is a noise of the line
_DECAY = 0.95  # of the expected level from frame to frame: rooms and codecs go on a little
_LEARN = 0.05  # how much one frame tells about the loss
_TRUSTED = 15  # frames of echo from which the loss is known
_HANGOVER = 10  # frames that he is taken to speak on: softer sounds follow


class Talker:
    """Follows the levels of one call: RMS values of successive frames."""

    def __init__(self) -> None:
        self._loss = 0.0
        self._learned = 0
        self._level = 0.0
        self._left = 0

    def speaks(self, heard: float, played: float, pure: bool) -> bool:
        """Tell whether the caller speaks in the next frame.

        `heard`, `played`: RMS of the frame and of what was played one delay earlier; `pure`: it is known to be echo.
        """
        self._level = max(played, _DECAY * self._level)
        if pure:
            if self._level > 0:
                self._learned += 1
                ratio = heard / self._level
                self._loss = max(ratio, self._loss + _LEARN * (ratio - self._loss))
            self._left = 0
        elif self._learned >= _TRUSTED and heard > max(_SOFTEST, _LOUDER * self._loss * self._level):
            self._left = _HANGOVER
        else:
            self._left = max(0, self._left - 1)
        return self._left > 0
