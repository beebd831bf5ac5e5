"""One list of keys from two that hear the same fingers: the modem's reports, and the tones in the sound."""

from collections import deque
from typing import Literal

SAME_SECONDS = 1.5
"""A report and a tone so close together are one press: the modem tells a key at its end, and may be slow to tell."""

Source = Literal["modem", "inband"]


class DigitMerger:
    """Says of each key of one call whether it is a new press. Seconds are on any one clock that does not go back.

    The modem is believed: from its first report on, tones count no more. Until then a tone counts at once (the modem
    may not have a detector), and a report that follows within `SAME_SECONDS` is the same press. Each tone answers for
    one report only, so that a key pressed twice is two.
    """

    def __init__(self) -> None:
        self._modem_reports = False
        self._unreported: deque[tuple[str, float]] = deque(maxlen=32)

    def push(self, key: str, source: Source, seconds: float) -> bool:
        """Take a key that was heard at `seconds`; return True when it is a press that was not told before."""
        while self._unreported and seconds - self._unreported[0][1] > SAME_SECONDS:
            self._unreported.popleft()
        if source == "inband":
            if not self._modem_reports:
                self._unreported.append((key, seconds))
            return not self._modem_reports
        self._modem_reports = True
        for index, (tone, _) in enumerate(self._unreported):
            if tone == key:
                del self._unreported[index]
                return False
        return True
