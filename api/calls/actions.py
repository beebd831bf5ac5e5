"""Acting on a call that goes on: ending it, pressing keys, handing it to a person."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import structlog
from fastapi import APIRouter, HTTPException

from api.calls.calls import CallId
from api.calls.shapes import Digits, TransferTo
from services.accounts.roles import Action
from services.accounts.signed_in import SignedIn
from services.errors import LineError
from services.storage.audit.log import Audit
from services.storage.calls.calls import CallStore
from services.voice.directory import LineDirectory
from services.voice.line import AudioLine, Capability
from services.web.access import require
from services.web.idempotency import Idempotent, IdempotentRoute
from services.web.problems import problem_responses

PATIENCE = 60.0  # seconds; a colleague's telephone rings for 45, 32 keys take a modem some ten

Acting = Annotated[SignedIn, require("calls", Action.ACT)]

log = structlog.get_logger()


def call_actions_router(
    calls: CallStore, directory: LineDirectory, audit: Audit, patience: float = PATIENCE
) -> APIRouter:
    """Make the routes /admin/calls/{id}/end, digits and transfer; a line has `patience` seconds to do it."""
    router = APIRouter(
        prefix="/admin/calls/{call_id}",
        tags=["calls"],
        responses=problem_responses(401, 403, 404, 409, 422, 503),
        route_class=IdempotentRoute,
    )

    @asynccontextmanager
    async def acting(who: SignedIn, call_id: str, action: str) -> AsyncIterator[AudioLine]:
        live = directory.call(who.company_id, call_id)
        if live is None:
            known = await calls.get(who.company_id, call_id)
            raise HTTPException(404, "There is no such call.") if known is None else LineError("The call is over.")
        await audit.note(action, "calls", call_id)
        log.info("a call was acted on", call=call_id, action=action, user=who.username)
        try:
            async with asyncio.timeout(patience):
                yield live.line
        except TimeoutError:
            raise LineError("The line did not do it in time.", "GET /admin/gsm tells how the line is.") from None

    @router.post("/end", status_code=204, summary="Hang up")
    async def end(who: Acting, call_id: CallId, _: Idempotent) -> None:
        """Hang up; what the secretary is saying is cut. It is over when this answers."""
        async with acting(who, call_id, "end") as line:
            await line.hangup()

    @router.post("/digits", status_code=204, summary="Press keys")
    async def digits(who: Acting, call_id: CallId, pressed: Digits, _: Idempotent) -> None:
        """Press keys (DTMF)."""
        async with acting(who, call_id, "digits") as line:
            _expect(line, "cannot press keys", Capability.DIGITS_OUT)
            await line.send_digits(pressed.digits.upper())

    @router.post("/transfer", status_code=204, summary="Connect with a person")
    async def transfer(who: Acting, call_id: CallId, wanted: TransferTo, _: Idempotent) -> None:
        """Connect the other side with a person, or have that person call back where the line can do no more.

        Answers when both talk, or when the person was asked to call back.
        """
        async with acting(who, call_id, "transfer") as line:
            _expect(line, "cannot connect with a person", Capability.TRANSFER, Capability.CALL_BACK)
            await line.transfer(wanted.to)

    return router


def _expect(line: AudioLine, what: str, *any_of: Capability) -> None:
    if not line.capabilities.intersection(any_of):
        raise LineError(f"This line {what}.")
