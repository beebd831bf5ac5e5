"""Who takes the calls of each line of the installation, and under which name a modem is known."""

import asyncio
from dataclasses import replace

import structlog

from services.domain import CompanyProfile
from services.errors import SecretaryError
from services.installation import Installation
from services.voice.line import LineInfo
from telephony.answering import Answering
from telephony.policy.gatekeeper import Gatekeeper
from telephony.settings import TelephonySettings
from telephony.sms.build import build_sms
from telephony.startup import Identity

FIRST_NAME = "gsm"
NAMING_SECONDS = 5.0

log = structlog.get_logger()


def answering_of(
    installation: Installation, settings: TelephonySettings, name: str, door: Gatekeeper | None = None
) -> Answering:
    """Return who takes the calls of the line `name`, and hears of those that come to nothing."""
    reception = installation.reception
    info = LineInfo("gsm", "in", installation.company_id, language=installation.settings.language, line=name)

    async def missed(number: str) -> None:
        await reception.missed(replace(info, number=number))

    async def rejected(number: str, reason: str) -> None:
        await reception.rejected(replace(info, number=number), reason)

    door = door or gatekeeper(installation, settings)
    texts = build_sms(
        texts=installation.books.texts,
        company=CompanyProfile(installation.company_id, "", info.language, installation.settings.time_zone),
        line=name,
        language=info.language,
        clock=installation.clock,
        secretary=installation.secretary,
        companies=installation.books.companies,
        personas=installation.books.personas,
        threads=installation.books.conversations,
        policies=door,
        settings=settings.sms,
    )
    return Answering(reception.take, info, missed, rejected, door, texts, reception.noted)


def gatekeeper(installation: Installation, settings: TelephonySettings) -> Gatekeeper:
    """Return who decides about the calls of all lines."""
    return Gatekeeper(
        installation.books.lines,
        installation.books.call_counts,
        installation.books.companies,
        installation.clock,
        installation.errands,
        language=installation.settings.language,
        rings=settings.answer_after_rings,
    )


class LineNames:
    """Gives each modem the line it was before: by its IMEI, wherever it is plugged in."""

    def __init__(self, installation: Installation, settings: TelephonySettings) -> None:
        self.door = gatekeeper(installation, settings)
        self._installation = installation
        self._settings = settings
        self._answering: dict[str, Answering] = {}
        self._taken_over: set[str] = set()

    def unnamed(self) -> Answering:
        """Return who takes the calls of a modem that has not said yet who it is: nobody calls it before."""
        return self._of(FIRST_NAME)

    async def named(self, identity: Identity) -> Answering:
        """Return who takes the calls of this modem."""
        return self._of(await self._name(identity))

    async def _name(self, identity: Identity) -> str:
        lines, company_id = self._installation.books.lines, self._installation.company_id
        try:
            async with asyncio.timeout(NAMING_SECONDS):
                name = await lines.name_for(company_id, "gsm", identity.imei)
                if name not in self._taken_over:  # who had the modem before may have been killed in a call
                    await self._installation.books.calls.close_open_calls(name)
                    self._taken_over.add(name)
                return name
        except (SecretaryError, TimeoutError) as error:  # a line under the wrong name is better than none
            log.error("the modem's line could not be looked up", error=str(error), line=FIRST_NAME)
            return FIRST_NAME

    def _of(self, name: str) -> Answering:
        if name not in self._answering:
            self._answering[name] = answering_of(self._installation, self._settings, name, self.door)
        return self._answering[name]
