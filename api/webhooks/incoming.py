"""POST /webhooks/{service}/{instance}: verified over the raw body, stored, answered; handled afterwards."""

import re
from typing import Literal

import structlog
from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel

from api.webhooks.shapes import WebhookService
from services.accounts.throttle import network_of
from services.clock import Clock
from services.errors import NotFoundError, SignInError, TooManyAttemptsError
from services.shared.windows import Windows
from services.storage.audit.acting import Actor, act_as
from services.storage.delivery.arrivals import Arrivals
from services.storage.delivery.webhooks import WebhookRecord, Webhooks
from services.web.problems import problem_responses

LONGEST = 1_048_576
MINUTE = 60.0
MOST_A_MINUTE = 600
MOST_FAILURES = 30

_NAME = re.compile(r"[0-9A-Za-z_-]{1,64}")
_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object"}}},
        "description": "What the service sends, signed over these very bytes.",
    }
}

log = structlog.get_logger()


class Accepted(BaseModel):
    """The delivery is stored; `duplicate` when it was before."""

    status: Literal["accepted"] = "accepted"
    duplicate: bool


class Gate:
    """How much one address may send in a minute, and how often it may fail."""

    def __init__(self, windows: Windows) -> None:
        self._windows = windows

    async def enter(self, address: str) -> None:
        """Count one. Raises TooManyAttemptsError."""
        for verdict in (
            await self._windows.peek(f"webhooks:failures:{address}", MOST_FAILURES, MINUTE),
            await self._windows.hit(f"webhooks:all:{address}", MOST_A_MINUTE, MINUTE),
        ):
            if not verdict.allowed:
                raise TooManyAttemptsError(
                    "Too much comes from this address.", "Send it again later.", retry_after=verdict.reset_after
                )

    async def failed(self, address: str) -> None:
        """Count a failure."""
        await self._windows.hit(f"webhooks:failures:{address}", MOST_FAILURES, MINUTE)


def incoming_router(
    webhooks: Webhooks, arrivals: Arrivals, clock: Clock, windows: Windows, known: dict[str, WebhookService]
) -> APIRouter:
    """Make the route, which is public: the signature says who sends."""
    router = APIRouter(prefix="/webhooks", tags=["webhooks"])
    gate = Gate(windows)

    @router.post(
        "/{service}/{instance}",
        summary="Send something in",
        openapi_extra=_BODY,
        responses=problem_responses(401, 404, 413, 422, 429, 503),
    )
    async def arrive(request: Request, service: str, instance: str) -> Accepted:
        """Take in what a program sends, once for each of its delivery ids; a repeated one changes nothing.

        `message.create` leaves a message for the owner. Events of other types are kept for other programs to look up,
        GET /admin/webhooks/{id}/arrivals: nothing else is done with them.
        """
        address = request.client.host if request.client else ""
        network = network_of(address)
        await gate.enter(network)
        body = await _body(request)
        try:
            webhook = await _find(webhooks, known, service, instance)
            secrets = await webhooks.secrets(webhook)
            delivery_id = known[service].verify(request.headers, body, secrets, clock.now())
        except (NotFoundError, SignInError):
            await gate.failed(network)
            raise
        act_as(Actor("webhook", id=webhook.id, company_id=webhook.company_id, address=address))
        kind, payload = known[service].read(body)
        added = await arrivals.add(webhook.company_id, webhook.id, delivery_id, kind, payload)
        log.info("something came in by a webhook", webhook=webhook.id, type=kind, duplicate=not added)
        return Accepted(duplicate=not added)

    return router


async def _find(webhooks: Webhooks, known: dict[str, WebhookService], service: str, instance: str) -> WebhookRecord:
    """Return the webhook of a path. Raises NotFoundError, the same for a service and an instance that is not there."""
    webhook = None
    if service in known and _NAME.fullmatch(instance):
        webhook = await webhooks.incoming(service, instance)
    if webhook is None:
        raise NotFoundError("There is no such webhook.")
    return webhook


async def _body(request: Request) -> bytes:
    taken = bytearray()
    async for part in request.stream():
        taken += part
        if len(taken) > LONGEST:
            raise HTTPException(413, f"A delivery has {LONGEST} bytes at most.")
    return bytes(taken)
