"""The module's memory: settings with their lawful values, the SIM card, the network."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from telephony.simulator.dice import Habits
from telephony.simulator.faults import Faults

CME_WORDS: Final[dict[int, str]] = {
    3: "operation not allowed",
    10: "SIM not inserted",
    11: "SIM PIN required",
    13: "SIM failure",
    14: "SIM busy",
    16: "incorrect password",
    30: "no network service",
    100: "unknown",
}

PIN = "1234"

SETTINGS: Final[dict[str, tuple[str, str]]] = {
    # name: (value after a reset, lawful values as a regular expression)
    "CMEE": ("0", r"[012]"),
    "CLIP": ("0", r"[01]"),
    "CRC": ("0", r"[01]"),
    "CVHU": ("1", r"[01]"),  # the default is not established: see Habits
    "CREG": ("0", r"[012]"),
    "CGREG": ("0", r"[012]"),
    "CEREG": ("0", r"[012]"),
    "CLCC": ("0", r"[01]"),
    "CCWA": ("0", r"[01](,[0-2](,\d+)?)?"),
    "CNMI": ("0,0,0,0,0", r"[0-2](,[0-3](,[0-3](,[0-2](,[01])?)?)?)?"),
    # The simulator's messages are PDUs; text mode is refused.
    "CMGF": ("0", r"0"),
    "CSCS": ('"IRA"', r'"(IRA|GSM|UCS2)"'),
    "CSMP": ("17,167,0,0", r"\d+(,\d+){0,3}"),
    "CPMS": ('"SM","SM","SM"', r'"(SM|ME)"(,"(SM|ME)"){0,2}'),
    "DDET": ("0", r"[01](,\d+){0,3}"),
    "CPCMFRM": ("0", r"[01]"),
    "CPCMBANDWIDTH": ("0,0", r"[01],[01]"),
    "CSDVC": ("1", r"[13]"),
    "CLVL": ("4", r"[0-5]"),
    "CMICGAIN": ("3", r"[0-8]"),
    "COUTGAIN": ("8", r"[0-8]"),
    "CATR": ("0", r"[023]"),
    "CNMP": ("2", r"2|13|14|38"),
    "VTD": ("1", r"\d{1,3}"),
    "CGDCONT": ("", r".+"),
    "COLP": ("0", r"[01]"),
    "CUSD": ("0", r'[012](,"[^"]*"(,\d+)?)?'),
}

IN_CALL_SETTINGS: Final[dict[str, tuple[str, str]]] = {
    "CECM": ("1", r"[0-9]"),
    "CECH": ("0", r"\d{1,5}"),
    "CECDT": ("0", r"\d{1,5}"),
    "CECWB": ("0", r"\d{1,5}"),
    "CNSN": ("0", r"\d{1,5}"),
    "SIDET": ("0", r"\d{1,5}"),
}

NEEDS_SIM: Final = frozenset({"CPIN", "CIMI", "CICCID", "CPMS", "CNMI", "CMGL", "CMGR", "CMGD", "CMGS", "CUSD"})

ON_NETWORK: Final = (1, 5)
BUSY_SECONDS = {"sim-busy-long": 12.0, "slow-boot": 3.0}


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells one module and its SIM from another."""

    imei: str
    imsi: str
    iccid: str


class ModuleState:
    """Everything a reset brings back to its start, and the SIM and network that it does not touch.

    `signal` is 0-31 or 99 as +CSQ says it, `temperature` in degrees Celsius. `on_registration` is called after every
    change of the registration state.
    """

    def __init__(self, faults: Faults, identity: Identity, habits: Habits) -> None:
        self.identity = identity
        self.habits = habits
        self.signal = 21
        self.operator = "Simulated"
        self.temperature = 34
        self.sim_pulled = False
        self.on_registration: Callable[[], None] = lambda: None
        self._faults = faults
        self._registration = 0 if "no-sim" in faults or "pin-needed" in faults else 1
        self.reset()

    @property
    def registration(self) -> int:
        """The stat of +CREG: 0 off, 1 home, 2 searching, 3 denied, 4 unknown, 5 roaming."""
        return self._registration

    @registration.setter
    def registration(self, stat: int) -> None:
        self._registration = stat
        self.on_registration()

    @property
    def on_network(self) -> bool:
        """Registered at home or roaming."""
        return self._registration in ON_NETWORK

    def registered(self, stat: int) -> list[str]:
        """Change the registration state; returns the unsolicited lines that the host asked for."""
        self.registration = stat
        return [f"+{name}: {stat}" for name in ("CREG", "CGREG", "CEREG") if self.is_on(name)]

    def reset(self) -> None:
        """Settings as after power-up: echo on, no reports, no CLIP."""
        self.echo = True
        self.values = {name: value for name, (value, _lawful) in (SETTINGS | IN_CALL_SETTINGS).items()}
        self.values["CVHU"] = self.habits.cvhu
        self.wide = False
        self.pin_open = "pin-needed" not in self._faults
        self.busy_answers = 3 if "sim-busy" in self._faults else 0
        busy = max((seconds for name, seconds in BUSY_SECONDS.items() if name in self._faults), default=0.0)
        self._busy_until = time.monotonic() + self._faults.lasting(busy)
        self.cause = "No cause information available"

    def is_on(self, name: str) -> bool:
        """True when a 0/1 setting is 1 (or a report level is above 0)."""
        return self.values[name][0] != "0"

    def store(self, name: str, value: str) -> bool:
        """Set a value; False when it is not lawful. Fields left out keep what they were."""
        lawful = (SETTINGS | IN_CALL_SETTINGS)[name][1]
        if re.fullmatch(lawful, value) is None:
            return False
        if name == "CNMI":
            kept = self.values[name].split(",")
            given = value.split(",")
            value = ",".join(given + kept[len(given) :])
        if name == "CPCMFRM" and (value == "1" or self.habits.frame_goes_back):
            self.wide = value == "1"
        self.values[name] = value
        return True

    def report(self, name: str) -> int:
        """The field of CNMI called mode, mt, bm, ds or bfr."""
        return int(self.values["CNMI"].split(",")[("mode", "mt", "bm", "ds", "bfr").index(name)])

    def sim_trouble(self) -> int:
        """The CME code with which the SIM refuses now, 0 when it does not; counts a busy answer down."""
        if "no-sim" in self._faults or self.sim_pulled:
            return 10
        if self.busy_answers:
            self.busy_answers -= 1
            return 14
        if time.monotonic() < self._busy_until:
            return 14
        return 0 if self.pin_open else 11

    def pin_state(self) -> str:
        """What AT+CPIN? says of a SIM that is there."""
        return "READY" if self.pin_open else "SIM PIN"
