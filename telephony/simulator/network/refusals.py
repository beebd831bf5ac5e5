"""Commands that a module refuses in a call although they are right: AT+CPCMREG=1 and AT+CHUP."""

from typing import Final

from telephony.simulator.faults import Faults
from telephony.simulator.module.audio import AudioPath

AUDIO_TRIES: Final = {"audio-refused-twice": 2, "audio-refused-often": 8}
WEARY_TRIES, WEARY_CALLS = 3, 4
"""`audio-wears-out`: so many tries more with each call, and which call since the reset is wedged."""
SICK_TRIES = 6
"""Tries in a call that begins while the audio endpoint is wedged or mute: the early sign."""


class Refusals:
    """Counts the tries of each call, and the calls since the last reset."""

    def __init__(self, faults: Faults, audio: AudioPath) -> None:
        self._faults = faults
        self._audio = audio
        self._calls = 0
        self._tries = 0
        self._hang_ups = 0

    def begin(self) -> None:
        """A call was answered."""
        self._calls += 1
        self._hang_ups = int("chup-error" in self._faults)
        self._tries = max((tries for name, tries in AUDIO_TRIES.items() if name in self._faults), default=0)
        if "audio-wears-out" in self._faults:
            self._tries = WEARY_TRIES * (self._calls - 1)
            self._audio.wedged = self._calls >= WEARY_CALLS
        elif self._audio.wedged or self._audio.mute:
            self._tries = SICK_TRIES

    def reset(self) -> None:
        """The module boots."""
        self._calls = 0

    def of_audio(self) -> bool:
        """Whether this AT+CPCMREG=1 is refused."""
        self._tries -= 1
        return self._tries >= 0

    def of_hang_up(self) -> bool:
        """Whether this AT+CHUP is refused."""
        self._hang_ups -= 1
        return self._hang_ups >= 0
