"""A modem as the AT dialogue meets it, and what an unlucky line makes of its bytes."""

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from telephony.at.answer import Command
from telephony.at.results import Final, ListedCall
from telephony.at.urcs import (
    Busy,
    CallBegin,
    CallEnd,
    CallerId,
    CallListed,
    CallWaiting,
    DeliveryReport,
    Dtmf,
    MissedCall,
    NoAnswer,
    NoCarrier,
    Registration,
    Ring,
    SimState,
    SmsArrived,
    SmsDirect,
    SmsFull,
    Urc,
    Ussd,
)

PDU = "07919762020033F1040B919799001021F20008621112206124210C041F04400438043204350442"
REPORT = "0006010B919799556576F7621112206134216211122061342100"

UNASKED: tuple[tuple[str, Urc], ...] = (
    ("RING", Ring()),
    ("+CRING: VOICE", Ring("VOICE")),
    ('+CLIP: "+79991234567",145,,,,0', CallerId("+79991234567", 145)),
    ('+CLIP: "",128,,,,1', CallerId("", 128)),
    ("VOICE CALL: BEGIN", CallBegin()),
    ("VOICE CALL: END: 000012", CallEnd(12)),
    ("MISSED_CALL: 11:53AM +79991234567", MissedCall("+79991234567")),
    ("+RXDTMF: 5", Dtmf("5")),
    ("+RXDTMF: #", Dtmf("#")),
    ("+CREG: 2", Registration("CREG", 2)),
    ('+CREG: 1,"1A2B","0C3D4E5F"', Registration("CREG", 1)),
    ('+CMTI: "SM",3', SmsArrived("SM", 3)),
    (f"+CDS: 25\r\n{REPORT}", DeliveryReport("25", REPORT)),
    (f'+CMT: "",31\r\n{PDU}', SmsDirect('"",31', PDU)),
    ("+SMS FULL", SmsFull()),
    ('+CCWA: "+79990000000",145,1', CallWaiting("+79990000000", 145)),
    ('+CUSD: 0,"Balance\r\n100.00",15', Ussd(0, "Balance\n100.00", 15)),
    ('+CUSD: 0,"041F04400438",72', Ussd(0, "041F04400438", 72)),
    ("+CPIN: SIM REMOVED", SimState("SIM REMOVED")),
)
# Unasked lines that some commands end with or are answered by: only where no such command is around.
UNASKED_ELSEWHERE: tuple[tuple[str, Urc], ...] = (
    ("NO CARRIER", NoCarrier()),
    ("BUSY", Busy()),
    ("NO ANSWER", NoAnswer()),
    ('+CLCC: 1,0,3,0,0,"+79991234567",145', CallListed(ListedCall(1, False, 3, True, "+79991234567"))),
)


@dataclass(frozen=True, slots=True)
class Ask:
    """A command, and the answer that this very one gets."""

    command: Command
    lines: tuple[str, ...] = ()
    final: Final = Final.OK
    ending: str = "OK"


def _message(number: int) -> tuple[str, int]:
    """Return a PDU that carries `number`, and its length as the modem counts it."""
    pdu = f"00040B919799001021F20008{number:016X}"
    return pdu, len(pdu) // 2 - 1


def _read_one(number: int) -> Ask:
    pdu, length = _message(number)
    return Ask(Command("AT+CMGR=0"), (f'+CMGR: 0,"",{length}', pdu))


def _list_two(number: int) -> Ask:
    (one, length), (two, other) = _message(number), _message(number + 1)
    return Ask(Command("AT+CMGL=4"), (f'+CMGL: 0,1,"",{length}', one, f'+CMGL: 1,1,"",{other}', two))


ASKS: tuple[Callable[[int], Ask], ...] = (
    lambda number: Ask(Command("AT+CSQ"), (f"+CSQ: 21,{number}",)),
    lambda number: Ask(Command("AT+COPS?", 10.0), (f'+COPS: 0,0,"N{number}",7',)),
    lambda number: Ask(Command("AT+CREG?"), (f'+CREG: 2,1,"1A2B","{number:08X}"',)),
    lambda number: Ask(Command("AT+CGSN"), (f"{number:015d}",)),
    lambda number: Ask(Command("AT+CEER"), (f"+CEER: Cause {number}",)),
    lambda number: Ask(Command("AT+CPMS?"), (f'+CPMS: "SM",{number},15',)),
    lambda number: Ask(Command("AT+CLCC"), (f'+CLCC: 1,1,0,0,0,"+7{number:010d}",145',)),
    lambda number: Ask(Command("AT+CMGS=25", 40.0, b"0001000B91"), (f"+CMGS: {number}",)),
    lambda _: Ask(Command("AT+CLIP=1")),
    lambda _: Ask(Command("AT+CHUP")),
    lambda _: Ask(Command("ATD+79990000000;", 20.0)),
    lambda _: Ask(Command("ATA", 15.0)),
    lambda _: Ask(Command("AT+CPIN?"), (), Final.CME, "+CME ERROR: 14"),
    lambda _: Ask(Command("AT+CPCMREG=1"), (), Final.ERROR, "ERROR"),
    _read_one,
    _list_two,
)


@dataclass
class ModelModem:
    """Takes what the host writes and returns what the modem writes; `told` are the URCs it has written so far.

    `unasked` are the lines it may say by itself, with the chance `talk` before each line of an answer.
    """

    rng: random.Random
    echo: bool = False
    talk: float = 0.0
    unasked: tuple[tuple[str, Urc], ...] = UNASKED
    told: list[Urc] = field(default_factory=list)
    ask: Ask | None = None
    _typed: bytes = b""
    _entry: Ask | None = None

    def _in_text(self) -> bool:
        return self._entry is not None

    def take(self, data: bytes) -> bytes:
        """Execute what is complete in `data`."""
        out = []
        self._typed += data
        while self._typed:
            if self._entry is not None:
                out.append(self._text())
                if self._in_text():
                    break
                continue
            line, end, rest = self._typed.partition(b"\r")
            if not end:
                break
            self._typed = rest
            out.append((line + b"\r" if self.echo else b"") + self._execute(line))
        return b"".join(out)

    def say(self) -> bytes:
        """Say something unasked."""
        text, urc = self.rng.choice(self.unasked)
        self.told.append(urc)
        return b"\r\n" + text.encode() + b"\r\n"

    def restart(self) -> None:
        """Boot anew: echo is on, what was typed is forgotten."""
        self.echo, self._typed, self._entry = True, b"", None

    def _text(self) -> bytes:
        ask, typed = self._entry, self._typed
        for at, byte in enumerate(typed):
            if byte in b"\x1a\x1b":
                self._typed, self._entry = typed[at + 1 :], None
                said = typed[: at + 1] if self.echo else b""
                return said + (self._answer(ask) if byte == 0x1A and ask else b"\r\nOK\r\n")
        return b""

    def _execute(self, line: bytes) -> bytes:
        command = line.lstrip(b"\x1b").decode()
        if not command.startswith("AT"):
            return b""
        if command in ("AT+CMEE?", "AT"):
            return b"\r\n+CMEE: 1\r\n\r\nOK\r\n" if command != "AT" else b"\r\nOK\r\n"
        if self.ask is None or command != self.ask.command.text:
            return b"\r\nERROR\r\n"
        if self.ask.command.payload is not None:
            self._entry = self.ask
            return (self.say() if self.rng.random() < self.talk else b"") + b"\r\n> "
        if command == "ATA":
            self.told.append(CallBegin())
            return b"\r\nVOICE CALL: BEGIN\r\n" + self._answer(self.ask)
        return self._answer(self.ask)

    def _answer(self, ask: Ask) -> bytes:
        out = []
        header = False
        for line in (*ask.lines, ask.ending):
            if self.rng.random() < self.talk:
                out.append(self.say())
            glued = header and not line.startswith("+")  # a message follows its header without an empty line
            out.append(line.encode() + b"\r\n" if glued else b"\r\n" + line.encode() + b"\r\n")
            header = line.startswith(("+CMGR", "+CMGL"))
        return b"".join(out)


def mutate(data: bytes, rng: random.Random, history: bytes) -> bytes:
    """Return `data` as a bad line, a bad driver or a bad modem may deliver it; `history` is what came before."""
    size = len(data)
    at = rng.randrange(size + 1)
    end = min(size, at + rng.randrange(1, 12))
    match rng.randrange(9):
        case 0 if at < size:
            return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]
        case 1:
            return data[:at] + data[end:]
        case 2:
            return data[:at] + rng.randbytes(rng.randrange(1, 12)) + data[at:]
        case 3:
            return data[:end] + data[at:end] * rng.randrange(1, 4) + data[end:]
        case 4:
            return data[:at]
        case 5 if history:
            start = rng.randrange(len(history))
            return data[:at] + history[start : start + rng.randrange(1, 60)] + data[at:]
        case 6:
            return data.replace(b"\r\n", rng.choice((b"\r", b"\n", b"\r\r\n", b"\n\r", b"\r\n\r\n")))
        case 7:
            return (
                data[:at] + rng.choice((b"\r\n", b"> ", b">", b'"', b"OK\r\n", b"\r\nERROR\r\n", b"\x1a")) + data[at:]
            )
        case _ if rng.random() < 0.05:
            return data[:at] + b"#" * 5000 + data[at:]
    return data


def cut(data: bytes, rng: random.Random) -> list[bytes]:
    """Cut `data` into the chunks in which it is read."""
    way = rng.random()
    if way < 0.4 or len(data) < 2:
        return [data]
    if way < 0.5:
        return [data[at : at + 1] for at in range(len(data))]
    edges = sorted({0, len(data), *(rng.randrange(len(data)) for _ in range(rng.randrange(1, 4)))})
    return [data[start:end] for start, end in itertools.pairwise(edges)]
