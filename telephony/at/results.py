"""What the answers mean: finals with their codes, and the information lines of the commands the driver sends."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from telephony.at.codes import CME_MEANING, CME_WORDS, CMS_MEANING, CMS_WORDS
from telephony.at.fields import after_prefix, number_at, phone_number, split_fields


class Final(StrEnum):
    """How a command ended."""

    OK = "OK"
    ERROR = "ERROR"
    CME = "+CME ERROR"
    CMS = "+CMS ERROR"
    NO_CARRIER = "NO CARRIER"
    BUSY = "BUSY"
    NO_ANSWER = "NO ANSWER"
    NO_DIALTONE = "NO DIALTONE"


@dataclass(frozen=True, slots=True)
class AtResult:
    """A finished command: its final result and the information lines before it.

    `code` is the number of a CME or CMS error (words are translated back where they are known), `text` the error as
    the modem wrote it.
    """

    command: str
    final: Final
    lines: tuple[str, ...] = ()
    code: int | None = None
    text: str = ""

    @property
    def ok(self) -> bool:
        """True when the modem did what was asked."""
        return self.final is Final.OK


_PRIVATE = re.compile(r"^(AT\+CPIN=|AT\+VTS=|ATD).*", re.IGNORECASE)
_CODED = re.compile(r"\+(CME|CMS) ERROR\s*:\s*(.*)")
CALL_FINALS = frozenset({Final.NO_CARRIER, Final.BUSY, Final.NO_ANSWER, Final.NO_DIALTONE})
"""Only ATA and ATD end with these; unasked they are URCs."""
_MEANING = {Final.CME: CME_MEANING, Final.CMS: CMS_MEANING}


def parse_final(line: str, *, call: bool) -> tuple[Final, int | None, str] | None:
    """Return (final, code, text) when `line` ends a command, None otherwise.

    `call` is True while ATA or ATD is pending: only then do NO CARRIER and its like end the command. Finals are written
    in capitals; "ok" is somebody's text.
    """
    if line in ("OK", "ERROR"):
        return Final(line), None, ""
    if call and line in CALL_FINALS:
        return Final(line), None, ""
    if line.startswith("+CM") and (coded := _CODED.fullmatch(line)):
        final, words = (Final.CME, CME_WORDS) if coded[1] == "CME" else (Final.CMS, CMS_WORDS)
        text = coded[2].strip()
        return final, int(text) if re.fullmatch(r"[0-9]{1,4}", text) else words.get(text.lower()), text
    return None


def shown(command: str) -> str:
    """Return a command as it may stand in a log or on a status page: without a PIN, a number or keys."""
    return _PRIVATE.sub(r"\1...", command)


def explain(result: AtResult) -> tuple[str, str]:
    """Return (sentence, remedy) for a command that was not done."""
    told, command = f"{result.final} {result.text}".rstrip(), shown(result.command)
    known = _MEANING.get(result.final, {}).get(-1 if result.code is None else result.code)
    if known is not None:
        return f"The modem {known[0]} ({command}: {told}).", known[1]
    if result.final in CALL_FINALS:
        return f"There is no call any more ({command} ended with {result.final}).", ""
    return f"The modem refused {command} ({told}).", ""


def values(lines: Sequence[str], prefix: str) -> list[str]:
    """Return what follows `prefix:` on each line that has it."""
    return [rest for line in lines if (rest := after_prefix(line, prefix)) is not None]


def parse_csq(lines: Sequence[str]) -> int | None:
    """Return the signal of `+CSQ: n,ber` in dBm (-113 + 2 n), None when unknown (99) or of another scale."""
    for rest in values(lines, "+CSQ"):
        level = number_at(split_fields(rest), 0)
        if level is not None and 0 <= level <= 31:
            return -113 + 2 * level
    return None


def parse_registration(lines: Sequence[str], prefix: str = "+CREG") -> int | None:
    """Return the stat of `+CREG: n,stat[,...]`, None when the answer has none."""
    for rest in values(lines, prefix):
        stat = number_at(split_fields(rest), 1)
        if stat is not None:
            return stat
    return None


def parse_cpin(lines: Sequence[str]) -> str:
    """Return the SIM's state (READY, SIM PIN, SIM PUK, ...), "" when the answer has none."""
    for rest in values(lines, "+CPIN"):
        return " ".join(rest.strip('"').upper().split())
    return ""


def parse_cops(lines: Sequence[str]) -> str:
    """Return the operator of `+COPS: 0,0,"name",7`, "" when the modem is off the network."""
    for rest in values(lines, "+COPS"):
        fields = split_fields(rest)
        if len(fields) > 2:
            return fields[2]
    return ""


@dataclass(frozen=True, slots=True)
class ListedCall:
    """One row of AT+CLCC. `state`: 0 active 1 held 2 dialling 3 alerting 4 incoming 5 waiting 6 ended."""

    index: int
    incoming: bool
    state: int
    voice: bool
    number: str = ""

    @property
    def up(self) -> bool:
        """True when both sides can talk, or could if it were not held."""
        return self.state in (0, 1)


def listed_call(rest: str) -> ListedCall | None:
    """Return the call of one row, given what follows `+CLCC:`; None when it is no such row."""
    fields = split_fields(rest)
    index, direction, state, mode = (number_at(fields, at) for at in range(4))
    if index is None or state is None:
        return None
    number = phone_number(fields[5], number_at(fields, 6)) if len(fields) > 5 else ""
    return ListedCall(index, direction == 1, state, mode == 0, number)


def parse_clcc(lines: Sequence[str]) -> list[ListedCall]:
    """Return the calls of an AT+CLCC answer."""
    return [call for rest in values(lines, "+CLCC") if (call := listed_call(rest)) is not None]


def parse_temperature(lines: Sequence[str]) -> int | None:
    """Return the degrees Celsius of `+CPMUTEMP: 34`, None when the answer has none."""
    for rest in values(lines, "+CPMUTEMP"):
        degrees = number_at(split_fields(rest), 0)
        if degrees is not None:
            return degrees
    return None


def parse_cause(lines: Sequence[str]) -> str:
    """Return why the last call ended, in the words of `+CEER: User busy`; "" when the answer has none."""
    for rest in values(lines, "+CEER"):
        return rest.strip('"').strip()
    return ""


def parse_storage(lines: Sequence[str]) -> tuple[int, int] | None:
    """Return (used, total) slots of the storage messages are read from; None when the answer has none.

    Takes `+CPMS: "SM",3,15,...` (AT+CPMS?) and `+CPMS: 3,15,...` (AT+CPMS=...).
    """
    for rest in values(lines, "+CPMS"):
        fields = split_fields(rest)
        start = 0 if number_at(fields, 0) is not None else 1
        used, total = number_at(fields, start), number_at(fields, start + 1)
        if used is not None and total is not None:
            return used, total
    return None


def parse_identity(lines: Sequence[str]) -> str:
    """Return a bare answer (CGMI, CGMM, CGSN, ...); the prefix that CGMR adds is taken off."""
    for line in lines:
        head, colon, rest = line.partition(":")
        return rest.strip() if colon and head.startswith("+") else line
    return ""
