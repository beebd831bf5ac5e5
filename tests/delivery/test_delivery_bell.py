"""What one process puts into the outbox wakes the senders of the others, over a real Redis."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from redis_server import redis_server

from services.clock import LoopClock
from services.delivery.sender import Sender, SenderLimits
from services.delivery.shapes import Message, Receipt
from services.events import EventBus
from services.shared.shared import Shared
from services.storage.database import Database
from services.storage.delivery.outbox import NewMessage, OutboxBook
from services.storage.delivery.outbox_queue import OutboxQueue
from services.storage.people.companies import Companies

LIMITS = SenderLimits(poll=3600.0)  # nothing but the bell wakes a sender


class Post:
    """A deliverer; what it sends is in its queue."""

    def __init__(self) -> None:
        self.sent: asyncio.Queue[str] = asyncio.Queue()

    async def send(self, message: Message) -> Receipt:
        self.sent.put_nowait(str(message.payload["key"]))
        return Receipt({})


@asynccontextmanager
async def process(url: str, redis_url: str, post: Post | None) -> AsyncIterator[OutboxBook]:
    """A process with its sender; without `post` it has no deliverer for what the others have."""
    database, clock, bus = Database(url), LoopClock(), EventBus()
    await database.migrate()
    await Companies(database).ensure_default("Bakery", "en", "UTC", {})
    shared = Shared(redis_url, clock, patience=5.0)
    await shared.open()
    book, relay = OutboxBook(database), shared.relay(bus)
    book.bell.tell = partial(relay.note, "outbox")
    relay.hear("outbox", lambda _: book.bell.wake())
    sender = Sender(OutboxQueue(database), book.bell, clock, LIMITS)
    sender.register("other" if post is None else "post", post or Post())
    try:
        async with relay.running(), sender.running():
            async with asyncio.timeout(20):
                await relay.listening()
            await asyncio.sleep(0.2)  # it has looked, and waits
            yield book
    finally:
        await shared.close()
        await database.close()


async def test_what_is_put_in_at_one_is_sent_at_once_by_the_other_that_can(delivery_url: str) -> None:
    post = Post()
    with redis_server() as redis:
        async with process(delivery_url, redis.url, None) as book, process(delivery_url, redis.url, post):
            for key in ("first", "second"):
                await book.put_in("default", NewMessage("post", key, {"key": key}))
                async with asyncio.timeout(20):
                    assert await post.sent.get() == key
            await asyncio.sleep(0.2)
            assert post.sent.empty()
