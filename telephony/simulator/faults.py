"""Everything that can go wrong with a real module, by name. Each one really happens on the ports."""

from collections.abc import Collection
from typing import Final

from telephony.simulator.log import SimulatorError

FAULTS: Final[dict[str, str]] = {
    "audio-refused-twice": "the first two AT+CPCMREG=1 of every call answer ERROR",
    "begin-after-ok": "VOICE CALL: BEGIN comes 0.2 s after the OK of ATA instead of before it",
    "caller-hangs-up-mid-sentence": "the caller hangs up after hearing 0.7 s of the secretary's speech",
    "chunks-40ms": "call audio arrives as 640 bytes each 40 ms",
    "cpcmreg-off-needs-1": "AT+CPCMREG=0 answers ERROR, only =0,1 is taken",
    "doubled-cr": "every line has a doubled CR before and after",
    "junk": "junk bytes come before unsolicited lines, and the lines themselves in two halves",
    "late-no-carrier": "NO CARRIER comes 0.3 s after VOICE CALL: END, and after our own hang-up too",
    "network-lost": "after 1 s of audio the network goes: +CREG: 2, the call ends; it comes back 1 s later",
    "no-clip": "+CLIP never comes",
    "no-sim": "there is no SIM card: +CME ERROR: 10",
    "odd-bytes": "call audio arrives in chunks of odd sizes, samples cut in two",
    "pin-needed": "the SIM asks for its PIN (1234)",
    "port-vanishes": "after 1 s of audio of the first call both ports close; the module boots anew",
    "silent-loss": "after 1 s of audio the call vanishes without a word; only AT+CLCC tells",
    "sim-busy": "the first three questions to the SIM after each boot answer +CME ERROR: 14",
    "slow-answers": "every answer takes 0.7 s",
    "urc-inside-answer": "unsolicited lines come inside answers; +CMTI inside the answer to AT+CSQ",
    "wedged-audio": "after 0.5 s of audio the module takes no more audio until AT+CRESET",
    "withheld": "every caller withholds the number",
}


def check_faults(names: Collection[str]) -> frozenset[str]:
    """Return `names` as a set. Raises SimulatorError for one that does not exist, naming those that do."""
    for name in names:
        if name not in FAULTS:
            raise SimulatorError(f"There is no fault named {name!r}; there are: {', '.join(sorted(FAULTS))}.")
    return frozenset(names)
