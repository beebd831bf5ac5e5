"""What the AT dialogue tells its owner."""

from dataclasses import dataclass

from telephony.at.results import AtResult
from telephony.at.urcs import Urc


@dataclass(frozen=True, slots=True)
class Answered:
    """The pending command got its final result."""

    result: AtResult


@dataclass(frozen=True, slots=True)
class Told:
    """The modem said something by itself."""

    urc: Urc


@dataclass(frozen=True, slots=True)
class Stray:
    """A line nobody asked for and nobody knows."""

    text: str


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The pending command got no final result in time; the dialogue now probes the modem."""

    command: str


@dataclass(frozen=True, slots=True)
class Recovered:
    """The modem answers again."""


@dataclass(frozen=True, slots=True)
class ReopenNeeded:
    """Three probes went unanswered: the owner should close the port and open it again."""


@dataclass(frozen=True, slots=True)
class ResetNeeded:
    """The modem is silent even after the port was reopened: AT+CRESET is on its way, its ports will vanish."""


Event = Answered | Told | Stray | TimedOut | Recovered | ReopenNeeded | ResetNeeded
