"""What each AT command does: section by section as the module's manual has them."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from telephony.simulator.answer import Answer
from telephony.simulator.network import Network
from telephony.simulator.shortmessages import ShortMessages
from telephony.simulator.state import CME_WORDS, IN_CALL_SETTINGS, NEEDS_SIM, PIN, SETTINGS, ModuleState

EXTENDED = re.compile(r"\+([A-Z]+)(=\?|\?|=(.*))?$", re.DOTALL)
BASIC = re.compile(r"(&?[A-Z]|S\d+=)\s*(\d*)", re.IGNORECASE)
QUIET_BASIC = frozenset({"Z", "&F", "V", "Q", "X", "&C", "&D", "&W", "S0=", "S7="})

IDENTITY = {
    "CGMI": "SIMCOM INCORPORATED",
    "CGMM": "SIMCOM_SIM7600E-H",
    "CGMR": "+CGMR: LE20B03SIM7600M22",
    "CGSN": "861000000000017",
    "CIMI": "250010000000017",
    "CICCID": "+ICCID: 89700000000000000017",
}
CELL = ',"1A2B","01C3D4E5"'
ATD_PATTERN = re.compile(r'"?([+*#0-9A-D]+)"?(;?)', re.IGNORECASE)
SCAN_SECONDS = 2.0

UNKNOWN = Answer(final="ERROR")


class Console(Protocol):
    """What a command may ask of the terminal it was typed at."""

    async def interrupted(self, seconds: float) -> bool:
        """Wait, and tell whether a byte came."""
        ...

    async def prompt(self) -> str | None:
        """Show `> ` and take text."""
        ...


@dataclass(slots=True)
class Asked:
    """One extended command: `form` is "" (bare), "?", "=?" or "="."""

    name: str
    form: str
    value: str


def refused(code: int) -> Answer:
    """An answer whose final becomes +CME ERROR as CMEE says."""
    return Answer(final=f"CME {code}")


def split_chain(body: str) -> list[str]:
    """Cut `+CMEE=1;+CLIP=1` at semicolons outside quotes."""
    return [part for part in re.split(r';(?=(?:[^"]*"[^"]*")*[^"]*$)', body) if part]


class Commands:
    """The interpreter. Never raises: whatever comes, there is a final result."""

    def __init__(
        self,
        *,
        state: ModuleState,
        network: Network,
        messages: ShortMessages,
        reset: Callable[[], None],
        answer_delay: float,
        csq: int,
        operator: str,
        faults: frozenset[str],
    ) -> None:
        self._state = state
        self._network = network
        self._messages = messages
        self._reset = reset
        self._answer_delay = answer_delay
        self._csq = csq
        self._operator = operator
        self._faults = faults
        self._special: dict[str, Callable[[Asked, Console], Awaitable[Answer]]] = {
            "CPIN": self._cpin,
            "CSQ": self._signal,
            "COPS": self._cops,
            "CPCMREG": self._cpcmreg,
            "VTS": self._vts,
            "CMGS": self._cmgs,
            "CUSD": self._cusd,
            "CFUN": self._cfun,
        }
        self._bare: dict[str, Callable[[], Answer]] = {
            "CHUP": network.hang_up,
            "CLCC": lambda: Answer([network.clcc(call) for call in network.calls()]),
            "CEER": lambda: Answer([f"+CEER: {state.cause}"]),
            "CRESET": self._restart,
        }

    async def run(self, line: str, console: Console) -> Answer:
        """Run one line that begins with AT; several commands in it run until one fails."""
        body = line[2:].strip()
        if body[:1].upper() == "D":
            return self._spoken(self._dial(body[1:]))
        lines: list[str] = []
        after: list[str] = []
        for part in split_chain(body):
            answer = await (self._extended(part, console) if part.startswith("+") else self._basic(part, console))
            lines += answer.lines
            after += answer.after
            if answer.final != "OK":
                return self._spoken(Answer(lines, answer.final, after))
        return Answer(self._with_intruder(line, lines), "OK", after)

    def _spoken(self, answer: Answer) -> Answer:
        if not answer.final.startswith("CME "):
            return answer
        code = int(answer.final[4:])
        level = self._state.values["CMEE"]
        text = "ERROR" if level == "0" else f"+CME ERROR: {code if level == '1' else CME_WORDS[code]}"
        return Answer(answer.lines, text, answer.after)

    def _with_intruder(self, line: str, lines: list[str]) -> list[str]:
        if "urc-inside-answer" not in self._faults or not lines:
            return lines
        if line.upper() == "AT+CSQ":
            return [*self._messages.intrude(), *lines]
        # +CREG is unsolicited only when asked for, and its question has an answer of the same look.
        if self._state.is_on("CREG") and "CREG" not in line.upper():
            return [*lines, f"+CREG: {self._state.registration}"]
        return lines

    # -- basic commands ----------------------------------------------------------------------------------------------

    async def _basic(self, part: str, console: Console) -> Answer:
        if part.upper() == "A":
            return await self._network.answer(console.interrupted, self._answer_delay)
        if part.upper() == "I":
            return Answer(
                [f"Manufacturer: {IDENTITY['CGMI']}", f"Model: {IDENTITY['CGMM']}", "Revision: SIM7600M22_V2.0"]
            )
        position = 0
        while position < len(part):
            match = BASIC.match(part, position)
            if match is None or not self._basic_one(match[1].upper(), match[2] or "0"):
                return UNKNOWN
            position = match.end()
        return Answer()

    def _basic_one(self, name: str, value: str) -> bool:
        if name == "E" and value in ("0", "1"):
            self._state.echo = value == "1"
        elif name == "H" and value == "0":
            # The trap of CVHU=1: the answer is OK and the call goes on.
            if not self._state.is_on("CVHU"):
                self._network.hang_up_quietly()
        elif name not in QUIET_BASIC:
            return False
        return True

    def _dial(self, target: str) -> Answer:
        match = ATD_PATTERN.fullmatch(target.replace(" ", ""))
        if match is None:
            return UNKNOWN
        trouble = self._state.sim_trouble()
        if trouble:
            return refused(trouble)
        # Without the semicolon it is a data call, and there is nobody to talk data to.
        return self._network.dial(match[1]) if match[2] else Answer(final="NO CARRIER")

    # -- extended commands -------------------------------------------------------------------------------------------

    async def _extended(self, part: str, console: Console) -> Answer:
        match = EXTENDED.match(part[: part.find("=")].upper() + part[part.find("=") :] if "=" in part else part.upper())
        if match is None:
            return UNKNOWN
        asked = Asked(match[1], (match[2] or "")[:1] if match[3] is not None else match[2] or "", match[3] or "")
        if asked.name in NEEDS_SIM and asked.form != "=?" and not (asked.name == "CPIN" and asked.form == "="):
            trouble = self._state.sim_trouble()
            if trouble and not (asked.name == "CPIN" and trouble == 11):
                return refused(trouble)
        if asked.name in self._special:
            return await self._special[asked.name](asked, console)
        if asked.form == "" and asked.name in self._bare:
            return self._bare[asked.name]()
        if asked.name in IDENTITY:
            return Answer([] if asked.form == "=?" else [IDENTITY[asked.name]])
        stored = self._messages.command(asked.name, asked.form, asked.value)
        return stored if stored is not None else self._setting(asked)

    def _setting(self, asked: Asked) -> Answer:
        name = asked.name
        if name == "CHLD" and asked.form == "=" and asked.value == "0":
            self._network.reject_waiting()
            return Answer()
        if name in IN_CALL_SETTINGS and asked.form == "=" and not self._network.in_call:
            return refused(3)
        if name not in SETTINGS and name not in IN_CALL_SETTINGS:
            return UNKNOWN
        if asked.form == "=?":
            return Answer([f"+{name}: (see the manual)"])
        if asked.form == "?":
            return Answer([f"+{name}: {self._read(name)}"])
        return Answer() if asked.form == "=" and self._state.store(name, asked.value) else UNKNOWN

    def _read(self, name: str) -> str:
        value = self._state.values[name]
        if name in ("CREG", "CGREG", "CEREG"):
            stat = self._state.registration
            cell = CELL + (",7" if name == "CEREG" else "") if value == "2" and stat in (1, 5) else ""
            return f"{value},{stat}{cell}"
        if name == "CLIP":
            return f"{value},1"
        if name == "CPMS":
            used = f'"SM",{self._messages.used},{self._messages.places}'
            return ",".join([used] * 3)
        return value

    async def _cpin(self, asked: Asked, _console: Console) -> Answer:
        if asked.form == "?":
            return Answer([f"+CPIN: {self._state.pin_state()}"])
        if asked.form != "=" or self._state.pin_open:
            return refused(3)
        if asked.value.strip('"') != PIN:
            return refused(16)
        self._state.pin_open = True
        return Answer(after=["+CPIN: READY", *self._network.registered(1)])

    async def _signal(self, asked: Asked, _console: Console) -> Answer:
        if asked.form:
            return Answer(["+CSQ: (0-31,99),(99)"]) if asked.form == "=?" else UNKNOWN
        return Answer([f"+CSQ: {self._csq if self._state.registration in (1, 5) else 99},99"])

    async def _cops(self, asked: Asked, console: Console) -> Answer:
        on_net = self._state.registration in (1, 5)
        if asked.form == "=?":
            if await console.interrupted(SCAN_SECONDS):
                return UNKNOWN
            return Answer([f'+COPS: (2,"{self._operator}","{self._operator}","25001",7),,(0,1,2,3,4),(0,1,2)'])
        if asked.form == "?":
            return Answer([f'+COPS: 0,0,"{self._operator}",7' if on_net else "+COPS: 0"])
        return Answer() if re.match(r"[0-4]", asked.value) else UNKNOWN

    async def _cpcmreg(self, asked: Asked, _console: Console) -> Answer:
        if asked.form == "?":
            return Answer([f"+CPCMREG: {int(self._network.audio.connected)}"])
        if asked.value == "1":
            opened = self._network.connect_audio()
            return refused(3) if opened is None else (Answer() if opened else UNKNOWN)
        if asked.value == "0,1" or (asked.value == "0" and "cpcmreg-off-needs-1" not in self._faults):
            self._network.audio.disconnect()
            return Answer()
        return UNKNOWN

    async def _vts(self, asked: Asked, _console: Console) -> Answer:
        if not self._network.in_call:
            return refused(3)
        keys = asked.value.strip('"').upper().split(",")
        if asked.form != "=" or len(keys) > 29 or any(re.fullmatch(r"[0-9*#A-D]", key) is None for key in keys):
            return UNKNOWN
        self._network.send_digits("".join(keys))
        return Answer()

    async def _cmgs(self, asked: Asked, console: Console) -> Answer:
        if asked.form != "=" or not asked.value.isdigit():
            return Answer(final="+CMS ERROR: 305") if asked.form == "=" else Answer()
        text = await console.prompt()
        return Answer() if text is None else self._messages.send(text, int(asked.value))

    async def _cusd(self, asked: Asked, _console: Console) -> Answer:
        answer = self._setting(asked)
        if asked.form == "=" and answer.final == "OK" and '"' in asked.value:
            return Answer(after=['+CUSD: 0,"Balance 100.00",15'])
        return answer

    async def _cfun(self, asked: Asked, _console: Console) -> Answer:
        if asked.form == "?":
            return Answer(["+CFUN: 1"])
        if asked.value == "1,1":
            return self._restart()
        return Answer() if asked.form == "=" and asked.value == "1" else UNKNOWN

    def _restart(self) -> Answer:
        self._reset()
        return Answer()
