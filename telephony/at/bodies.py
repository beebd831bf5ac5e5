"""URCs of more than one line: +CMT and +CDS with their PDU, and a USSD text with line breaks in it."""

import re
from dataclasses import dataclass

from telephony.at.fields import is_hex, named, pdu_fits
from telephony.at.urcs import DeliveryReport, SmsDirect, Urc, parse_urc

PATIENCE = 3
"""Lines after a header among which its PDU may stand: noise can come between the two."""
MAX_USSD_LINES = 12

_TEXT_MODE = re.compile(r'"[0-9]{2}/[0-9]{2}/[0-9]{2},')  # only a header of text mode says when the message was sent


@dataclass(frozen=True, slots=True)
class SecondLine:
    """A header whose body stands on the next line."""

    prefix: str
    header: str

    def fits(self, line: str) -> bool:
        """Say whether `line` is the PDU announced, to the octet."""
        return pdu_fits(line, self.header)

    def accepts(self, line: str) -> bool:
        """Say whether `line`, the very next one, can be the body: hexadecimal, or anything in text mode."""
        return is_hex(line) or (self.prefix == "+CMT" and _TEXT_MODE.search(self.header) is not None)

    def complete(self, line: str) -> Urc:
        """Return the URC of header and body."""
        return SmsDirect(self.header, line) if self.prefix == "+CMT" else DeliveryReport(self.header, line)


def second_line_of(line: str) -> SecondLine | None:
    """Return what `+CMT: ...` or `+CDS: ...` waits for, None for every other line."""
    parts = named(line)
    return SecondLine(*parts) if parts and parts[0] in ("+CMT", "+CDS") else None


class OpenUssd:
    """A `+CUSD: 0,"...` whose closing quote stands on a later line."""

    def __init__(self, line: str) -> None:
        self._lines = [line]

    def add(self, line: str) -> bool:
        """Take a further line; True when the text is complete."""
        self._lines.append(line)
        return '"' in line or len(self._lines) >= MAX_USSD_LINES

    def urc(self) -> list[Urc]:
        """Return what has come, closed if it was not."""
        text = "\n".join(self._lines)
        urc = parse_urc(text + '"' * (text.count('"') % 2))
        return [] if urc is None else [urc]


_OPEN_USSD = re.compile(r'\+CUSD\s?:[^"]*"[^"]*')


class Unfinished:
    """The URCs whose first line has come and whose last has not."""

    def __init__(self) -> None:
        self._second: SecondLine | None = None
        self._patience = 0
        self._ussd: OpenUssd | None = None

    @property
    def waiting(self) -> bool:
        """True when the next line has to be offered."""
        return self._second is not None or self._ussd is not None

    def header(self, line: str) -> bool:
        """Take `line` when it announces a PDU; say whether it does."""
        second = second_line_of(line)
        if second is not None:
            self._second, self._patience = second, PATIENCE
        return second is not None

    def ussd(self, line: str) -> bool:
        """Take `line` when it begins a USSD text and does not end it; say whether it does."""
        begins = line.startswith("+CUSD") and _OPEN_USSD.fullmatch(line) is not None
        if begins:
            self._ussd = OpenUssd(line)
        return begins

    def offer(self, line: str, *, due: bool, wanted: bool) -> tuple[bool, list[Urc], str]:
        """Offer a line; return whether it was taken, the URCs that are complete now, and a header given up.

        `due`: the line is exactly the PDU that the pending command awaits; `wanted`: it is a final or an echo or
        belongs to the pending command by its name.
        """
        given_up = ""
        if (second := self._second) is not None:
            next_line = self._patience == PATIENCE
            exact = second.fits(line) and (next_line or not due)
            if exact or (next_line and not due and second.accepts(line)):
                self._second = None
                return True, [second.complete(line)], ""
            self._patience -= 1
            if self._patience == 0 or second_line_of(line) is not None:
                self._second, given_up = None, f"{second.prefix}: {second.header}"
        if (ussd := self._ussd) is not None:
            own = not wanted and named(line) is None and parse_urc(line) is None
            if own and not ussd.add(line):
                return True, [], given_up
            self._ussd = None
            return own, ussd.urc(), given_up
        return False, [], given_up
