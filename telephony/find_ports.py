"""Where the modems are: node numbers change after each plugging in, USB ids and interface numbers do not."""

import asyncio
import glob
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from serial.tools import list_ports

from services.errors import PortError

SIMCOM_VENDOR = 0x1E0E
# product id -> (interface of the AT port, interface of the call audio)
_INTERFACES = {0x9001: (2, 4), 0x9011: (4, 6)}
_LOCATION = re.compile(r"(.+):\d+\.(\d+)")
_PATTERN = re.compile(r"[*?\[]")


class UsbSerial(Protocol):
    """What is asked of a port of pyserial's list; `location` looks like `1-1.3:1.2` and ends with the interface."""

    @property
    def device(self) -> str:
        """Path of the node."""
        ...

    @property
    def vid(self) -> int | None:
        """USB vendor id."""
        ...

    @property
    def pid(self) -> int | None:
        """USB product id."""
        ...

    @property
    def location(self) -> str | None:
        """Place on the bus and interface number."""
        ...


@dataclass(frozen=True, slots=True)
class ModemPorts:
    """The two nodes of one modem; "" for one that is not there. `place` is where it is plugged in, "" unknown."""

    at: str
    audio: str
    place: str = ""


def list_usb() -> Sequence[UsbSerial]:
    """Return the serial ports of this machine; takes some milliseconds."""
    return list_ports.comports()


def modems(ports: Iterable[UsbSerial]) -> list[ModemPorts]:
    """Return the nodes of every SIM7600, by its place on the bus; half a modem counts (its other node is "")."""
    found: dict[str, dict[str, str]] = {}
    for port in ports:
        place = _LOCATION.fullmatch(port.location or "")
        if port.vid != SIMCOM_VENDOR or port.pid not in _INTERFACES or place is None:
            continue
        at, audio = _INTERFACES[port.pid]
        role = {at: "at", audio: "audio"}.get(int(place[2]))
        if role:
            found.setdefault(place[1], {})[role] = port.device
    return [ModemPorts(found[place].get("at", ""), found[place].get("audio", ""), place) for place in sorted(found)]


def choose(ports: Iterable[UsbSerial]) -> ModemPorts | None:
    """Return the nodes of the first whole SIM7600, else of the first at all, None when there is none."""
    found = modems(ports)
    return next((each for each in found if each.at and each.audio), found[0] if found else None)


async def find_ports(at_port: str = "", audio_port: str = "") -> ModemPorts:
    """Return the nodes to use: the given ones, the others by USB id.

    A given port may be a pattern such as /dev/serial/by-id/*if02-port0: then it is what the pattern finds now. Raises
    PortError when no modem is plugged in or one of its two nodes is missing.
    """
    at_port, audio_port = await asyncio.to_thread(lambda: (_expand(at_port), _expand(audio_port)))
    if at_port and audio_port:
        return ModemPorts(at_port, audio_port)
    found = choose(await asyncio.to_thread(list_usb)) or ModemPorts("", "")
    return whole(ModemPorts(at_port or found.at, audio_port or found.audio, found.place))


def whole(ports: ModemPorts) -> ModemPorts:
    """Return `ports` when both are there. Raises PortError that says what is missing."""
    if not ports.at and not ports.audio:
        raise PortError(
            "No SIM7600 modem is plugged in.",
            "Plug one in, name its ports (SECRETARY_TELEPHONY__AT_PORT, SECRETARY_TELEPHONY__AUDIO_PORT), "
            "or set SECRETARY_TELEPHONY__ENABLED=false.",
        )
    if not ports.at:
        raise PortError("The modem's AT port is not there.", "Give it in SECRETARY_TELEPHONY__AT_PORT.")
    if not ports.audio:
        raise PortError(
            "The modem's call audio port is not there.",
            "Give it in SECRETARY_TELEPHONY__AUDIO_PORT (interface 4, usually /dev/ttyUSB4).",
        )
    return ports


def _expand(port: str) -> str:
    """Return the first path that a pattern finds. Raises PortError when it finds none."""
    if not _PATTERN.search(port):
        return port
    found = sorted(glob.glob(port))  # noqa: PTH207 - a pattern of a whole path, which Path.glob does not take
    if not found:
        raise PortError(f"There is no serial port {port}.", "Plug the modem in, or correct the path in the settings.")
    return found[0]
