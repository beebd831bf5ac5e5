"""The SIP channel as the orchestrator mounts it: one line there, everything else here."""

import asyncio
import importlib.util
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import structlog

from services.errors import SecretaryError
from services.installation import Installation
from services.parts import Part, State
from services.voice.line import LineInfo
from telephony.answering import Answering
from telephony.modem_lease import hold_account
from telephony.policy.gatekeeper import Gatekeeper
from telephony.sip.account import PART_NAME
from telephony.sip.agent import INSTALL
from telephony.sip.jitter import RATE
from telephony.sip.line import CAPABILITIES
from telephony.sip.service import SipService
from telephony.sip.settings import SipSettings

FIRST_NAME = "sip"
NAMING_SECONDS = 5.0

log = structlog.get_logger()


def examine(settings: SipSettings) -> Part:
    """Tell whether calls over SIP could be taken, without taking the port (a running server holds it)."""
    if not settings.enabled:
        return Part(PART_NAME, State.READY, "The SIP channel is switched off (SIP__ENABLED).")
    if importlib.util.find_spec("sippy") is None:
        return Part(PART_NAME, State.DEGRADED, "The package sippy is not installed.", INSTALL)
    where = f"registers at {settings.server}" if settings.registers else f"listens on UDP port {settings.bind_port}"
    return Part(PART_NAME, State.READY, f"The SIP channel {where}.")


async def sip_service(installation: Installation, settings: SipSettings) -> SipService:
    """Make the service of this installation's account, under the name that the account had before."""
    house, reception = installation.settings, installation.reception
    name = await _name(installation, settings)
    info = LineInfo("sip", "in", installation.company_id, language=house.language, line=name)
    door = Gatekeeper(
        installation.books.lines,
        installation.books.call_counts,
        installation.books.companies,
        installation.clock,
        installation.errands,
        language=house.language,
    )

    async def missed(number: str) -> None:
        await reception.missed(replace(info, number=number))

    async def rejected(number: str, reason: str) -> None:
        await reception.rejected(replace(info, number=number), reason)

    answering = Answering(reception.take, info, missed, rejected, door)
    hold = partial(_hold, installation, _identity(settings), name) if settings.registers else None
    return SipService(settings, answering, hold=hold, clock=installation.clock)


@asynccontextmanager
async def _hold(installation: Installation, account: str, line: str) -> AsyncIterator[None]:
    """Hold the account, and close the calls that a process which had it before has left open."""
    async with hold_account(installation.books.leases, account):
        try:
            await installation.books.calls.close_open_calls(line)
        except SecretaryError as error:
            log.warning("calls that were left open cannot be closed", error=str(error), line=line)
        yield


def _identity(settings: SipSettings) -> str:
    return f"{settings.username}@{settings.domain or settings.server}"


@asynccontextmanager
async def sip_channel(installation: Installation, settings: SipSettings) -> AsyncIterator[SipService]:
    """Take and place calls over SIP within the context; the line's state joins the installation's parts."""
    service = await sip_service(installation, settings)
    installation.watched.append(lambda: [service.part()])
    installation.directory.add(service)
    await service.start()
    reception, info = installation.reception, service.answering.info
    warming = asyncio.create_task(reception.warm(info, RATE, CAPABILITIES), name="warming")
    try:
        yield service
    finally:
        installation.directory.remove(service)
        warming.cancel()
        await asyncio.gather(warming, return_exceptions=True)
        await service.close()


def sip_status(service: SipService) -> dict[str, Any]:
    """Return what is known of the line now, JSON-ready, as telephony.line_status does; `problems` newest first."""
    part, account = service.part(), service.account
    return {
        "name": service.name,
        "kind": "sip",
        "state": part.state.value,
        "detail": part.detail,
        "remedy": part.remedy,
        "connected": account.up,
        "problems": [{"at": each.at, "problem": each.problem} for each in account.problems.newest_first()],
        "port": account.address[1],
        "calls": [
            {
                "number": line.info.number,
                "direction": line.info.direction,
                "call": "talking" if line.answered else "dialling" if line.info.direction == "out" else "ringing",
            }
            for line in service.lines
        ],
    }


async def _name(installation: Installation, settings: SipSettings) -> str:
    identity = _identity(settings)
    try:
        async with asyncio.timeout(NAMING_SECONDS):
            return await installation.books.lines.name_for(installation.company_id, "sip", identity)
    except (SecretaryError, TimeoutError) as error:  # a line under the wrong name is better than none
        log.error("the SIP line could not be looked up", error=str(error), line=FIRST_NAME)
        return FIRST_NAME
