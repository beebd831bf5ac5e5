"""Where the modem is: node numbers change after each plugging in, USB ids and interface numbers do not."""

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from serial.tools import list_ports

from services.errors import PortError

SIMCOM_VENDOR = 0x1E0E
# product id -> (interface of the AT port, interface of the call audio)
_INTERFACES = {0x9001: (2, 4), 0x9011: (4, 6)}
_LOCATION = re.compile(r"(.+):\d+\.(\d+)")


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
    """The two nodes of one modem; "" for one that is not there."""

    at: str
    audio: str


def choose(ports: Iterable[UsbSerial]) -> ModemPorts | None:
    """Return the nodes of the first SIM7600 (by its place on the bus), None when there is none."""
    modems: dict[str, dict[str, str]] = {}
    for port in ports:
        place = _LOCATION.fullmatch(port.location or "")
        if port.vid != SIMCOM_VENDOR or port.pid not in _INTERFACES or place is None:
            continue
        at, audio = _INTERFACES[port.pid]
        role = {at: "at", audio: "audio"}.get(int(place[2]))
        if role:
            modems.setdefault(place[1], {})[role] = port.device
    whole = [name for name in sorted(modems) if len(modems[name]) == 2]
    if not modems:
        return None
    nodes = modems[(whole or sorted(modems))[0]]
    return ModemPorts(nodes.get("at", ""), nodes.get("audio", ""))


async def find_ports(at_port: str = "", audio_port: str = "") -> ModemPorts:
    """Return the nodes to use: the given ones, the others by USB id.

    Raises PortError when no modem is plugged in or one of its two nodes is missing.
    """
    if at_port and audio_port:
        return ModemPorts(at_port, audio_port)
    found = choose(await asyncio.to_thread(list_ports.comports)) or ModemPorts("", "")
    ports = ModemPorts(at_port or found.at, audio_port or found.audio)
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
