"""Which lines there are and which calls are on them now: what an API, a tool or a schedule asks for."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from services.errors import LineError
from services.voice.line import AudioLine


@dataclass(frozen=True, slots=True)
class CallOrder:
    """An outgoing call as it is asked for.

    `line` is "" for the first line that can; `persona` "" for the line's own; `opening` "" lets the secretary say who
    calls and why. `purpose` is one sentence about what the call is for.
    """

    company_id: str
    to: str
    line: str = ""
    persona: str = ""
    purpose: str = ""
    opening: str = ""


class CallingLine(Protocol):
    """A line of the house that can place calls (a modem, a SIP account)."""

    @property
    def name(self) -> str:
        """What the line is called within its company."""
        ...

    @property
    def company_id(self) -> str:
        """Whose line it is."""
        ...

    def why_not(self) -> str:
        """Return "" when a call could be placed now, else one sentence that says why not."""
        ...

    async def dial(self, order: CallOrder) -> str:
        """Begin to call; return the id of the call, which goes on by itself.

        Raises LineError when the line's policy forbids it or the line cannot call now.
        """
        ...


@dataclass(frozen=True, slots=True)
class LiveCall:
    """A call that is up or being set up; `line` is how to act on it (hangup, send_digits, transfer)."""

    company_id: str
    call_id: str
    line: AudioLine
    began_at: datetime


@dataclass(slots=True)
class LineDirectory:
    """One for the installation; channels put their lines in, the reception its calls."""

    _lines: dict[str, CallingLine] = field(default_factory=dict)
    _calls: dict[str, LiveCall] = field(default_factory=dict)

    def add(self, line: CallingLine) -> None:
        """Let `line` be called with; it takes the place of an earlier one of the same name."""
        self._lines[line.name] = line

    def remove(self, line: CallingLine) -> None:
        """Forget a line; another one of the same name stays."""
        if self._lines.get(line.name) is line:
            del self._lines[line.name]

    def lines(self, company_id: str) -> list[CallingLine]:
        """Return the company's lines, by name."""
        return [line for _, line in sorted(self._lines.items()) if line.company_id == company_id]

    async def dial(self, order: CallOrder) -> str:
        """Place a call over the line that was asked for, or the first that can; return its id. Raises LineError."""
        lines = self.lines(order.company_id)
        if order.line:
            lines = [line for line in lines if line.name == order.line]
            if not lines:
                raise LineError(f"There is no line named {order.line!r}.", "GET /admin/gsm lists them.")
        if not lines:
            raise LineError("No line that can call is connected.", "Plug the modem in, or set up a SIP account.")
        reasons = [line.why_not() for line in lines]
        for line, reason in zip(lines, reasons, strict=True):
            if not reason:
                return await line.dial(order)
        raise LineError(reasons[0], "Try again later.")

    @contextmanager
    def on_line(self, call: LiveCall) -> Iterator[None]:
        """List `call` among those that go on, within the context."""
        self._calls[call.call_id] = call
        try:
            yield
        finally:
            del self._calls[call.call_id]

    def calls(self, company_id: str) -> list[LiveCall]:
        """Return the company's calls that go on now, the oldest first."""
        return [call for call in self._calls.values() if call.company_id == company_id]

    def call(self, company_id: str, call_id: str) -> LiveCall | None:
        """Return one call that goes on now, None when the company has none of this id."""
        call = self._calls.get(call_id)
        return call if call is not None and call.company_id == company_id else None
