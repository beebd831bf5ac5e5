"""Webhooks: whom the house tells of what happens, and who may send something in."""

from typing import Annotated

import structlog
from fastapi import APIRouter, Path, Response

from api.webhooks.outgoing_shapes import (
    Arrival,
    Direction,
    OutboxItem,
    Tested,
    Webhook,
    WebhookChange,
    WebhookNew,
    WebhookWithSecret,
    arrival,
    outbox_item,
    webhook,
    with_secret,
)
from services.accounts.roles import Action
from services.accounts.signed_in import SignedIn
from services.delivery.addresses import AddressRules
from services.delivery.signing import checked_secret, new_secret
from services.errors import RefusedError
from services.storage.delivery.announcing import WEBHOOK
from services.storage.delivery.arrivals import Arrivals
from services.storage.delivery.outbox import OutboxBook
from services.storage.delivery.webhooks import Webhooks
from services.web.access import require
from services.web.edits import edit_route
from services.web.etags import ExpectedVersion, give_etag
from services.web.lists import AskedPage, Page
from services.web.problems import problem_responses

WebhookId = Annotated[str, Path(pattern=r"^[0-9A-Za-z-]{1,64}$")]

log = structlog.get_logger()


def webhooks_router(webhooks: Webhooks, rules: AddressRules, services: frozenset[str]) -> APIRouter:
    """Make the routes /admin/webhooks; `services` are those that may send something in."""
    router = _router()

    @router.post("", status_code=201, summary="Make a webhook", responses=problem_responses(409))
    async def make(
        who: Annotated[SignedIn, require("webhooks", Action.EDIT)], response: Response, wanted: WebhookNew
    ) -> WebhookWithSecret:
        """Make a webhook. Its secret is shown in this answer only."""
        if wanted.direction == "out":
            rules.url(wanted.url)
        elif wanted.service not in services:
            raise RefusedError(f"There is no service {wanted.service!r}.", f"Known: {', '.join(sorted(services))}.")
        secret = checked_secret(wanted.secret.get_secret_value()) if wanted.secret else new_secret()
        made = await webhooks.add(
            who.company_id,
            secret,
            direction=wanted.direction,
            service=wanted.service if wanted.direction == "in" else "",
            url=wanted.url,
            events=list(dict.fromkeys(wanted.events)),
            description=wanted.description,
            active=wanted.active,
        )
        log.info("a webhook was made", webhook=made.id, direction=made.direction, user=who.username)
        response.headers["Location"] = f"/admin/webhooks/{made.id}"
        response.headers["Cache-Control"] = "no-store"
        give_etag(response, made.version)
        return with_secret(made, secret)

    @router.get("", summary="List webhooks")
    async def listed(
        who: Annotated[SignedIn, require("webhooks", Action.READ)],
        page: AskedPage,
        direction: Direction | None = None,
    ) -> Page[Webhook]:
        """List webhooks, newest first."""
        found, cursor = await webhooks.list(who.company_id, page.limit, page.cursor, direction=direction or "")
        return Page(items=[webhook(each) for each in found], next_cursor=cursor)

    @router.get("/{webhook_id}", summary="Show a webhook", responses=problem_responses(404))
    async def shown(
        who: Annotated[SignedIn, require("webhooks", Action.READ)], webhook_id: WebhookId, response: Response
    ) -> Webhook:
        """Return a webhook, without its secret."""
        found = await webhooks.get(who.company_id, webhook_id)
        give_etag(response, found.version)
        return webhook(found)

    @edit_route(router, "/{webhook_id}", summary="Change a webhook", responses=problem_responses(404, 409, 412))
    async def changed(
        who: Annotated[SignedIn, require("webhooks", Action.EDIT)],
        webhook_id: WebhookId,
        expected: ExpectedVersion,
        response: Response,
        wanted: WebhookChange,
    ) -> Webhook:
        """Change what is given. Switching it on forgets why it was switched off."""
        changes = wanted.model_dump(exclude_none=True)
        if "url" in changes:
            rules.url(changes["url"])
        found = await webhooks.edit(who.company_id, webhook_id, changes, expected)
        log.info("a webhook was changed", webhook=webhook_id, user=who.username)
        give_etag(response, found.version)
        return webhook(found)

    @router.delete("/{webhook_id}", status_code=204, summary="Delete a webhook", responses=problem_responses(404))
    async def deleted(who: Annotated[SignedIn, require("webhooks", Action.DELETE)], webhook_id: WebhookId) -> None:
        """Delete a webhook, what waits to be sent to it and what came in by it."""
        await webhooks.remove(who.company_id, webhook_id)
        log.info("a webhook was deleted", webhook=webhook_id, user=who.username)

    return router


def webhook_actions_router(webhooks: Webhooks, outbox: OutboxBook, arrivals: Arrivals) -> APIRouter:
    """Make what is done with a webhook, and what went out and came in by it."""
    router = _router()

    @router.post("/{webhook_id}/rotate-secret", summary="Replace the secret", responses=problem_responses(404, 412))
    async def rotated(
        who: Annotated[SignedIn, require("webhooks", Action.EDIT)],
        webhook_id: WebhookId,
        expected: ExpectedVersion,
        response: Response,
    ) -> WebhookWithSecret:
        """Replace the secret, shown in this answer only. For 24 hours the one before is good, too."""
        secret = new_secret()
        found = await webhooks.rotate(who.company_id, webhook_id, secret, expected)
        log.info("a webhook has a new secret", webhook=webhook_id, user=who.username)
        response.headers["Cache-Control"] = "no-store"
        give_etag(response, found.version)
        return with_secret(found, secret)

    @router.post("/{webhook_id}/test", status_code=202, summary="Test a webhook", responses=problem_responses(404, 409))
    async def tested(
        who: Annotated[SignedIn, require("webhooks", Action.ACT)], webhook_id: WebhookId, response: Response
    ) -> Tested:
        """Send a `ping` to it."""
        delivery_id = await webhooks.ping(who.company_id, webhook_id)
        response.headers["Location"] = f"/admin/outbox/{delivery_id}"
        return Tested(delivery_id=delivery_id)

    @router.get("/{webhook_id}/deliveries", summary="What was sent to a webhook", responses=problem_responses(404))
    async def deliveries(
        who: Annotated[SignedIn, require("webhooks", Action.READ)], webhook_id: WebhookId, page: AskedPage
    ) -> Page[OutboxItem]:
        """List what was sent and what waits, newest first; GET /admin/outbox/{id} shows one whole."""
        await webhooks.get(who.company_id, webhook_id)
        found, cursor = await outbox.list(who.company_id, page.limit, page.cursor, kind=WEBHOOK, target=webhook_id)
        return Page(items=[outbox_item(each) for each in found], next_cursor=cursor)

    @router.get("/{webhook_id}/arrivals", summary="What came in by a webhook", responses=problem_responses(404))
    async def came_in(
        who: Annotated[SignedIn, require("webhooks", Action.READ)], webhook_id: WebhookId, page: AskedPage
    ) -> Page[Arrival]:
        """List what came in, newest first."""
        await webhooks.get(who.company_id, webhook_id)
        found, cursor = await arrivals.list(who.company_id, webhook_id, page.limit, page.cursor)
        return Page(items=[arrival(each) for each in found], next_cursor=cursor)

    return router


def _router() -> APIRouter:
    return APIRouter(prefix="/admin/webhooks", tags=["webhooks"], responses=problem_responses(401, 403, 422, 503))
