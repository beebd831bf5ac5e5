"""The AT dialogue without input and output: bytes and time in, bytes and events out.

One command is pending at a time. Every line is judged in this order: the body of a `+CMT`/`+CDS` header, the echo, the
end of the pending command, its information, a URC, and what is left is stray. So a URC may stand anywhere, also between
an echo and its answer, and only a complete final result ends a command.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from telephony.at.parser import AtParser, Line, Prompt
from telephony.at.results import AtResult, parse_final
from telephony.at.urcs import SecondLine, Urc, parse_urc, second_line_of

DEFAULT_TIMEOUT = 5.0
PROMPT_TIMEOUT = 5.0
MAX_INFORMATION = 1000
"""Information lines kept of one answer; more than any command of a modem gives."""
PROBES = 3
PROBE_TIMEOUT = 1.5
SETTLE_SECONDS = 0.3
"""After a probe was answered, finals that come this soon belong to the command that timed out and are dropped."""

_END_OF_TEXT, _ESCAPE = b"\x1a", b"\x1b"


@dataclass(frozen=True, slots=True)
class Command:
    """A command without its CR; `payload` is sent, closed by Ctrl-Z, once the modem prompts for it (AT+CMGS)."""

    text: str
    timeout: float = DEFAULT_TIMEOUT
    payload: bytes | None = None


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
    """The pending command got no final result in time; the dialogue now probes with AT."""

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


class _Mode(Enum):
    IDLE = auto()
    COMMAND = auto()
    PROBING = auto()
    SETTLING = auto()
    LOST = auto()


# Commands whose answer is a bare line, or a line under another name than their own.
_BARE = frozenset({"I", "+CGMI", "+CGMM", "+CGMR", "+CGSN", "+CIMI", "+GMI", "+GMM", "+GMR", "+GSN", "+CMGR", "+CMGL"})
_OTHER_NAME = {"+CICCID": "+ICCID"}
# Same shape asked and unasked: only `AT+CPIN?` makes `+CPIN: ...` an answer; for the others the shape decides.
_SHAPE_DECIDES = frozenset({"+CREG", "+CGREG", "+CEREG", "+CLIP", "+CCWA", "+CUSD"})
_NAME = re.compile(r"AT([+*^$&]?[A-Z]+)", re.IGNORECASE)


def command_name(text: str) -> str:
    """Return the name of a command: +CSQ of `AT+CSQ`, D of `ATD+79...;`, "" of a plain AT."""
    match = _NAME.match(text)
    if match is None:
        return ""
    name = match[1].upper()
    return name if name[0] in "+*^$&" else name[0]


class AtDialogue:
    """The state of one AT port.

    The owner calls `submit` when `busy` is False, `receive` with what it read, `tick` at `deadline` or later, and after
    each of them sends `outgoing()`. `after_reopen` says that the port was just reopened because of ReopenNeeded.
    """

    def __init__(self, *, after_reopen: bool = False, probe_timeout: float = PROBE_TIMEOUT) -> None:
        self.deadline: float | None = None
        self._parser = AtParser()
        self._mode = _Mode.IDLE
        self._command = Command("")
        self._information: list[str] = []
        self._second: SecondLine | None = None
        self._outgoing = bytearray()
        self._probes = 0
        self._after_reopen = after_reopen
        self._probe_timeout = probe_timeout

    @property
    def busy(self) -> bool:
        """True while a command is pending or the modem is being recovered."""
        return self._mode is not _Mode.IDLE

    def outgoing(self) -> bytes:
        """Return the bytes to send now, and forget them."""
        data = bytes(self._outgoing)
        self._outgoing.clear()
        return data

    def submit(self, command: Command, now: float) -> None:
        """Start a command; only when not busy."""
        if self.busy:
            raise RuntimeError("a command is already pending")
        self._command, self._information = command, []
        self._mode = _Mode.COMMAND
        self._parser.prompt_expected = command.payload is not None
        self.deadline = now + (command.timeout if command.payload is None else PROMPT_TIMEOUT)
        self._outgoing += command.text.encode("ascii", "replace") + b"\r"

    def receive(self, data: bytes, now: float) -> list[Event]:
        """Take bytes from the port and return what they mean, in order."""
        self._parser.feed(data)
        events: list[Event] = []
        while (item := self._parser.next()) is not None:
            events.extend(self._prompt(now) if isinstance(item, Prompt) else self._line(item, now))
        return events

    def tick(self, now: float) -> list[Event]:
        """Act on a deadline that has passed; harmless before it."""
        if self.deadline is None or now < self.deadline:
            return []
        if self._mode is _Mode.COMMAND:
            if self._command.payload is not None:
                self._outgoing += _ESCAPE  # leave the text entry, or every later command becomes message text
            self._parser.prompt_expected = False
            self._probes = 0
            return [TimedOut(self._command.text), *self._probe(now)]
        if self._mode is _Mode.PROBING:
            return self._probe(now)
        self._mode, self.deadline = _Mode.IDLE, None
        return [Recovered()]

    def _probe(self, now: float) -> list[Event]:
        if self._probes < PROBES:
            self._probes += 1
            self._mode, self.deadline = _Mode.PROBING, now + self._probe_timeout
            self._outgoing += b"AT\r"
            return []
        self._mode, self.deadline = _Mode.LOST, None
        if not self._after_reopen:
            return [ReopenNeeded()]
        self._outgoing += b"AT+CRESET\r"
        return [ResetNeeded()]

    def _prompt(self, now: float) -> list[Event]:
        self._parser.prompt_expected = False
        self._outgoing += (self._command.payload or b"") + _END_OF_TEXT
        self.deadline = now + self._command.timeout
        return []

    def _line(self, line: Line, now: float) -> Iterator[Event]:
        text = line.text
        if self._second is not None:
            second, self._second = self._second, None
            if second.accepts(text):
                yield Told(second.complete(text))
                return
            yield Stray(f"{second.prefix}: {second.header}")
        if self._is_echo(text):
            return
        if (event := self._final(text, now)) is not None:
            yield from event
        elif (second_line := second_line_of(text)) is not None:
            self._second = second_line
        elif self._is_named_information(text):
            self._keep(text)
        elif (urc := parse_urc(text)) is not None:
            yield Told(urc)
        elif self._mode is _Mode.COMMAND and command_name(self._command.text) in _BARE:
            self._keep(text)
        else:
            yield Stray(text)

    def _is_echo(self, text: str) -> bool:
        if self._mode is _Mode.COMMAND:
            return text.upper() == self._command.text.strip().upper()
        return self._mode in (_Mode.PROBING, _Mode.SETTLING) and text.upper() == "AT"

    def _final(self, text: str, now: float) -> list[Event] | None:
        """Return the events of a final result, None when the line is none for the state we are in."""
        final = parse_final(text, call=self._mode is _Mode.COMMAND and command_name(self._command.text) in ("A", "D"))
        if final is None:
            return None
        if self._mode is _Mode.COMMAND:
            self._mode, self.deadline = _Mode.IDLE, None
            self._parser.prompt_expected = False
            self._after_reopen = False
            kind, code, told = final
            return [Answered(AtResult(self._command.text, kind, tuple(self._information), code, told))]
        if self._mode is _Mode.PROBING:
            self._mode, self.deadline = _Mode.SETTLING, now + SETTLE_SECONDS
            self._after_reopen = False
            return []
        return [] if self._mode is _Mode.SETTLING else [Stray(text)]

    def _is_named_information(self, text: str) -> bool:
        if self._mode is not _Mode.COMMAND:
            return False
        name = command_name(self._command.text)
        name = _OTHER_NAME.get(name, name)
        head, colon, _ = text.partition(":")
        if not colon or not name or head.strip().upper() != name:
            return False
        return name not in _SHAPE_DECIDES or parse_urc(text) is None

    def _keep(self, text: str) -> None:
        if len(self._information) < MAX_INFORMATION:
            self._information.append(text)
