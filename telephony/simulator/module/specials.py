"""Commands that are more than a value: PIN, signal, operator, sound, tones, messages, power."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

from telephony.simulator.faults import Faults
from telephony.simulator.module.answer import UNKNOWN, Answer, refused
from telephony.simulator.module.state import PIN, ModuleState
from telephony.simulator.network.exchange import Network
from telephony.simulator.sms.service import ShortMessages

SCAN_SECONDS: Final = 2.0


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


Setting = Callable[[Asked], Answer]


class Specials:
    """The handlers, by the name of the command; `setting` stores a plain value, `reset` boots the module."""

    def __init__(
        self,
        state: ModuleState,
        network: Network,
        messages: ShortMessages,
        faults: Faults,
        setting: Setting,
        reset: Callable[[], None],
    ) -> None:
        self._state = state
        self._network = network
        self._messages = messages
        self._faults = faults
        self._setting = setting
        self._reset = reset
        self.handlers: dict[str, Callable[[Asked, Console], Awaitable[Answer]]] = {
            "CPIN": self._cpin,
            "CSQ": self._signal,
            "COPS": self._cops,
            "CPCMREG": self._cpcmreg,
            "VTS": self._vts,
            "CMGS": self._cmgs,
            "CUSD": self._cusd,
            "CFUN": self._cfun,
            "CPMUTEMP": self._temperature,
        }

    async def _cpin(self, asked: Asked, _console: Console) -> Answer:
        if asked.form == "?":
            return Answer([f"+CPIN: {self._state.pin_state()}"])
        if asked.form != "=" or self._state.pin_open:
            return refused(3)
        if asked.value.strip('"') != PIN:
            return refused(16)
        self._state.pin_open = True
        return Answer(after=["+CPIN: READY", *self._state.registered(1)])

    async def _signal(self, asked: Asked, _console: Console) -> Answer:
        if asked.form:
            return Answer(["+CSQ: (0-31,99),(99)"]) if asked.form == "=?" else UNKNOWN
        return Answer([f"+CSQ: {self._state.signal if self._state.on_network else 99},99"])

    async def _temperature(self, asked: Asked, _console: Console) -> Answer:
        return UNKNOWN if asked.form not in ("", "?") else Answer([f"+CPMUTEMP: {self._state.temperature}"])

    async def _cops(self, asked: Asked, console: Console) -> Answer:
        operator = self._state.operator
        if asked.form == "=?":
            if await console.interrupted(SCAN_SECONDS):
                return UNKNOWN
            return Answer([f'+COPS: (2,"{operator}","{operator}","25001",7),,(0,1,2,3,4),(0,1,2)'])
        if asked.form == "?":
            return Answer([f'+COPS: 0,0,"{operator}",7' if self._state.on_network else "+COPS: 0"])
        return Answer() if re.match(r"[0-4]", asked.value) else UNKNOWN

    async def _cpcmreg(self, asked: Asked, _console: Console) -> Answer:
        if asked.form == "?":
            return Answer([f"+CPCMREG: {int(self._network.audio.connected)}"])
        if asked.value == "1":
            opened = self._network.connect_audio()
            return refused(3) if opened is None else (Answer() if opened else UNKNOWN)
        needs_1 = "cpcmreg-off-needs-1" in self._faults or self._state.habits.off_needs_1
        if asked.value == "0,1" or (asked.value == "0" and not needs_1):
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
        return Answer() if text is None else await self._messages.send(text, int(asked.value))

    async def _cusd(self, asked: Asked, _console: Console) -> Answer:
        answer = self._setting(asked)
        if asked.form == "=" and answer.final == "OK" and '"' in asked.value:
            return Answer(after=['+CUSD: 0,"Balance 100.00",15'])
        return answer

    async def _cfun(self, asked: Asked, _console: Console) -> Answer:
        if asked.form == "?":
            return Answer(["+CFUN: 1"])
        if asked.value == "1,1":
            self._reset()
            return Answer()
        return Answer() if asked.form == "=" and asked.value == "1" else UNKNOWN
