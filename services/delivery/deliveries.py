"""What the platform opens of this room: the sender with the deliverer of webhooks, and the guarded client."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.clock import Clock
from services.delivery.addresses import AddressRules
from services.delivery.outbound import OutboundClient
from services.delivery.sender import Sender
from services.delivery.settings import WebhookSettings
from services.delivery.shapes import Deliverer
from services.delivery.webhooks import WebhookDeliverer
from services.storage.database import Database
from services.storage.delivery.announcing import WEBHOOK
from services.storage.delivery.outbox import OutboxBook
from services.storage.delivery.outbox_queue import OutboxQueue
from services.storage.delivery.webhooks import Vault, Webhooks


class Deliveries:
    """`register` gives a channel's deliverer to the sender; nothing is sent but within `running`."""

    def __init__(
        self, database: Database, outbox: OutboxBook, vault: Vault, settings: WebhookSettings, clock: Clock
    ) -> None:
        self.webhooks = Webhooks(database, vault, clock)
        self.rules = AddressRules(settings)
        self.client = OutboundClient(self.rules)
        self._sender = Sender(OutboxQueue(database, clock), outbox.bell, clock)
        self.register(WEBHOOK, WebhookDeliverer(self.webhooks, self.client, clock))

    def register(self, kind: str, deliverer: Deliverer) -> None:
        """From now on messages of this kind are sent by `deliverer`."""
        self._sender.register(kind, deliverer)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Send within the context."""
        async with self._sender.running():
            yield

    async def close(self) -> None:
        """Close the connections that webhooks keep."""
        await self.client.close()
