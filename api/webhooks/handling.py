"""What has arrived is handled in the background, by the sender of the outbox: at least once, a crash included."""

from typing import cast

import structlog

from api.webhooks import services
from api.webhooks.shapes import Desk, WebhookService
from services.delivery.shapes import Message, Receipt
from services.discovery import discover
from services.errors import DeliveryError, RefusedError
from services.storage.audit.acting import Actor, acting_as
from services.storage.delivery.arrivals import ArrivalRecord, Arrivals
from services.storage.delivery.webhooks import Webhooks

log = structlog.get_logger()


def known_services() -> dict[str, WebhookService]:
    """Return every service by its name, which is the name of its file and a part of its path."""
    return cast("dict[str, WebhookService]", discover(services, "SERVICE"))


class ArrivalHandler:
    """A services.delivery.shapes.Deliverer of the kind "arrival"."""

    def __init__(
        self, arrivals: Arrivals, webhooks: Webhooks, desk: Desk, known: dict[str, WebhookService] | None = None
    ) -> None:
        self._arrivals = arrivals
        self._webhooks = webhooks
        self._desk = desk
        self._known = known or known_services()

    async def send(self, message: Message) -> Receipt:
        """Handle an arrival. Raises DeliveryError for one that is refused, StorageError."""
        arrival = await self._arrivals.get(message.company_id, str(message.payload.get("arrival", "")))
        if arrival is None or arrival.status != "arrived":
            return Receipt()
        with acting_as(Actor("webhook", id=arrival.webhook_id, company_id=arrival.company_id)):
            try:
                contact = await self._accept(arrival)
            except RefusedError as error:
                await self._arrivals.settle(arrival.company_id, arrival.id, refused=str(error))
                raise DeliveryError(error.message, error.remedy, attempts=1) from None
            await self._arrivals.settle(arrival.company_id, arrival.id, contact=contact)
        log.info("what came in was handled", webhook=arrival.webhook_id, type=arrival.type)
        return Receipt({"type": arrival.type})

    async def _accept(self, arrival: ArrivalRecord) -> str:
        webhook = await self._webhooks.get(arrival.company_id, arrival.webhook_id)
        service = self._known.get(webhook.service)
        if service is None:
            raise RefusedError(f"The service {webhook.service!r} is not installed any more.")
        return await service.accept(arrival, self._desk)
