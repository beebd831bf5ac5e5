"""Contacts: deleting all that is kept of one."""

from typing import Annotated

import structlog
from fastapi import APIRouter, HTTPException
from pydantic import BaseModel

from api.call_shapes import ContactNumber
from services.accounts.roles import Action
from services.accounts.signed_in import SignedIn
from services.retention.eraser import Eraser
from services.storage.removal import Removed
from services.web.access import require
from services.web.problems import problem_responses

log = structlog.get_logger()


class Erased(BaseModel):
    """How much was deleted."""

    calls: int
    messages: int
    text_messages: int


def contacts_router(eraser: Eraser) -> APIRouter:
    """Make the route /admin/contacts/{number}."""
    router = APIRouter(prefix="/admin/contacts", tags=["contacts"])

    @router.delete("/{number}", summary="Erase a number", responses=problem_responses(401, 403, 404, 409, 422, 503))
    async def erased(who: Annotated[SignedIn, require("contacts", Action.DELETE)], number: ContactNumber) -> Erased:
        """Delete for good what is kept of a number: calls, recordings, messages, text messages, conversations.

        `number` is written as lists show it. 409 while a call with it goes on.
        """
        removed = await eraser.erase_contact(who.company_id, number)
        gone = Erased(calls=removed.calls, messages=removed.messages, text_messages=removed.text_messages)
        if removed == Removed():
            raise HTTPException(404, "Nothing is kept of this number.")
        log.info("a contact was deleted", user=who.username, **gone.model_dump())
        return gone

    return router
