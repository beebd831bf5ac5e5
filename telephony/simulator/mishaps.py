"""The faults that strike in the middle of a call, moved by the audio clock."""

from collections.abc import Callable

from telephony.simulator.farend import CHUNK_SECONDS, first_audible
from telephony.simulator.log import EventLog
from telephony.simulator.resample import Samples

AFTER_CONNECTED = {"silent-loss": 1.0, "port-vanishes": 1.0, "network-lost": 1.0, "wedged-audio": 0.5}
NETWORK_AWAY = 1.0
"""Seconds until a lost network is back."""
AFTER_HEARD = {"caller-hangs-up-mid-sentence": 0.7}


class Mishaps:
    """Counts what passes in a call and calls `strike(name)` once in it; `port-vanishes` once in a lifetime."""

    def __init__(self, strike: Callable[[str], None], faults: frozenset[str], log: EventLog) -> None:
        self._strike = strike
        self._faults = faults
        self._log = log
        self._spent: set[str] = set()
        self._heard = 0.0

    def begin(self) -> None:
        """A call was answered."""
        self._spent &= {"port-vanishes"}
        self._heard = 0.0

    def chunk(self, heard: Samples, connected_seconds: float) -> None:
        """20 ms passed; `heard` is what the far end heard in them."""
        if not self._faults:
            return
        if first_audible(heard) is not None:
            self._heard += CHUNK_SECONDS
        for due, passed in ((AFTER_CONNECTED, connected_seconds), (AFTER_HEARD, self._heard)):
            for name, seconds in due.items():
                if name in self._faults and name not in self._spent and passed >= seconds:
                    self._spent.add(name)
                    self._log.add("fault", name)
                    self._strike(name)
