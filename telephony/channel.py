"""The GSM channel as the orchestrator mounts it: one line there, everything else here."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.errors import PortError
from services.installation import Installation
from services.parts import Part, State
from services.voice.line import LineInfo
from telephony.find_ports import find_ports
from telephony.gsm import PART_NAME, GsmService
from telephony.line import GsmLine
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
        if not await asyncio.to_thread(os.access, path, os.R_OK | os.W_OK):
            return Part(PART_NAME, State.DEGRADED, f"The modem's port {path} may not be opened.", JOIN_DIALOUT)
    return Part(PART_NAME, State.READY, f"A modem is plugged in: AT port {ports.at}, audio port {ports.audio}.")


def gsm_service(installation: Installation, settings: TelephonySettings, line: str = "gsm") -> GsmService:
    """Make the service that takes this installation's calls; `line` names the modem in the calls' records."""
    language, company_id = installation.settings.language, installation.company_id

    async def missed(number: str) -> None:
        await installation.reception.missed(LineInfo("gsm", "in", company_id, number, language=language, line=line))

    return GsmService(
        settings, installation.reception.take, company_id=company_id, language=language, line=line, missed=missed
    )


@asynccontextmanager
async def telephony_channel(installation: Installation, settings: TelephonySettings) -> AsyncIterator[GsmService]:
    """Take calls from the modem within the context; its state joins the installation's parts."""
    service = gsm_service(installation, settings)
    installation.watched.append(lambda: [service.part()])
    await service.start()
    info = LineInfo("gsm", "in", installation.company_id, language=installation.settings.language, line="gsm")
    warming = asyncio.create_task(installation.reception.warm(info, GsmLine.rate, GsmLine.capabilities), name="warming")
    try:
        yield service
    finally:
        warming.cancel()
        await asyncio.gather(warming, return_exceptions=True)
        await service.close()
