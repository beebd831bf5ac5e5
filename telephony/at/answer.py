"""A command, and the information lines of its answer: which lines are its own, and which only look so."""

import re
from dataclasses import dataclass

from services.errors import ModemError
from telephony.at.fields import is_hex, named, pdu_fits
from telephony.at.results import AtResult, Final
from telephony.at.urcs import SimState, parse_urc

DEFAULT_TIMEOUT = 5.0
MAX_INFORMATION = 1000
"""Information lines kept of one answer; more than any command of a modem gives."""

# Commands whose answer is a bare line, or a line under another name than their own.
_IDENTITY = frozenset({"I", "+CGMI", "+CGMM", "+CGMR", "+CGSN", "+CIMI", "+GMI", "+GMM", "+GMR", "+GSN"})
_OTHER_NAME = {"+CICCID": "+ICCID"}
_READING = frozenset({"+CMGR", "+CMGL"})
# Same shape asked and unasked. For these only the question makes the line an answer, not a setting (AT+CPIN=1234) ...
_ASKED_DECIDES = frozenset({"+CPIN", "+CLCC", "+CMEE"})
# ... and for these the shape decides: AT+CREG? answers with one field more than the URC has.
_SHAPE_DECIDES = frozenset({"+CREG", "+CGREG", "+CEREG", "+CLIP", "+CCWA", "+CUSD"})
_ALWAYS_ANSWERED = _IDENTITY | {"+CSQ", "+CICCID", "+CPMUTEMP", "+CMGS"}
_COMMAND_NAME = re.compile(r"AT([+*^$&]?[A-Z]+)", re.IGNORECASE)
_TEXT_MODE = re.compile(r'"(?:REC|STO) ')
_SENDABLE = re.compile(r"[\x20-\x7e]+")


@dataclass(frozen=True, slots=True)
class Command:
    """A command without its CR; `payload` is sent, closed by Ctrl-Z, once the modem prompts for it (AT+CMGS).

    `timeout` is in seconds, for a command with payload from the prompt on. Raises ModemError for characters that would
    end the command or the payload too early: a telephone number with a CR in it must not become a second command.
    """

    text: str
    timeout: float = DEFAULT_TIMEOUT
    payload: bytes | None = None

    def __post_init__(self) -> None:
        if not _SENDABLE.fullmatch(self.text):
            raise ModemError("The command for the modem holds characters it cannot take.", "Check the number dialled.")
        if self.payload is not None and (b"\x1a" in self.payload or b"\x1b" in self.payload):
            raise ModemError("The message for the modem holds characters it cannot take.", "Send it as a PDU.")

    @property
    def name(self) -> str:
        """+CSQ of `AT+CSQ`, D of `ATD+79...;`, "" of a plain AT."""
        match = _COMMAND_NAME.match(self.text)
        if match is None:
            return ""
        name = match[1].upper()
        return name if name[0] in "+*^$&" else name[0]

    @property
    def calls(self) -> bool:
        """True for ATA and ATD: NO CARRIER and its like end them."""
        return self.name in ("A", "D")


class Answer:
    """The answer to `command` as it comes in."""

    def __init__(self, command: Command) -> None:
        self.command = command
        self.lines: list[str] = []
        name = command.name
        self._own = _OTHER_NAME.get(name, name)
        question = command.text.endswith("?") and not command.text.endswith("=?")
        self._asked = question or "=" not in command.text
        self._always = question or name in _ALWAYS_ANSWERED
        self._bare = name in _IDENTITY or (question and len(name) == 1)
        self._reading = name in _READING
        self._header = ""
        """The header whose message comes next, "" when none does."""

    @property
    def text_due(self) -> bool:
        """True when the next line is a message's text whatever it looks like (text mode)."""
        return bool(self._header) and _TEXT_MODE.search(self._header) is not None

    @property
    def lacking(self) -> bool:
        """True for a question that is always answered by a line, and has none yet."""
        return self._always and not self.lines

    def fits(self, text: str) -> bool:
        """Say whether `text` is exactly the PDU that is due."""
        return bool(self._header) and pdu_fits(text, self._header)

    def wants(self, text: str) -> bool:
        """Say whether `text` is information of this answer by its name, or the message that its header announced."""
        if self._header and is_hex(text):
            return True
        parts = named(text)
        if parts is None or parts[0] != self._own:
            return False
        if self._own in _ASKED_DECIDES:
            return self._asked and parse_urc(text) != SimState("SIM REMOVED")
        return self._own not in _SHAPE_DECIDES or parse_urc(text) is None

    def takes_bare(self, text: str) -> bool:
        """Say whether a line that is nothing else belongs to this answer: a bare identity, a text's further lines."""
        if self._reading:
            return any(_TEXT_MODE.search(line) for line in self.lines)
        return self._bare and named(text) is None

    def keep(self, text: str) -> None:
        """Add an information line."""
        parts = named(text)
        is_header = self._reading and parts is not None and parts[0] == self._own and not self.text_due
        self._header = parts[1] if is_header and parts else ""
        if len(self.lines) < MAX_INFORMATION:
            self.lines.append(text)

    def result(self, final: Final, code: int | None = None, text: str = "") -> AtResult:
        """Return the finished answer."""
        return AtResult(self.command.text, final, tuple(self.lines), code, text)
