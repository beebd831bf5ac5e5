"""One call after another as the modem's URCs tell it: ringing or dialling, talking, over. Time is given.

The end of a call comes as VOICE CALL: END, as NO CARRIER, as both in either order and late: it is reported once.
"""

from dataclasses import dataclass
from enum import Enum, auto

from telephony.at.urcs import (
    Busy,
    CallBegin,
    CallEnd,
    CallerId,
    CallWaiting,
    Dtmf,
    MissedCall,
    NoAnswer,
    NoCarrier,
    Ring,
    Urc,
)

RING_SILENCE = 12.0
"""Seconds without a RING (they come every 3-6 s) after which the caller has given up."""
LATE_SECONDS = 3.0
"""How long after a call its second end message may still come."""
MISSED_SECONDS = 30.0
"""How long after the last word of a missed call MISSED_CALL may still come."""


@dataclass(frozen=True, slots=True)
class Ringing:
    """A call rings for the `rings`-th time; `number` is "" while unknown or withheld."""

    rings: int
    number: str


@dataclass(frozen=True, slots=True)
class Named:
    """The caller's number became known."""

    number: str


@dataclass(frozen=True, slots=True)
class Begun:
    """The call is up."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The call is over after `seconds`, None when not told."""

    seconds: int | None


@dataclass(frozen=True, slots=True)
class Missed:
    """The caller gave up before the answer."""

    number: str


@dataclass(frozen=True, slots=True)
class NotTaken:
    """Our own call came to nothing: `word` is BUSY, NO ANSWER or NO CARRIER."""

    word: str


@dataclass(frozen=True, slots=True)
class Key:
    """A DTMF key was heard in the call."""

    key: str


@dataclass(frozen=True, slots=True)
class SecondCaller:
    """Somebody else calls during the call."""

    number: str


Change = Ringing | Named | Begun | Ended | Missed | NotTaken | Key | SecondCaller


class Phase(Enum):
    """Where the modem's only call is."""

    IDLE = auto()
    RINGING = auto()
    DIALLING = auto()
    TALKING = auto()


class CallState:
    """The modem's only call."""

    def __init__(self) -> None:
        self.phase = Phase.IDLE
        self.number = ""
        self.rings = 0
        self.deadline: float | None = None  # when `tick` should be called while ringing
        self._late_carrier = 0.0  # until then a NO CARRIER belongs to the call before
        self._late_end = 0.0
        self._leftovers = 0.0
        self._late_missed = 0.0  # until then a MISSED_CALL is of the call that was reported as missed already
        self._heard_at = 0.0

    def take(self, urc: Urc, now: float) -> list[Change]:
        """Take a URC; return what it changes, nothing for those that are not about calls."""
        self._heard_at = now
        match urc:
            case Ring():
                return self._ring(now)
            case CallerId(number=number) if number != self.number and self.phase is Phase.RINGING:
                self.number = number
                return [Named(number)]
            case CallBegin() if self.phase is not Phase.TALKING:
                self.phase, self.deadline = Phase.TALKING, None
                self._late_end = 0.0  # the next END is this call's
                return [Begun()]
            case CallEnd(seconds=seconds):
                return self._end(seconds, now)
            case NoCarrier():
                return self._no_carrier(now)
            case Busy() | NoAnswer() if self.phase is Phase.DIALLING:
                return self._not_taken("BUSY" if isinstance(urc, Busy) else "NO ANSWER", now)
            case MissedCall(number=number):
                return self._missed(number, now)
            case Dtmf(key=key):
                return [Key(key)]
            case CallWaiting(number=number) if self.phase is not Phase.IDLE:  # else it rings as any other
                return [SecondCaller(number)]
        return []

    def expect_leftovers(self, now: float) -> None:
        """Until then a call that was up before may still be said to have ended, while another one rings."""
        self._leftovers = now + LATE_SECONDS

    def dialling(self, number: str) -> None:
        """A number is being dialled; only while idle."""
        self._reset()
        self.phase, self.number = Phase.DIALLING, number

    def tick(self, now: float) -> list[Change]:
        """Report the caller as gone when the rings have stopped without a word."""
        if self.phase is Phase.RINGING and self.deadline is not None and now >= self.deadline:
            return self.gone()
        return []

    def gone(self) -> list[Change]:
        """The modem says that there is no call (an answer came too late, or AT+CLCC lists none)."""
        if self.phase is Phase.RINGING:
            number = self.number
            self._reset()
            self._late_missed = self._heard_at + MISSED_SECONDS
            return [Missed(number)]
        if self.phase is Phase.DIALLING:
            return self._not_taken("NO CARRIER", None)
        if self.phase is Phase.TALKING:
            self._reset()
            return [Ended(None)]
        return []

    def _not_taken(self, word: str, now: float | None) -> list[Change]:
        self._reset()
        if now is not None:  # what the modem says twice, as END and as NO CARRIER, is told once
            self._late_carrier = now + LATE_SECONDS
        return [NotTaken(word)]

    def _reset(self) -> None:
        self.phase, self.number, self.rings, self.deadline = Phase.IDLE, "", 0, None

    def _ring(self, now: float) -> list[Change]:
        if self.phase in (Phase.TALKING, Phase.DIALLING):  # one more RING may slip in after the answer
            return []
        self.phase = Phase.RINGING
        self.rings += 1
        self.deadline = now + RING_SILENCE
        self._late_missed = 0.0
        return [Ringing(self.rings, self.number)]

    def _end(self, seconds: int | None, now: float) -> list[Change]:
        if now < self._late_end:
            self._late_end = 0.0
            return []
        if self.phase is Phase.IDLE:
            return []
        if self.phase is Phase.DIALLING:
            return self._not_taken("NO CARRIER", now)
        self._late_carrier = now + LATE_SECONDS
        if self.phase is Phase.RINGING:  # only a call that was up ends so: it was the one before
            return []
        self._reset()
        return [Ended(seconds)]

    def _no_carrier(self, now: float) -> list[Change]:
        if now < self._late_carrier:
            self._late_carrier = 0.0
            return []
        if self.phase is Phase.RINGING and now < self._leftovers:
            self._leftovers = 0.0
            return []
        if self.phase in (Phase.TALKING, Phase.DIALLING):
            self._late_end = now + LATE_SECONDS
        return self.gone()

    def _missed(self, number: str, now: float) -> list[Change]:
        told, self._late_missed = now < self._late_missed, 0.0
        if self.phase is Phase.RINGING:
            number = number or self.number
            self._reset()
            self._late_carrier = now + LATE_SECONDS
        # In a call of any other kind it is a second caller who gave up, and the call goes on.
        return [] if told else [Missed(number)]
