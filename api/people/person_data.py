"""A user's data: handing it out, deleting it; and what every export of a person shares."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Path
from fastapi.responses import StreamingResponse

from services.accounts.people import within
from services.accounts.roles import Action
from services.accounts.signed_in import SignedIn
from services.retention.exporter import Exporter
from services.storage.audit.log import Audit
from services.storage.privacy.person import PersonBook
from services.web.access import require
from services.web.problems import problem_responses

ZIP: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A ZIP with JSON files and sounds.",
        "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
    }
}
"""The answer of a route that exports, for the OpenAPI document."""

UserId = Annotated[str, Path(pattern=r"^[0-9A-Za-z-]{1,64}$")]

log = structlog.get_logger()


def as_zip(pieces: AsyncIterator[bytes], name: str) -> StreamingResponse:
    """Return an answer that sends the pieces as they come, to be saved as `name`."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingResponse(pieces, media_type="application/zip", headers=headers)


def person_data_router(exporter: Exporter, people: PersonBook, audit: Audit) -> APIRouter:
    """Make the route /admin/users/{id}/data."""
    router = APIRouter(
        prefix="/admin/users/{user_id}/data", tags=["users"], responses=problem_responses(401, 403, 404, 422, 503)
    )

    @router.get("", response_class=StreamingResponse, summary="Export a user's data", responses=ZIP)
    async def exported(who: Annotated[SignedIn, require("users", Action.READ)], user_id: UserId) -> StreamingResponse:
        """Return a ZIP with all that is kept of a user: account, chats, keys, sessions, consents, acts. Audited."""
        pieces = await exporter.of_user(who.company_id, user_id, within(who.role))
        await audit.note("export", "users", user_id)
        return as_zip(pieces, "user.zip")

    @router.delete("", status_code=204, summary="Erase a user's data")
    async def erased(who: Annotated[SignedIn, require("users", Action.DELETE)], user_id: UserId) -> None:
        """Delete for good what a user has made: chats, API keys, sessions, consents. The account itself stays."""
        await people.erase_user(who.company_id, user_id, within(who.role))
        log.info("a user's data was erased", erased=user_id, user=who.username)

    return router
