"""How a modem is doing: network, signal, SIM card, temperature, and what went wrong lately."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

from telephony.at.channel import AtChannel
from telephony.at.results import parse_cops, parse_cpin, parse_csq, parse_registration, parse_temperature

REGISTERED = (1, 5)
KEPT_ERRORS = 20
_STATES = {0: "off the network", 2: "searching for a network", 3: "refused by the network", 4: "of unknown state"}


@dataclass(frozen=True, slots=True)
class ModemStatus:
    """Operator ("" off the network), signal in dBm (None unknown), registration (3GPP stat, None unknown).

    `sim` is the SIM card's state (READY, SIM PIN, ...; "" unknown), `temperature` in degrees Celsius, None unknown.
    """

    operator: str
    signal_dbm: int | None
    registration: int | None
    sim: str = ""
    temperature: int | None = None

    @property
    def registered(self) -> bool:
        """True when calls can come in; an unknown registration counts as one."""
        return self.registration is None or self.registration in REGISTERED

    def __str__(self) -> str:
        if self.registered:
            place = self.operator or "on the network"
        else:
            place = _STATES.get(self.registration or 0, "off the network")
        return place if self.signal_dbm is None else f"{place}, signal {self.signal_dbm} dBm"


@dataclass(frozen=True, slots=True)
class LineProblem:
    """Something that went wrong on a line."""

    at: datetime
    problem: str


@dataclass(slots=True)
class Problems:
    """The last things that went wrong on a line; the same one again and again is kept once, with its newest time."""

    _kept: deque[LineProblem] = field(default_factory=lambda: deque(maxlen=KEPT_ERRORS))

    def note(self, problem: str, at: datetime) -> None:
        """Remember one."""
        if self._kept and self._kept[-1].problem == problem:
            self._kept.pop()
        self._kept.append(LineProblem(at, problem))

    def newest_first(self) -> list[LineProblem]:
        """Return them."""
        return list(reversed(self._kept))


async def read_status(channel: AtChannel, registration: int | None) -> ModemStatus:
    """Ask for signal, registration, operator, SIM and temperature; what the modem refuses to tell stays unknown.

    `registration` is what was known last. Raises ModemError when the modem is silent.
    """
    signal = parse_csq((await channel.request("AT+CSQ")).lines)
    stat = parse_registration((await channel.request("AT+CREG?")).lines)
    if stat not in REGISTERED:  # on LTE alone the circuit-switched registration may stay open
        packet = parse_registration((await channel.request("AT+CEREG?")).lines, "+CEREG")
        stat = packet if packet in REGISTERED else stat
    registration = registration if stat is None else stat
    operator = parse_cops((await channel.request("AT+COPS?", 10.0)).lines)
    sim = parse_cpin((await channel.request("AT+CPIN?")).lines)
    temperature = parse_temperature((await channel.request("AT+CPMUTEMP")).lines)
    return ModemStatus(operator, signal, registration, sim, temperature)
