"""Keys as RTP events (RFC 4733): the named tones 0-9, *, # and A-D, both ways. No sockets and no clock in here."""

import struct
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from services.errors import LineError
from telephony.sip.jitter import FRAME, RATE
from telephony.sip.rtp import Packet

KEYS = "0123456789*#ABCD"
_EVENT = struct.Struct("!BBH")
_END = 0x80
_VOLUME = 10
"""dB below 0 dBm0, the level telephones use."""

KEY_FRAMES = 6
"""120 ms of tone: exchanges ask for 40 to 70 at least."""
PAUSE_FRAMES = 4
REPEATED_END = 3
"""The end is sent so often (RFC 4733, section 2.5.1.4): a lost packet must not make the key last for ever."""


def check_keys(digits: str) -> str:
    """Return `digits` in capital letters. Raises LineError when one of them is no key."""
    digits = digits.upper()
    if not digits or any(each not in KEYS for each in digits):
        raise LineError(f"{digits!r} has characters that no telephone has.", "Use 0-9, *, # and A-D.")
    return digits


def key_of(info: str) -> str:
    """Return the key that a SIP INFO tells, "Signal=5" (dtmf-relay) or "5" alone (dtmf); "" when it tells none."""
    for line in info.splitlines():
        name, _, value = line.partition("=")
        key = (value if name.strip().lower() == "signal" else line).strip().upper()
        if len(key) == 1 and key in KEYS:
            return key
    return ""


class KeyReader:
    """Tells each key once, at its first packet: the packets of one key share their timestamp."""

    def __init__(self) -> None:
        self._last: tuple[int, int] | None = None

    def push(self, packet: Packet) -> str:
        """Take a packet of the negotiated event type; return the key that begins with it, or ""."""
        if len(packet.payload) < _EVENT.size:
            return ""
        event, _, _ = _EVENT.unpack_from(packet.payload)
        this = (packet.source, packet.timestamp)
        if event >= len(KEYS) or this == self._last:
            return ""
        self._last = this
        return KEYS[event]


@dataclass(frozen=True, slots=True)
class KeyStep:
    """What one tick of 20 ms sends: `payloads` as packets of their own that share a timestamp.

    `begins` marks the first of a key: its timestamp is the tick's and stays for the rest. Between keys nothing is sent.
    """

    payloads: tuple[bytes, ...] = ()
    begins: bool = False


class KeyWriter:
    """Turns digits into steps of 20 ms; bounded by what one call can ask for."""

    def __init__(self) -> None:
        self._steps: deque[KeyStep] = deque()

    def press(self, digits: str) -> float:
        """Queue `digits`; return the seconds until the last of them will have been sent."""
        for key in check_keys(digits):
            self._steps.extend(_steps(KEYS.index(key)))
            self._steps.extend(KeyStep() for _ in range(PAUSE_FRAMES))
        return len(self._steps) * FRAME / RATE

    def step(self) -> KeyStep | None:
        """Return what this tick sends instead of sound; None when no key is left."""
        return self._steps.popleft() if self._steps else None

    def clear(self) -> None:
        """Forget what is not sent."""
        self._steps.clear()


def _steps(event: int) -> Iterator[KeyStep]:
    for at in range(1, KEY_FRAMES + 1):
        end = at == KEY_FRAMES
        payload = _EVENT.pack(event, _VOLUME | (_END if end else 0), at * FRAME)
        yield KeyStep((payload,) * (REPEATED_END if end else 1), begins=at == 1)
