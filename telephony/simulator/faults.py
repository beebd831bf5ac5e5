"""Everything that can go wrong with a real module, by name. Each one really happens on the ports."""

import math
from collections.abc import Collection
from typing import Final

from telephony.simulator.log import SimulatorError

FAULTS: Final[dict[str, str]] = {
    "audio-port-vanishes": "after 1 s of audio of the first call the audio port alone goes, and is back 1 s later",
    "audio-refused-often": "the first eight AT+CPCMREG=1 of every call answer ERROR",
    "audio-refused-twice": "the first two AT+CPCMREG=1 of every call answer ERROR",
    "audio-wears-out": "every call needs three tries more of AT+CPCMREG=1, the fourth is wedged; AT+CRESET cures it",
    "begin-after-ok": "VOICE CALL: BEGIN comes 0.2 s after the OK of ATA instead of before it",
    "caller-hangs-up-mid-sentence": "the caller hangs up after hearing 0.7 s of the secretary's speech",
    "chunks-40ms": "call audio arrives as 640 bytes each 40 ms",
    "chup-error": "the first AT+CHUP of every call answers ERROR, and the call goes on",
    "cpcmreg-off-needs-1": "AT+CPCMREG=0 answers ERROR, only =0,1 is taken",
    "deaf": "after 1 s of audio of the first call nothing answers or comes any more, until the AT port is opened anew",
    "deaf-until-reset": "after 1 s of audio of the first call no command is answered any more but AT+CRESET",
    "dial-refused": "ATD answers +CME ERROR: 3",
    "doubled-cr": "every line has a doubled CR before and after",
    "dtmf-in-band-only": "keys are heard, and +RXDTMF never comes",
    "dtmf-urc-late": "+RXDTMF comes 1 s after the tone",
    "dtmf-urc-only": "keys come as +RXDTMF, and the network takes their tones out of the sound",
    "echo-returns": "after every call the echo of commands is on again",
    "junk": "junk bytes come before unsolicited lines, and the lines themselves in two halves",
    "late-no-carrier": "NO CARRIER comes 0.3 s after VOICE CALL: END, and after our own hang-up too",
    "mute-audio": "after 0.5 s of audio the far end hears nothing more until AT+CRESET, though all is written",
    "network-lost": "after 1 s of audio the network goes: +CREG: 2, the call ends; it comes back 1 s later",
    "no-clip": "+CLIP never comes",
    "no-sim": "there is no SIM card: +CME ERROR: 10",
    "odd-bytes": "call audio arrives in chunks of odd sizes, samples cut in two",
    "pin-needed": "the SIM asks for its PIN (1234)",
    "port-returns-elsewhere": "after 1 s of audio of the first call all ports go; the module boots under other names",
    "port-vanishes": "after 1 s of audio of the first call both ports close; the module boots anew",
    "prompt-late": "the prompt of AT+CMGS comes after 3 s",
    "prompt-never": "once the prompt of AT+CMGS does not come, though the module takes what is typed as the text",
    "registration-lost": "after every call the network goes for 3 s: +CREG: 2, then +CREG: 1",
    "report-inside-answer": "delivery reports come in the middle of the answer to another command",
    "report-late": "delivery reports come 5 s later than usual",
    "report-never": "delivery reports never come",
    "silent-loss": "after 1 s of audio the call vanishes without a word; only AT+CLCC tells",
    "sim-busy": "the first three questions to the SIM after each boot answer +CME ERROR: 14",
    "sim-busy-long": "for 12 s after each boot questions to the SIM answer +CME ERROR: 14",
    "sim-pulled": "after 1 s of audio of the first call someone pulls the SIM out, and puts it back 3 s later",
    "slow-answers": "every answer takes 0.7 s",
    "slow-boot": "ports are gone 5 s longer at a reset; then the SIM is busy for 3 s and the network away for 5 s",
    "sms-answer-lost": "once a message is sent and +CMGS never comes",
    "sms-error-38": "the first two messages are answered +CMS ERROR: 38",
    "sms-error-331": "the first two messages are answered +CMS ERROR: 331",
    "sms-error-332": "the first two messages are answered +CMS ERROR: 332",
    "sms-error-500": "the first two messages are answered +CMS ERROR: 500",
    "sms-full": "at power-up the SIM holds fifteen messages that were read already, and takes no more",
    "sms-part-missing": "of every long message the second part never comes",
    "sms-parts-doubled": "every part of a long message comes twice",
    "sms-parts-shuffled": "the parts of a long message come in the wrong order",
    "sms-refused": "the network refuses every message for good: +CMS ERROR: 21",
    "sms-send-fails": "the first four messages are answered +CMS ERROR: 38, 331, 332 and 500",
    "sms-slow": "+CMGS comes 8 s after the text",
    "split-lines": "every line comes in two halves with 50 ms between",
    "stuck-command": "the first command after the first call was answered never gets an answer; AT works again",
    "urc-inside-answer": "unsolicited lines come inside answers; +CMTI inside the answer to AT+CSQ",
    "usb-reenumerates": "after 1 s of audio of the first call all ports go and are back 1 s later under other names, "
    "while the call goes on and the settings stay",
    "wedged-audio": "after 0.5 s of audio the module takes no more audio until AT+CRESET",
    "withheld": "every caller withholds the number",
}

ONCE: Final = frozenset(
    "audio-port-vanishes deaf deaf-until-reset port-returns-elsewhere port-vanishes prompt-never sim-pulled "
    "sms-answer-lost stuck-command usb-reenumerates".split()
)
"""Faults that strike once in a lifetime unless a number is given."""

TIMES: Final[dict[str, int]] = {
    **dict.fromkeys(ONCE, 1),
    **dict.fromkeys(("sms-error-38", "sms-error-331", "sms-error-332", "sms-error-500"), 2),
    "sms-send-fails": 4,
}


def check_faults(names: Collection[str]) -> dict[str, float]:
    """Return how often each of `names` may strike; "name:3" says so itself, most may without end.

    Raises SimulatorError for a fault that does not exist, naming those that do.
    """
    left: dict[str, float] = {}
    for given in names:
        name, colon, times = given.partition(":")
        if name not in FAULTS:
            raise SimulatorError(f"There is no fault named {name!r}; there are: {', '.join(sorted(FAULTS))}.")
        if colon and not (times.isdecimal() and int(times)):
            raise SimulatorError(f"{given!r} does not say how often: a fault is a name, or a name with :3 after it.")
        left[name] = int(times) if colon else TIMES.get(name, math.inf)
    return left


class Faults:
    """The faults that are switched on; every part of the simulator looks here, so they may change while it lives.

    `pace` multiplies the seconds of every fault: how long it lasts, and how far into a call it strikes.
    """

    def __init__(self, names: Collection[str] = (), pace: float = 1.0) -> None:
        self._left = check_faults(names)
        self._pace = pace

    def __contains__(self, name: str) -> bool:
        return self._left.get(name, 0) > 0

    @property
    def names(self) -> frozenset[str]:
        """Those that can still strike."""
        return frozenset(name for name, left in self._left.items() if left > 0)

    def set(self, names: Collection[str]) -> None:
        """Switch these on, each as often as it may strike, and all others off."""
        self._left = check_faults(names)

    def spend(self, name: str) -> bool:
        """Whether the fault strikes now; one time less is left then."""
        if name not in self:
            return False
        self._left[name] -= 1
        return True

    def lasting(self, seconds: float) -> float:
        """So many seconds of a fault, here."""
        return seconds * self._pace
