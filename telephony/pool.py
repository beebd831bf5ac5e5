"""All modems of this machine: each becomes a line of its own, found again wherever it is plugged in."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

import structlog

from services.parts import Part, State
from services.voice.directory import LineDirectory
from telephony.find_ports import ModemPorts, UsbSerial, find_ports, list_usb, modems, whole
from telephony.gsm import PART_NAME, Find, GsmService

LOOK_SECONDS = 2.0
FORGET_SECONDS = 600.0
"""A modem that has been away for so long is no more expected at the socket where it was."""

log = structlog.get_logger()

ListUsb = Callable[[], Sequence[UsbSerial]]
Make = Callable[[Find], GsmService]


class ModemPool:
    """Keeps a GsmService for each modem that is plugged in.

    `make` makes the service of a modem that is found by its argument. Where the settings name the ports (`at_port`,
    `audio_port`; "" both: every modem on USB) there is one modem, and it is there. `directory` learns of the lines.
    `listing` is what is plugged in.
    """

    def __init__(
        self,
        make: Make,
        directory: LineDirectory,
        *,
        at_port: str = "",
        audio_port: str = "",
        listing: ListUsb = list_usb,
    ) -> None:
        self._make = make
        self._directory = directory
        self._named_ports = (at_port, audio_port)
        self._listing = listing
        self._services: dict[str, GsmService] = {}  # by the place of the modem
        self._away_since: dict[str, float] = {}
        self._task: asyncio.Task[None] | None = None

    @property
    def services(self) -> list[GsmService]:
        """The lines, by name; of two of one name the one that has its modem."""
        best: dict[str, GsmService] = {}
        for service in self._services.values():
            known = best.get(service.name)
            if known is None or known.session is None:
                best[service.name] = service
        return [best[name] for name in sorted(best)]

    def service(self, name: str) -> GsmService | None:
        """Return the line of this name."""
        return next((service for service in self.services if service.name == name), None)

    def parts(self) -> list[Part]:
        """Return the state of each line, or that there is no modem."""
        if not self._services:
            missing = "No SIM7600 modem is plugged in."
            return [Part(PART_NAME, State.DEGRADED, missing, "Plug one in, or set SECRETARY_TELEPHONY__ENABLED=false.")]
        return [service.part() for service in self.services]

    async def start(self) -> None:
        """Begin to look for modems; returns at once."""
        if any(self._named_ports):
            await self._add("", partial(find_ports, *self._named_ports))
            self._directory.add(self._services[""])
        else:
            self._task = asyncio.create_task(self._watch(), name="looking for modems")

    async def close(self) -> None:
        """End every call and give all ports back; idempotent."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await asyncio.gather(*[self._drop(place) for place in list(self._services)])

    async def _watch(self) -> None:
        while True:
            try:
                await self._look()
            except Exception:  # what cannot be listed now can be later
                log.exception("the modems could not be listed")
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self) -> None:
        there = {each.place for each in await self._plugged_in()}
        now = asyncio.get_running_loop().time()
        for place in there:
            self._away_since.pop(place, None)
            if place not in self._services:
                await self._add(place, partial(self._at, place))
        taken = {service.name for service in self._services.values() if service.session is not None}
        for place in set(self._services) - there:
            away = now - self._away_since.setdefault(place, now)
            service = self._services[place]
            elsewhere = service.name in taken or away > FORGET_SECONDS
            if elsewhere and service.session is None:
                await self._drop(place)

    async def _plugged_in(self) -> list[ModemPorts]:
        return modems(await asyncio.to_thread(self._listing))

    async def _at(self, place: str) -> ModemPorts:
        """Return the nodes of the modem at `place`. Raises PortError when it is not there, or half of it."""
        found = [each for each in await self._plugged_in() if each.place == place]
        return whole(found[0] if found else ModemPorts("", ""))

    async def _add(self, place: str, find: Find) -> None:
        self._services[place] = service = self._make(find)
        service.on_up = self._directory.add
        await service.start()

    async def _drop(self, place: str) -> None:
        service = self._services.pop(place)
        self._away_since.pop(place, None)
        self._directory.remove(service)
        await service.close()
