"""The module on the USB: five serial interfaces at one place, with node names that change when it comes back."""

from dataclasses import dataclass
from pathlib import Path

from telephony.simulator.log import SimulatorError
from telephony.simulator.ports.pty import PtyPort

VENDOR = 0x1E0E
PRODUCTS = {0x9001: 0, 0x9011: 2}
"""The first serial interface of each product; with RNDIS two interfaces of the network card come before it."""
SERIAL_NUMBER = "0123456789ABCDEF"
"""Modules are not told apart by it: all have the same."""
DIAGNOSTICS, NMEA, AT, MODEM, AUDIO = range(5)
RENUMBERED = 5
MOST_NODES = 100


@dataclass(frozen=True, slots=True)
class UsbPort:
    """A serial port as pyserial lists it (the fields of ListPortInfo that a search needs)."""

    device: str
    vid: int
    pid: int
    location: str
    serial_number: str
    manufacturer: str = "SimTech, Incorporated"
    product: str = "SimTech, Incorporated"
    interface: str | None = None

    @property
    def name(self) -> str:
        """The node without its folder."""
        return Path(self.device).name

    @property
    def description(self) -> str:
        """For people."""
        return self.product

    @property
    def hwid(self) -> str:
        """As pyserial writes it."""
        return f"USB VID:PID={self.vid:04X}:{self.pid:04X} SER={self.serial_number} LOCATION={self.location}"


class UsbDevice:
    """Ports that come and go together, under names in `folder` that are the host's to find again.

    Nobody speaks on the diagnostics, NMEA and modem ports.
    """

    def __init__(self, folder: Path, product: int, place: str, at: PtyPort, audio: PtyPort) -> None:
        self.place = place
        self._folder = folder
        self._product = product
        self._first = 0
        self._audio_moved = 0
        silent: list[PtyPort] = [PtyPort(_lost) for _ in range(3)]
        self._ports = {DIAGNOSTICS: silent[0], NMEA: silent[1], AT: at, MODEM: silent[2], AUDIO: audio}

    def path(self, role: int) -> Path:
        """The node of AT or AUDIO now, or where it was last."""
        number = self._first + role + (self._audio_moved if role == AUDIO else 0)
        return self._folder / f"ttyUSB{number % MOST_NODES}"

    def ports(self) -> list[UsbPort]:
        """What a search of the host finds now."""
        return [
            UsbPort(
                str(self.path(role)),
                VENDOR,
                self._product,
                f"{self.place}:1.{role + PRODUCTS[self._product]}",
                SERIAL_NUMBER,
            )
            for role, port in self._ports.items()
            if port.is_open
        ]

    def power_up(self) -> None:
        """Make the folder, and let the nodes come up in it."""
        self._folder.mkdir(mode=0o700)
        self.appear()

    def power_off(self) -> None:
        """All nodes go, and their folder."""
        self.vanish()
        self._folder.rmdir()

    def appear(self, *, elsewhere: bool = False) -> None:
        """All nodes come up, under new names when `elsewhere`."""
        if elsewhere:
            self._first += RENUMBERED
            self._audio_moved = 0
        for role, port in self._ports.items():
            if not port.is_open:
                port.open(self.path(role))

    def vanish(self) -> None:
        """All nodes go."""
        for port in self._ports.values():
            port.close()

    def audio_vanishes(self) -> None:
        """The audio node alone goes."""
        self._ports[AUDIO].close()

    def audio_appears(self, *, elsewhere: bool) -> None:
        """The audio node alone comes back; nothing happens when it is there or the others are not."""
        if self._ports[AUDIO].is_open or not self._ports[AT].is_open:
            return
        if elsewhere:
            self._audio_moved = 1 - self._audio_moved
        self._ports[AUDIO].open(self.path(AUDIO))


def check_product(product: int) -> int:
    """Return `product`. Raises SimulatorError for one that is not this module's."""
    if product not in PRODUCTS:
        raise SimulatorError("The module's USB product is 0x9001 or 0x9011.")
    return product


def _lost(_data: bytes) -> None:
    return
