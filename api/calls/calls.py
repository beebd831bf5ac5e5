"""Calls: placed, listed, shown, deleted."""

import asyncio
from typing import Annotated, Literal

import structlog
from fastapi import APIRouter, HTTPException, Path, Query, Response

from api.calls.shapes import (
    CallDetail,
    CallPlaced,
    CallRequest,
    CallSummary,
    ContactNumber,
    Name,
    Outcome,
    detail,
    summary,
)
from services.accounts.roles import Action
from services.accounts.signed_in import SignedIn
from services.errors import StorageError
from services.retention.eraser import Eraser
from services.storage.audit.log import Audit
from services.storage.calls.calls import CallFilter, CallStore
from services.storage.content.personas import Personas
from services.voice.directory import CallOrder, LineDirectory
from services.web.access import require
from services.web.idempotency import Idempotent, IdempotentRoute
from services.web.limits import limited
from services.web.lists import AskedPage, Page
from services.web.problems import problem_responses

CallId = Annotated[str, Path(pattern=r"^[0-9A-Za-z-]{1,64}$")]

log = structlog.get_logger()

_NO_CALL = "There is no such call."


def calls_router(
    calls: CallStore, personas: Personas, directory: LineDirectory, eraser: Eraser, audit: Audit
) -> APIRouter:
    """Make the routes /admin/calls and /admin/calls/{id}."""
    router = APIRouter(
        prefix="/admin/calls",
        tags=["calls"],
        responses=problem_responses(401, 403, 422, 503),
        route_class=IdempotentRoute,
    )

    @router.post("", status_code=202, summary="Place a call", responses=problem_responses(409))
    async def call(
        who: Annotated[SignedIn, require("calls", Action.ACT)],
        _once: Idempotent,
        _limited: Annotated[None, limited("calls_per_day")],
        response: Response,
        wanted: CallRequest,
    ) -> CallPlaced:
        """Call somebody, with the secretary on the line. 409 says why it cannot be: the line's policy, no line free."""
        if wanted.persona and await personas.get(who.company_id, wanted.persona) is None:
            raise HTTPException(422, f"There is no persona {wanted.persona!r}.")
        call_id = await directory.dial(CallOrder(who.company_id, **wanted.model_dump()))
        log.info("a call was placed", call=call_id, line=wanted.line, user=who.username)
        try:  # it rings already: whoever asked must not take a database that is away for a call that was not placed
            await audit.note("place", "calls", call_id, {"to": wanted.to, "line": wanted.line})
            await _until_known(calls, who.company_id, call_id)
        except StorageError as error:
            log.error("a placed call could not be noted", call=call_id, error=str(error))
        response.headers["Location"] = f"/admin/calls/{call_id}"
        return CallPlaced(id=call_id)

    @router.get("", summary="List calls")
    async def listed(
        who: Annotated[SignedIn, require("calls", Action.READ)],
        page: AskedPage,
        line: Annotated[Name, Query()] = "",
        direction: Literal["in", "out"] | None = None,
        outcome: Outcome | None = None,
        number: ContactNumber | None = None,
    ) -> Page[CallSummary]:
        """List calls, newest first."""
        only = CallFilter(line, direction or "", outcome or "", number or "")
        found, cursor = await calls.list(who.company_id, page.limit, page.cursor, only=only)
        return Page(items=[summary(each) for each in found], next_cursor=cursor)

    @router.get("/{call_id}", summary="Show a call", responses=problem_responses(404))
    async def shown(who: Annotated[SignedIn, require("calls", Action.READ)], call_id: CallId) -> CallDetail:
        """Return a call with all that was said."""
        found = await calls.get(who.company_id, call_id)
        if found is None:
            raise HTTPException(404, _NO_CALL)
        return detail(found, await calls.turns(who.company_id, call_id))

    @router.delete("/{call_id}", status_code=204, summary="Delete a call", responses=problem_responses(404, 409))
    async def deleted(who: Annotated[SignedIn, require("calls", Action.DELETE)], call_id: CallId) -> None:
        """Delete a call for good: what was said, its recording, the messages left in it. 409 while it goes on."""
        if not await eraser.erase_call(who.company_id, call_id):
            raise HTTPException(404, _NO_CALL)
        await audit.note("delete", "calls", call_id)
        log.info("a call was deleted", call=call_id, user=who.username)

    return router


async def _until_known(calls: CallStore, company_id: str, call_id: str) -> None:
    """Wait, a second at most, until the call can be asked for: it is stored as it begins."""
    for _ in range(20):
        if await calls.get(company_id, call_id) is not None:
            return
        await asyncio.sleep(0.05)
