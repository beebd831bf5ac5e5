"""The GSM channel as the orchestrator mounts it: one line there, everything else here."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from services.errors import PortError
from services.installation import Installation
from services.parts import Part, State
from services.voice.line import LineInfo
from telephony.find_ports import find_ports, list_usb
from telephony.forwarding import Forwarding
from telephony.gsm import PART_NAME, Find, GsmService
from telephony.line import CAPABILITIES
from telephony.line_book import LineNames, answering_of
from telephony.modem import NARROW, WIDE
from telephony.modem_lease import hold_by
from telephony.pool import ListUsb, ModemPool
from telephony.settings import TelephonySettings

PLUG_IN = "Plug the modem in, or correct SECRETARY_TELEPHONY__AT_PORT and SECRETARY_TELEPHONY__AUDIO_PORT."
JOIN_DIALOUT = "Join the group that may: sudo usermod -aG dialout $USER, then sign in again."


async def examine(settings: TelephonySettings) -> Part:
    """Look for the modem without opening its ports (a running server holds them)."""
    if not settings.enabled:
        return Part(PART_NAME, State.READY, "The GSM channel is switched off (TELEPHONY__ENABLED).")
    try:
        ports = await find_ports(settings.at_port, settings.audio_port)
    except PortError as error:
        return Part(PART_NAME, State.DEGRADED, error.message, error.remedy)
    for path in (ports.at, ports.audio):
        if not await asyncio.to_thread(os.path.exists, path):
            return Part(PART_NAME, State.DEGRADED, f"The modem's port {path} does not exist.", PLUG_IN)
        if not await asyncio.to_thread(Path(path).is_char_device):
            return Part(PART_NAME, State.DEGRADED, f"{path} is not a serial port.", PLUG_IN)
        if not await asyncio.to_thread(os.access, path, os.R_OK | os.W_OK):
            return Part(PART_NAME, State.DEGRADED, f"The modem's port {path} may not be opened.", JOIN_DIALOUT)
    return Part(PART_NAME, State.READY, f"A modem is plugged in: AT port {ports.at}, audio port {ports.audio}.")


def gsm_service(installation: Installation, settings: TelephonySettings, line: str = "gsm") -> GsmService:
    """Make the service of one modem under a fixed name, for commands and tests."""
    return GsmService(settings, answering_of(installation, settings, line))


def modem_pool(installation: Installation, settings: TelephonySettings, listing: ListUsb = list_usb) -> ModemPool:
    """Make the services of all modems of this machine; each gets the name that its IMEI had before."""
    names = LineNames(installation, settings)

    def make(find: Find) -> GsmService:
        return GsmService(settings, names.unnamed(), find=find, named=names.named, forwarding=forwarding, hold=hold)

    pool = ModemPool(
        make, installation.directory, at_port=settings.at_port, audio_port=settings.audio_port, listing=listing
    )
    forwarding, hold = Forwarding(pool.service), hold_by(installation.books.leases)
    return pool


@asynccontextmanager
async def telephony_channel(installation: Installation, settings: TelephonySettings) -> AsyncIterator[ModemPool]:
    """Take calls from the modems within the context; their state joins the installation's parts."""
    pool = modem_pool(installation, settings)
    installation.watched.append(pool.parts)
    await pool.start()
    info = LineInfo("gsm", "in", installation.company_id, language=installation.settings.language, line="gsm")
    rate = WIDE if settings.wideband else NARROW
    warming = asyncio.create_task(installation.reception.warm(info, rate, CAPABILITIES), name="warming")
    try:
        yield pool
    finally:
        warming.cancel()
        await asyncio.gather(warming, return_exceptions=True)
        await pool.close()
