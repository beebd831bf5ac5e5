"""What the answers mean: finals with their codes, and the information lines of the commands the driver sends."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

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


_CODED = re.compile(r"\+(CME|CMS) ERROR\s*:\s*(.*)", re.IGNORECASE)
_CALL_FINALS = {Final.NO_CARRIER, Final.BUSY, Final.NO_ANSWER}
_CME_WORDS = {
    "operation not allowed": 3,
    "sim not inserted": 10,
    "sim pin required": 11,
    "sim puk required": 12,
    "sim failure": 13,
    "sim busy": 14,
    "sim wrong": 15,
    "incorrect password": 16,
    "no network service": 30,
    "unknown": 100,
    "unknown error": 100,
}
_CME_MEANING = {
    3: ("is not allowed now", ""),
    10: ("found no SIM card", "Insert the SIM card and plug the modem in again."),
    11: ("needs the PIN of the SIM card", "Switch the PIN request off with a telephone, then restart."),
    12: ("needs the PUK of the SIM card", "Unlock the SIM card in a telephone with the PUK from its contract."),
    13: ("cannot read the SIM card", "Take the SIM card out, clean it and insert it again; try it in a telephone."),
    14: ("found the SIM card busy", "Wait a moment: the modem reads the card after a start."),
    16: ("was given a wrong PIN", "Switch the PIN request off with a telephone."),
    30: ("has no network", "Check the antenna and whether the SIM card's contract is active."),
}


def parse_final(line: str, *, call: bool) -> tuple[Final, int | None, str] | None:
    """Return (final, code, text) when `line` ends a command, None otherwise.

    `call` is True while ATA or ATD is pending: only then do NO CARRIER, BUSY and NO ANSWER end the command.
    """
    word = " ".join(line.upper().split())
    if word in ("OK", "ERROR"):
        return Final(word), None, ""
    if call and word in _CALL_FINALS:
        return Final(word), None, ""
    if coded := _CODED.fullmatch(line):
        text = coded[2].strip()
        code = int(text) if re.fullmatch(r"[0-9]{1,4}", text) else _CME_WORDS.get(text.lower())
        return (Final.CME if coded[1].upper() == "CME" else Final.CMS), code, text
    return None


def explain(result: AtResult) -> tuple[str, str]:
    """Return (sentence, remedy) for a command that was not done."""
    if result.final is Final.CME and result.code in _CME_MEANING:
        meaning, remedy = _CME_MEANING[result.code]
        return f"The modem {meaning} ({result.command}).", remedy
    if result.final in _CALL_FINALS:
        return f"There is no call any more ({result.command} ended with {result.final}).", ""
    told = f" {result.text}" if result.text else ""
    return f"The modem refused {result.command} ({result.final}{told}).", ""


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


def parse_clcc(lines: Sequence[str]) -> list[ListedCall]:
    """Return the calls of an AT+CLCC answer."""
    calls: list[ListedCall] = []
    for rest in values(lines, "+CLCC"):
        fields = split_fields(rest)
        index, direction, state, mode = (number_at(fields, at) for at in range(4))
        if index is None or state is None:
            continue
        number = phone_number(fields[5], number_at(fields, 6)) if len(fields) > 5 else ""
        calls.append(ListedCall(index, direction == 1, state, mode == 0, number))
    return calls


def parse_identity(lines: Sequence[str]) -> str:
    """Return a bare answer (CGMI, CGMM, CGSN, ...); the prefix that CGMR adds is taken off."""
    for line in lines:
        head, colon, rest = line.partition(":")
        return rest.strip() if colon and head.startswith("+") else line
    return ""
