"""The outbox: what leaves the house, what waits, and what could not be delivered."""

from typing import Annotated

import structlog
from fastapi import APIRouter, Path, Query

from api.webhooks.outgoing_shapes import OutboxDetail, OutboxItem, Status, outbox_detail, outbox_item
from services.accounts.roles import Action
from services.accounts.signed_in import SignedIn
from services.storage.delivery.outbox import OutboxBook
from services.web.access import require
from services.web.lists import AskedPage, Page
from services.web.problems import problem_responses

MessageId = Annotated[str, Path(pattern=r"^[0-9A-Za-z-]{1,64}$")]
Kind = Annotated[str, Query(pattern=r"^[a-z0-9_-]{0,64}$", description="the deliverer's name", examples=["webhook"])]

log = structlog.get_logger()


def outbox_router(outbox: OutboxBook) -> APIRouter:
    """Make the routes /admin/outbox."""
    router = APIRouter(prefix="/admin/outbox", tags=["outbox"], responses=problem_responses(401, 403, 422, 503))

    @router.get("", summary="List the outbox")
    async def listed(
        who: Annotated[SignedIn, require("outbox", Action.READ)],
        page: AskedPage,
        status: Status | None = None,
        kind: Kind = "",
    ) -> Page[OutboxItem]:
        """List messages, newest first; `status=dead` are those that were given up."""
        found, cursor = await outbox.list(who.company_id, page.limit, page.cursor, status=status or "", kind=kind)
        return Page(items=[outbox_item(each) for each in found], next_cursor=cursor)

    @router.get("/{message_id}", summary="Show a message of the outbox", responses=problem_responses(404))
    async def shown(who: Annotated[SignedIn, require("outbox", Action.READ)], message_id: MessageId) -> OutboxDetail:
        """Return a message with its content and what the receiver said."""
        return outbox_detail(await outbox.get(who.company_id, message_id))

    @router.post("/{message_id}/retry", summary="Send a message again", responses=problem_responses(404, 409))
    async def retried(who: Annotated[SignedIn, require("outbox", Action.ACT)], message_id: MessageId) -> OutboxDetail:
        """Try a waiting message now, or begin anew with a dead one. 409 when it was delivered."""
        found = await outbox.retry(who.company_id, message_id)
        log.info("a message is sent again", message=message_id, user=who.username)
        return outbox_detail(found)

    @router.post("/{message_id}/drop", status_code=204, summary="Drop a message", responses=problem_responses(404))
    async def dropped(who: Annotated[SignedIn, require("outbox", Action.DELETE)], message_id: MessageId) -> None:
        """Delete a message; what waits is not sent. One that is being sent now may still arrive."""
        await outbox.drop(who.company_id, message_id)
        log.info("a message was dropped", message=message_id, user=who.username)

    return router
