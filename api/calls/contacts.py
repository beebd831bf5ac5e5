"""Contacts: handing out all that is kept of one, and deleting it."""

from typing import Annotated

import structlog
from fastapi import APIRouter, HTTPException
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from api.calls.shapes import ContactNumber
from api.people.person_data import ZIP, as_zip
from services.accounts.roles import Action
from services.accounts.signed_in import SignedIn
from services.retention.eraser import Eraser
from services.retention.exporter import Exporter
from services.storage.audit.log import Audit
from services.storage.privacy.removal import Removed
from services.web.access import require
from services.web.problems import problem_responses

log = structlog.get_logger()


class Erased(BaseModel):
    """How much was deleted."""

    calls: int
    messages: int
    text_messages: int
    consents: int = 0
    deliveries: int = 0


def contacts_router(eraser: Eraser, exporter: Exporter, audit: Audit) -> APIRouter:
    """Make the routes /admin/contacts/{number} and /admin/contacts/{number}/export."""
    router = APIRouter(prefix="/admin/contacts", tags=["contacts"])

    @router.delete("/{number}", summary="Erase a number", responses=problem_responses(401, 403, 404, 409, 422, 503))
    async def erased(who: Annotated[SignedIn, require("contacts", Action.DELETE)], number: ContactNumber) -> Erased:
        """Delete for good what is kept of a number: calls, recordings, messages, text messages, consents.

        Every spelling of the number will do. What other programs have been told, and will be, goes, too; webhooks that
        want it are told of the erasure. 409 while a call with it goes on.
        """
        removed = await eraser.erase_contact(who.company_id, number)
        gone = Erased.model_validate(removed, from_attributes=True)
        if removed == Removed():
            raise HTTPException(404, "Nothing is kept of this number.")
        log.info("a contact was deleted", user=who.username, **gone.model_dump())
        return gone

    @router.get(
        "/{number}/export",
        response_class=StreamingResponse,
        summary="Export a number",
        responses={**problem_responses(401, 403, 404, 422, 503), **ZIP},
    )
    async def exported(
        who: Annotated[SignedIn, require("contacts", Action.READ)], number: ContactNumber
    ) -> StreamingResponse:
        """Return a ZIP with all that is kept of a number: JSON files and recordings. Who fetches it is audited."""
        pieces = await exporter.of_contact(who.company_id, number)
        await audit.note("export", "contacts", detail={"number": number})
        return as_zip(pieces, "contact.zip")

    return router
