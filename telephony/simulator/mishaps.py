"""When the faults of a call strike: at the answer, after so much sound, at the end."""

from collections.abc import Callable
from typing import Final

from telephony.simulator.faults import Faults
from telephony.simulator.log import EventLog
from telephony.simulator.person.farend import CHUNK_SECONDS, first_audible
from telephony.simulator.person.resample import Samples

AT_ANSWER: Final = ("stuck-command",)
AFTER_CONNECTED: Final = {
    "audio-port-vanishes": 1.0,
    "deaf": 1.0,
    "deaf-until-reset": 1.0,
    "mute-audio": 0.5,
    "network-lost": 1.0,
    "port-returns-elsewhere": 1.0,
    "port-vanishes": 1.0,
    "silent-loss": 1.0,
    "sim-pulled": 1.0,
    "usb-reenumerates": 1.0,
    "wedged-audio": 0.5,
}
"""Seconds of the audio path being open."""
AFTER_HEARD: Final = {"caller-hangs-up-mid-sentence": 0.7}
"""Seconds of sound that the far end has heard."""
AT_END: Final = ("echo-returns", "registration-lost")


class Mishaps:
    """Counts what passes in a call and calls `strike(name)` at most once in it for each fault that is on."""

    def __init__(self, faults: Faults, log: EventLog) -> None:
        self.strike: Callable[[str], None] = lambda _name: None
        self._faults = faults
        self._log = log
        self._spent: set[str] = set()
        self._heard = 0.0
        self._talked = False

    def begin(self) -> None:
        """A call was answered."""
        self._spent.clear()
        self._heard = 0.0
        self._talked = True
        for name in AT_ANSWER:
            self._strike_once(name)

    def chunk(self, heard: Samples, connected_seconds: float) -> None:
        """20 ms passed; `heard` is what the far end heard in them."""
        if not self._faults.names:
            return
        if first_audible(heard) is not None:
            self._heard += CHUNK_SECONDS
        for due, passed in ((AFTER_CONNECTED, connected_seconds), (AFTER_HEARD, self._heard)):
            for name, seconds in due.items():
                if passed >= self._faults.lasting(seconds):
                    self._strike_once(name)

    def end(self) -> None:
        """A call is over; one that was never answered is no call here."""
        if not self._talked:
            return
        self._talked = False
        for name in AT_END:
            self._strike_once(name)

    def _strike_once(self, name: str) -> None:
        if name in self._spent or not self._faults.spend(name):
            return
        self._spent.add(name)
        self._log.add("fault", name)
        self.strike(name)
