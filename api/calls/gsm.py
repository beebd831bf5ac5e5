"""The telephone lines: how each is, and what happened on it today."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any, Protocol
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path

from services.accounts.roles import Action
from services.accounts.signed_in import SignedIn
from services.clock import Clock
from services.errors import NotFoundError
from services.storage.calls.line_counts import LineCounts, Tallies
from services.storage.people.companies import Companies
from services.web.access import require
from services.web.lists import Page
from services.web.problems import problem_responses

Reading = Annotated[SignedIn, require("gsm", Action.READ)]


class LineStatus(Protocol):
    """Where the state of the lines is known (the telephone channel)."""

    def lines_status(self, company_id: str) -> Sequence[Mapping[str, Any]]:
        """Return each line of a company: `name`, operator, signal, registration, SIM, temperature, errors."""
        ...


def gsm_router(status: LineStatus, tallies: Tallies, companies: Companies, clock: Clock) -> APIRouter:
    """Make the routes /admin/gsm and /admin/gsm/{line}."""
    router = APIRouter(prefix="/admin/gsm", tags=["lines"])

    @router.get("", summary="List the lines", responses=problem_responses(401, 403, 503))
    async def lines(who: Reading) -> Page[dict[str, Any]]:
        """List the lines: operator, signal, registration, SIM card, temperature, errors; `today` counts calls."""
        return Page(items=await looked(who.company_id), next_cursor=None)

    @router.get("/{line}", summary="Show a line", responses=problem_responses(401, 403, 404, 422, 503))
    async def one(who: Reading, line: Annotated[str, Path(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")]) -> dict[str, Any]:
        """Return one line by its name, which is its `id`."""
        found = next((each for each in await looked(who.company_id) if each["id"] == line), None)
        if found is None:
            raise NotFoundError(f"There is no line {line!r}.", "GET /admin/gsm lists them.")
        return found

    async def looked(company_id: str) -> list[dict[str, Any]]:
        company = await companies.profile(company_id)
        zone = ZoneInfo(company.time_zone if company else "UTC")
        midnight = clock.now().astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        today = await tallies.since(company_id, midnight)
        return [
            {"id": line["name"], **line, "today": asdict(today.get(str(line.get("name")), LineCounts()))}
            for line in status.lines_status(company_id)
        ]

    return router
