"""The lines as the routes see them."""

from collections.abc import Mapping, Sequence
from typing import Any

from telephony.line_status import line_status
from telephony.pool import ModemPool
from telephony.router import TextSender
from telephony.sip.channel import sip_status
from telephony.sip.service import SipService


class LineViews:
    """Looks at the modems and at the SIP account, anew each time; a channel that is switched off has no lines."""

    def __init__(self, pool: ModemPool | None, sip: SipService | None = None) -> None:
        self._pool = pool
        self._sip = sip

    def lines_status(self, company_id: str) -> Sequence[Mapping[str, Any]]:
        """Return each line of a company as its status page shows it; an api.calls.gsm.LineStatus."""
        services = self._pool.services if self._pool is not None else []
        lines = [line_status(service) for service in services if service.company_id == company_id]
        if self._sip is not None and self._sip.company_id == company_id:
            lines.append(sip_status(self._sip))
        return lines

    def sender(self, company_id: str, line: str) -> TextSender | None:
        """Return who sends the text messages of a line, None when it has no modem or sends none."""
        service = self._pool.service(line) if self._pool is not None else None
        return service.answering.texts if service is not None and service.company_id == company_id else None
