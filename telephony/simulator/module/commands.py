"""What each AT command does: section by section as the module's manual has them."""

import re
from collections.abc import Callable
from typing import Final

from telephony.simulator.dice import Dice
from telephony.simulator.faults import Faults
from telephony.simulator.module.answer import UNKNOWN, Answer, refused
from telephony.simulator.module.specials import Asked, Console, Specials
from telephony.simulator.module.state import CME_WORDS, IN_CALL_SETTINGS, NEEDS_SIM, SETTINGS, ModuleState
from telephony.simulator.network.exchange import Network
from telephony.simulator.sms.service import ShortMessages

EXTENDED = re.compile(r"\+([A-Z]+)(=\?|\?|=(.*))?$", re.DOTALL)
BASIC = re.compile(r"(&?[A-Z]|S\d+=)\s*(\d*)", re.IGNORECASE)
QUIET_BASIC = frozenset({"Z", "&F", "V", "Q", "X", "&C", "&D", "&W", "S0=", "S7="})

MAKER: Final = "SIMCOM INCORPORATED"
MODEL: Final = "SIMCOM_SIM7600E-H"
CELL = ',"1A2B","01C3D4E5"'
ATD_PATTERN = re.compile(r'"?([+*#0-9A-D]+)"?(;?)', re.IGNORECASE)


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
        faults: Faults,
        dice: Dice,
    ) -> None:
        self._state = state
        self._network = network
        self._messages = messages
        self._reset = reset
        self._answer_delay = answer_delay
        self._faults = faults
        self._dice = dice
        self._special = Specials(state, network, messages, faults, self._setting, reset).handlers
        self._identity: dict[str, Callable[[], str]] = {
            "CGMI": lambda: MAKER,
            "CGMM": lambda: MODEL,
            "CGMR": lambda: "+CGMR: LE20B03SIM7600M22",
            "CGSN": lambda: state.identity.imei,
            "CIMI": lambda: state.identity.imsi,
            "CICCID": lambda: f"+ICCID: {state.identity.iccid}",
        }
        self._bare: dict[str, Callable[[], Answer]] = {
            "CHUP": network.hang_up,
            "CLCC": lambda: Answer(network.clcc()),
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
        """Unsolicited lines in the middle of an answer, by the faults that put them there."""
        reports = self._messages.held_reports()
        if reports:
            place = self._dice.random.randint(0, len(lines))
            return [*lines[:place], *reports, *lines[place:]]
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
            return Answer([f"Manufacturer: {MAKER}", f"Model: {MODEL}", "Revision: SIM7600M22_V2.0"])
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
        if asked.name in self._identity:
            return Answer([] if asked.form == "=?" else [self._identity[asked.name]()])
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
            cell = CELL + (",7" if name == "CEREG" else "") if value == "2" and self._state.on_network else ""
            return f"{value},{stat}{cell}"
        if name == "CLIP":
            return f"{value},1"
        if name == "CPMS":
            used = f'"SM",{self._messages.used},{self._messages.places}'
            return ",".join([used] * 3)
        return value

    def _restart(self) -> Answer:
        self._reset()
        return Answer()
