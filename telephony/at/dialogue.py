"""The AT dialogue without input and output: bytes and time in, bytes and events out.

One command is pending at a time, a URC may stand anywhere, and only a complete final result ends a command.

Whose final is it? A final carries no name, so one that comes late could pass for the answer to the next command, and
every later answer would be off by one. Therefore a modem that was silent is probed with a question whose answer is
marked by a line of its own (`+CMEE: 1`). The modem answers in order: once the mark was seen nothing older can follow,
and a mark seen at any later time says that the next final is the probe's. A final that nobody waited for puts the
dialogue in doubt, and the next command is preceded by a probe.
"""

from collections import deque
from collections.abc import Iterator
from enum import Enum, auto

from telephony.at.answer import Answer, Command
from telephony.at.bodies import Unfinished
from telephony.at.events import Answered, Event, Recovered, ReopenNeeded, ResetNeeded, Stray, TimedOut, Told
from telephony.at.fields import named
from telephony.at.parser import AtParser, Line, Prompt
from telephony.at.results import CALL_FINALS, AtResult, Final, parse_final
from telephony.at.urcs import CallEnd, NoCarrier, Urc, parse_urc

PROMPT_TIMEOUT = 5.0
PROBE = "AT+CMEE?"
PROBES = 3
PROBE_TIMEOUT = 1.5
SETTLE_SECONDS = 0.3
"""After a final without a mark, a probe's own answer is awaited this long; a modem that never marks costs no more."""
LACKING_SECONDS = 1.0
"""A question answered OK without its line may have met an older command's OK: its own answer is awaited this long."""
MARK_SECONDS = 0.3
"""So soon after its mark the final of a probe comes; both leave the modem in one go."""
LATE_NO_CARRIER = 3.0
"""So long after the end of a call NO CARRIER belongs to it, even while the next is being answered or dialled."""
CALL_SECONDS = 5.0
"""After such a NO CARRIER an ATA or ATD gets this long at most: was it the command's own, nothing more comes."""

_MARK = "+CMEE"
_END_OF_TEXT = b"\x1a"
ESCAPE = b"\x1b\r"
"""Leaves the text entry of a message, where a command would become text; nothing to a modem that waits for commands."""


class _Mode(Enum):
    IDLE = auto()
    COMMAND = auto()
    PROBING = auto()
    SETTLING = auto()
    LOST = auto()


class AtDialogue:
    """The state of one AT port.

    The owner calls `submit` when `busy` is False, `receive` with what it read, `tick` at `deadline` or later, and after
    each of them sends `outgoing()`. While busy there is a deadline, unless the modem is `lost`: then ReopenNeeded or
    ResetNeeded was told, and this dialogue is over. `after_reopen` says that the port was reopened for ReopenNeeded.
    """

    def __init__(self, *, after_reopen: bool = False, probe_timeout: float = PROBE_TIMEOUT) -> None:
        self.deadline: float | None = None
        self._parser = AtParser()
        self._mode = _Mode.IDLE
        self._answer = Answer(Command("AT"))
        self._held: AtResult | None = None
        self._queued: Command | None = None
        self._doubt = after_reopen
        self._marked_at: float | None = None
        self._sent: deque[str] = deque(maxlen=4)
        self._unfinished = Unfinished()
        self._ended_at: float | None = None
        self._outgoing = bytearray()
        self._probes = 0
        self._after_reopen = after_reopen
        self._probe_timeout = probe_timeout

    @property
    def busy(self) -> bool:
        """True while a command is pending or the modem is being recovered."""
        return self._mode is not _Mode.IDLE

    @property
    def lost(self) -> bool:
        """True when the modem was given up; nothing more will be answered."""
        return self._mode is _Mode.LOST

    @property
    def kept(self) -> int:
        """Bytes of an unfinished line that are kept."""
        return self._parser.kept

    def outgoing(self) -> bytes:
        """Return the bytes to send now, and forget them."""
        data = bytes(self._outgoing)
        self._outgoing.clear()
        return data

    def submit(self, command: Command, now: float) -> None:
        """Start a command; only when not busy. When in doubt about older answers, a probe goes first."""
        if self.busy:
            raise RuntimeError("a command is already pending")
        if self._doubt:
            self._queued, self._probes = command, 0
            self._probe(now)
        else:
            self._start(command, now)

    def receive(self, data: bytes, now: float) -> list[Event]:
        """Take bytes from the port and return what they mean, in order."""
        self._parser.feed(data)
        events: list[Event] = []
        while (item := self._parser.next()) is not None:
            if isinstance(item, Prompt):
                self._send_payload(now)
            else:
                events.extend(self._line(item, now))
        return events

    def tick(self, now: float) -> list[Event]:
        """Act on a deadline that has passed; harmless before it."""
        if self.deadline is None or now < self.deadline:
            return []
        if self._mode is _Mode.COMMAND:
            if self._held is not None:
                return [self._finish(self._held)]
            self._parser.prompt_expected = False
            self._probes = 0
            return [TimedOut(self._answer.command.text), *self._probe(now)]
        if self._mode is _Mode.PROBING:
            return self._probe(now)
        recovering = self._queued is None
        events = self._sure(now)
        # Something answered, but no mark was seen. The next command asks once more, and then takes what it gets: there
        # may be modems that never mark.
        self._doubt = recovering
        return events

    # -- what is sent ------------------------------------------------------------------------------------------------

    def _start(self, command: Command, now: float) -> None:
        self._answer, self._held = Answer(command), None
        self._mode = _Mode.COMMAND
        self._parser.prompt_expected = command.payload is not None
        self.deadline = now + (command.timeout if command.payload is None else PROMPT_TIMEOUT)
        self._send(command.text)

    def _send(self, text: str) -> None:
        self._sent.append(text.strip().upper())
        self._outgoing += text.encode("ascii") + b"\r"

    def _send_payload(self, now: float) -> None:
        command = self._answer.command
        self._parser.prompt_expected = False
        self._outgoing += (command.payload or b"") + _END_OF_TEXT
        self.deadline = now + command.timeout

    def _probe(self, now: float) -> list[Event]:
        """Ask whether the modem is there; after PROBES questions without any answer give it up."""
        if self._probes < PROBES:
            self._outgoing += ESCAPE
            self._probes += 1
            self._mode, self.deadline = _Mode.PROBING, now + self._probe_timeout
            self._send(PROBE)
            return []
        self._mode, self.deadline = _Mode.LOST, None
        given_up: list[Event] = [TimedOut(self._queued.text)] if self._queued else []
        if not self._after_reopen:
            return [*given_up, ReopenNeeded()]
        self._outgoing += ESCAPE + b"AT+CRESET\r"
        return [*given_up, ResetNeeded()]

    def _sure(self, now: float) -> list[Event]:
        """The modem answers, and what it answers from now on is meant for what is asked from now on."""
        self._mode, self.deadline = _Mode.IDLE, None
        self._doubt = self._after_reopen = False
        if self._queued is None:
            return [Recovered()]
        command, self._queued = self._queued, None
        self._start(command, now)
        return []

    # -- what comes in -----------------------------------------------------------------------------------------------

    def _line(self, line: Line, now: float) -> Iterator[Event]:
        """Judge a line: a URC's further line, an echo, a final, information, a URC; what is left is stray."""
        text = line.text
        pending = self._answer if self._mode is _Mode.COMMAND else None
        if self._unfinished.waiting:
            due, wanted = pending is not None and pending.fits(text), self._is_wanted(text, pending)
            taken, urcs, given_up = self._unfinished.offer(text, due=due, wanted=wanted)
            yield from [Stray(given_up)] if given_up else []
            yield from [self._tell(urc, now) for urc in urcs]
            if taken:
                return
        if pending and pending.text_due:
            pending.keep(text)
        elif self._is_echo(text):
            return
        elif (events := self._final(text, now)) is not None:
            yield from events
        elif not self._unfinished.header(text):
            yield from self._told(text, pending, now)

    def _told(self, text: str, pending: Answer | None, now: float) -> list[Event]:
        """Tell information from URCs."""
        if pending and pending.wants(text):
            pending.keep(text)
        elif self._is_mark(text):
            self._marked_at = now
        elif self._unfinished.ussd(text):
            pass
        elif not self._is_stale(text) and (urc := parse_urc(text)) is not None:
            return [self._tell(urc, now)]
        elif pending and pending.takes_bare(text):
            pending.keep(text)
        else:
            return [Stray(text)]
        return []

    def _is_wanted(self, text: str, pending: Answer | None) -> bool:
        if pending and pending.wants(text):
            return True
        final = self.busy and parse_final(text, call=pending is not None and pending.command.calls) is not None
        return final or self._is_echo(text) or self._is_mark(text)

    def _tell(self, urc: Urc, now: float) -> Told:
        if isinstance(urc, CallEnd):
            in_it = self._mode is _Mode.COMMAND and self._answer.command.calls
            self._ended_at = None if in_it else now
        elif isinstance(urc, NoCarrier):
            self._ended_at = None
        return Told(urc)

    def _is_echo(self, text: str) -> bool:
        if text.upper() in self._sent:
            return True
        payload = self._answer.command.payload if self._mode is _Mode.COMMAND else None
        return payload is not None and text.encode().upper() == payload.strip().upper()

    def _is_mark(self, text: str) -> bool:
        parts = named(text)
        return parts is not None and parts[0] == _MARK

    def _is_stale(self, text: str) -> bool:
        """Say whether the line is the late answer of the command that timed out; it must not pass for a URC."""
        return self._mode in (_Mode.PROBING, _Mode.SETTLING) and self._queued is None and self._answer.wants(text)

    def _final(self, text: str, now: float) -> list[Event] | None:
        """Return the events of a final result, None when the line is none for the state we are in."""
        command = self._answer.command
        found = parse_final(text, call=self._mode is _Mode.COMMAND and command.calls)
        if found is None:
            return None
        probed = self._marked_at is not None and now < self._marked_at + MARK_SECONDS
        self._marked_at = None
        if self._mode is _Mode.COMMAND:
            return self._command_final(*found, probed=probed, now=now)
        if self._mode in (_Mode.PROBING, _Mode.SETTLING):
            if probed:
                return self._sure(now)
            if self._mode is _Mode.PROBING:
                self._mode, self.deadline = _Mode.SETTLING, now + SETTLE_SECONDS
            return []
        self._doubt = self._doubt or not probed
        return [] if probed else [Stray(text)]

    def _command_final(self, final: Final, code: int | None, text: str, *, probed: bool, now: float) -> list[Event]:
        if probed and not self._answer.lines:
            return []  # of a probe that was answered late; it stood before this command's answer
        if self._parser.prompt_expected and final is Final.OK:
            self._doubt = True
            return [Stray(final)]  # no answer to a command whose message was not sent yet
        if final is Final.NO_CARRIER and self._ended_at is not None and now < self._ended_at + LATE_NO_CARRIER:
            self._wait_at_most(CALL_SECONDS, now)
            return [self._tell(NoCarrier(), now)]
        result = self._answer.result(final, code, text)
        if final is Final.OK and self._answer.lacking and self._held is None:
            self._held = result
            self._wait_at_most(LACKING_SECONDS, now)
            return []
        if final in CALL_FINALS:
            self._doubt = True  # an OK may still follow: the call came up and ended at once
        if self._answer.command.payload is not None and final is not Final.OK:
            self._doubt = True  # refused before or after its text: make sure that the text entry was left
        return [self._finish(result)]

    def _wait_at_most(self, seconds: float, now: float) -> None:
        if self.deadline is not None:
            self.deadline = min(self.deadline, now + seconds)

    def _finish(self, result: AtResult) -> Answered:
        if result.ok and self._answer.lacking:
            self._doubt = True
        self._mode, self.deadline, self._held = _Mode.IDLE, None, None
        self._parser.prompt_expected = False
        self._after_reopen = False
        return Answered(result)
