"""The telephone lines: how each is, and what happened on it today."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any, Protocol
from zoneinfo import ZoneInfo

from fastapi import APIRouter

from services.accounts.roles import Action
from services.accounts.signed_in import SignedIn
from services.clock import Clock
from services.storage.calls.line_counts import LineCounts, Tallies
from services.storage.people.companies import Companies
from services.web.access import require
from services.web.problems import problem_responses


class LineStatus(Protocol):
    """Where the state of the lines is known (the telephone channel)."""

    def lines_status(self, company_id: str) -> Sequence[Mapping[str, Any]]:
        """Return each line of a company: `name`, operator, signal, registration, SIM, temperature, errors."""
        ...


def gsm_router(status: LineStatus, tallies: Tallies, companies: Companies, clock: Clock) -> APIRouter:
    """Make the route /admin/gsm."""
    router = APIRouter(prefix="/admin/gsm", tags=["lines"])

    @router.get("", summary="List the lines", responses=problem_responses(401, 403, 503))
    async def lines(who: Annotated[SignedIn, require("gsm", Action.READ)]) -> list[dict[str, Any]]:
        """List the lines: operator, signal, registration, SIM card, temperature, errors; `today` counts calls."""
        company = await companies.profile(who.company_id)
        zone = ZoneInfo(company.time_zone if company else "UTC")
        midnight = clock.now().astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        today = await tallies.since(who.company_id, midnight)
        return [
            {**line, "today": asdict(today.get(str(line.get("name")), LineCounts()))}
            for line in status.lines_status(who.company_id)
        ]

    return router
