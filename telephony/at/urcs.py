"""Unsolicited result codes: what a modem says without being asked, as typed records."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from telephony.at.fields import named, number_at, phone_number, split_fields
from telephony.at.results import ListedCall, listed_call


@dataclass(frozen=True, slots=True)
class Ring:
    """A call is ringing; repeated every 3-6 s. `kind` is "VOICE" when the modem reports the extended form."""

    kind: str = ""


@dataclass(frozen=True, slots=True)
class CallerId:
    """Who is ringing: `number` is "" when withheld; `type` 145 international, 129 national, 161, 128 unknown."""

    number: str
    type: int | None


@dataclass(frozen=True, slots=True)
class CallBegin:
    """The voice call is up."""


@dataclass(frozen=True, slots=True)
class CallEnd:
    """The voice call is over after `seconds`, None when the modem does not say."""

    seconds: int | None


@dataclass(frozen=True, slots=True)
class NoCarrier:
    """There is no call (any more); also follows CallEnd, sometimes late."""


@dataclass(frozen=True, slots=True)
class Busy:
    """The called party is busy."""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """The called party did not answer."""


@dataclass(frozen=True, slots=True)
class MissedCall:
    """The caller gave up before the answer; `number` "" when withheld."""

    number: str


@dataclass(frozen=True, slots=True)
class Dtmf:
    """The other side pressed a key: 0-9, *, #, A-D."""

    key: str


@dataclass(frozen=True, slots=True)
class Registration:
    """Network registration changed.

    `domain` CREG, CGREG or CEREG; `stat` 0 off, 1 home, 2 searching, 3 denied, 4 unknown, 5 roaming.
    """

    domain: str
    stat: int


@dataclass(frozen=True, slots=True)
class SmsArrived:
    """A message lies in `storage` at slot `index` (slots start at 0)."""

    storage: str
    index: int


@dataclass(frozen=True, slots=True)
class SmsDirect:
    """A message that came without being stored; `body` is its PDU (or its text, in text mode)."""

    header: str
    body: str


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """A delivery report; `pdu` is its hexadecimal PDU."""

    header: str
    pdu: str


@dataclass(frozen=True, slots=True)
class SmsFull:
    """The message storage is full: nothing more comes until something is deleted."""


@dataclass(frozen=True, slots=True)
class CallWaiting:
    """Somebody calls while a call is up."""

    number: str
    type: int | None


@dataclass(frozen=True, slots=True)
class Ussd:
    """The network's answer to a USSD request; `scheme` 72 means UCS-2 in hexadecimal."""

    status: int
    text: str
    scheme: int | None


@dataclass(frozen=True, slots=True)
class Ready:
    """A part of the modem came up after a start: RDY, SMS DONE, PB DONE, *ATREADY."""

    what: str


@dataclass(frozen=True, slots=True)
class SimState:
    """The SIM's state: READY, SIM PIN, SIM PUK, SIM REMOVED, NOT READY."""

    state: str


@dataclass(frozen=True, slots=True)
class CallListed:
    """A call changed its state (AT+CLCC=1)."""

    call: ListedCall


Urc = (
    Ring
    | CallerId
    | CallBegin
    | CallEnd
    | NoCarrier
    | Busy
    | NoAnswer
    | MissedCall
    | Dtmf
    | Registration
    | SmsArrived
    | SmsDirect
    | DeliveryReport
    | SmsFull
    | CallWaiting
    | Ussd
    | Ready
    | SimState
    | CallListed
)

_WORDS: dict[str, Urc] = {
    "RING": Ring(),
    "NO CARRIER": NoCarrier(),
    "BUSY": Busy(),
    "NO ANSWER": NoAnswer(),
    "NO DIALTONE": NoCarrier(),
    "RDY": Ready("RDY"),
    "SMS DONE": Ready("SMS DONE"),
    "SMS READY": Ready("SMS DONE"),
    "PB DONE": Ready("PB DONE"),
    "CALL READY": Ready("CALL READY"),
    "+SMS FULL": SmsFull(),
}
_VOICE = re.compile(r"VOICE CALL ?: ?(BEGIN|END) ?(?:: ?([0-9]{0,9}))?", re.IGNORECASE)
_MISSED = re.compile(r"MISSED_CALL ?: ?(?:\d{1,2}:\d{2}(?::\d{2})? ?(?:[AP]M)?)? ?(.*)", re.IGNORECASE)
_SWITCH = re.compile(r"[0-9](?:,[0-9])?")  # the answer to AT+CLIP? or AT+CCWA?, not a caller
_CELL = re.compile(r"[0-9](?:\s*|,\s*(?![0-9]{1,2}(?:,|$)).*)")  # <stat> alone, or followed by lac and ci


def parse_urc(line: str) -> Urc | None:
    """Return the URC in `line`, None when it is none.

    `+CMT` and `+CDS` announce a second line and are not URCs by themselves: see bodies.py.
    """
    plain = " ".join(line.split())  # runs of spaces would also make the patterns below slow
    word = _WORDS.get(plain)
    if word is not None:
        return word
    if voice := _VOICE.fullmatch(plain):
        return CallBegin() if voice[1].upper() == "BEGIN" else CallEnd(_duration(voice[2] or ""))
    if missed := _MISSED.fullmatch(plain):
        return MissedCall(missed[1].strip().strip('"'))
    if parts := named(line):
        parse = _PREFIXES.get(parts[0])
        return parse(*parts) if parse else None
    return None


def _duration(digits: str) -> int | None:
    """Read hhmmss, the talk time of a finished call."""
    if not digits:
        return None
    digits = digits.zfill(6)
    return int(digits[:-4]) * 3600 + int(digits[-4:-2]) * 60 + int(digits[-2:])


def _caller_id(_: str, rest: str) -> Urc | None:
    if not rest or _SWITCH.fullmatch(rest):
        return None
    fields = split_fields(rest)
    kind = number_at(fields, 1)
    return CallerId(phone_number(fields[0], kind), kind)


def _waiting(prefix: str, rest: str) -> Urc | None:
    caller = _caller_id(prefix, rest)
    return CallWaiting(caller.number, caller.type) if isinstance(caller, CallerId) else None


def _dtmf(_: str, rest: str) -> Urc | None:
    key = rest.strip('" ').upper()
    return Dtmf(key) if len(key) == 1 and key in "0123456789*#ABCD" else None


def _registration(prefix: str, rest: str) -> Urc | None:
    """Tell `+CREG: <stat>[,lac,ci]` from the answer `+CREG: <n>,<stat>`: a cell code is quoted or longer."""
    return Registration(prefix[1:], int(rest[0])) if _CELL.fullmatch(rest) else None


def _sms(_: str, rest: str) -> Urc | None:
    fields = split_fields(rest)
    index = number_at(fields, 1)
    return None if index is None else SmsArrived(fields[0], index)


def _ussd(_: str, rest: str) -> Urc | None:
    fields = split_fields(rest)
    status = number_at(fields, 0)
    return None if status is None else Ussd(status, fields[1] if len(fields) > 1 else "", number_at(fields, 2))


def _sim(_: str, rest: str) -> Urc | None:
    state = " ".join(rest.strip('"').upper().split())
    return SimState(state) if state else None


def _listed(_: str, rest: str) -> Urc | None:
    call = listed_call(rest)
    return CallListed(call) if call and len(split_fields(rest)) > 3 else None


_PREFIXES: dict[str, Callable[[str, str], Urc | None]] = {
    "+CRING": lambda _, rest: Ring(rest.upper()),
    "+CLIP": _caller_id,
    "+CCWA": _waiting,
    "+RXDTMF": _dtmf,
    "+DTMF": _dtmf,
    "+CREG": _registration,
    "+CGREG": _registration,
    "+CEREG": _registration,
    "+CMTI": _sms,
    "+CUSD": _ussd,
    "+CPIN": _sim,
    "+CLCC": _listed,
    "+SMS FULL": lambda _prefix, _rest: SmsFull(),
    "*ATREADY": lambda _prefix, _rest: Ready("ATREADY"),
}
