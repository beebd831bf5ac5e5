"""The shape of a line: what a phone, a browser, a file and a test give to the conversation."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol

from services.audio.frame import Frame
from services.domain import CallTerms


class Capability(StrEnum):
    """What a line can do beyond carrying sound; effects a line cannot do are not offered."""

    DIGITS_IN = "digits_in"
    DIGITS_OUT = "digits_out"
    HANG_UP = "hang_up"
    TRANSFER = "transfer"
    CALL_BACK = "callback"  # `transfer` has a colleague call the caller back
    TYPED_TEXT = "typed_text"


@dataclass(frozen=True, slots=True)
class LineInfo:
    """Who is on the line, and on what terms.

    `number` and `contact` are "" when unknown or withheld; `persona` "" means the default. `call_id` is given where the
    call was announced before it began (an outgoing one), else "".
    """

    channel: str
    direction: Literal["in", "out"]
    company_id: str
    number: str = ""
    contact: str = ""
    language: str = ""
    persona: str = ""
    line: str = ""
    terms: CallTerms = CallTerms()  # noqa: RUF009 - it is frozen
    call_id: str = ""


@dataclass(frozen=True, slots=True)
class Digit:
    """A DTMF key: 0-9, *, #, A-D."""

    key: str


@dataclass(frozen=True, slots=True)
class TypedText:
    """A turn typed instead of spoken."""

    text: str


@dataclass(frozen=True, slots=True)
class Hold:
    """The other side put the line on hold, or took it back."""

    held: bool


@dataclass(frozen=True, slots=True)
class Joined:
    """The other side talks with somebody else now (a colleague), until the line closes."""


@dataclass(frozen=True, slots=True)
class Closed:
    """The line is over; the last event. `reason`: caller_hangup, own_hangup, line_lost, not_answered."""

    reason: str


LineEvent = Frame | Digit | TypedText | Hold | Joined | Closed


class AudioLine(Protocol):
    """One call's line. All audio both ways is 20 ms frames at `rate`; positions count from the answer.

    `send` keeps a bounded queue and waits when it is full, so the sender is paced by the line; the line hands frames on
    in real time, at most 60 ms before they are heard, and writes silence when there is nothing to say. After Closed
    every method is a no-op: ending is idempotent.
    """

    info: LineInfo
    capabilities: frozenset[Capability]
    rate: int

    async def answer(self) -> None:
        """Take the call, or, on an outgoing line, dial and wait until the other side takes it.

        Raises LineError when the caller is gone, NotTakenError when an outgoing call comes to nothing.
        """
        ...

    def events(self) -> AsyncIterator[LineEvent]:
        """Iterate over what comes from the other side; ends after Closed; one reader only."""
        ...

    async def send(self, frame: Frame) -> None:
        """Queue one frame for playing; waits while the queue is full."""
        ...

    def discard_unsent(self) -> int:
        """Drop what is queued and not handed on; return `played`."""
        ...

    @property
    def played(self) -> int:
        """Samples of sent frames (silence filler not counted) handed to the other side so far."""
        ...

    @property
    def queued(self) -> int:
        """Samples of sent frames that wait to be handed on."""
        ...

    def duck(self, decibels: float) -> None:
        """Play on `decibels` (<= 0) quieter than sent, from the next frame handed on; 0 is the sent level again.

        The change is a ramp of one frame, so that it does not click.
        """
        ...

    def pause(self) -> None:
        """Hand on silence and keep what is queued, until `resume` or `discard_unsent`; fades out within a frame."""
        ...

    def resume(self, back: int = 0) -> None:
        """Go on after `pause`, from `back` samples before the pause (as many as are still known, at least 0.5 s).

        What is played again is no longer counted in `played`.
        """
        ...

    def tap(self, listener: Callable[[Frame], None]) -> None:
        """Call `listener` with every outgoing frame as it is handed on, silence filler included.

        Positions of tapped frames count all output since the answer: they are the secretary's side of the recording
        and the truth about when something was heard. Listeners must return at once.
        """
        ...

    async def drained(self) -> None:
        """Wait until everything sent has been played, or was discarded, or the line closed."""
        ...

    async def send_digits(self, digits: str) -> None:
        """Send DTMF."""
        ...

    async def transfer(self, to: str) -> None:
        """Connect the other side with `to`, or (CALL_BACK) ask `to` to call the other side, `info.number`, back.

        Raises LineError when that fails.
        """
        ...

    async def hangup(self) -> None:
        """End the call from our side; idempotent; returns when the line is closed."""
        ...
