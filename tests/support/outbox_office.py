"""An outbox with a sender and a deliverer that only notes, over a real database and a clock that a test moves."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from eventually import eventually

from services.delivery.sender import Sender, SenderLimits
from services.delivery.shapes import Message, Receipt
from services.storage.database import Database
from services.storage.delivery.outbox import NewMessage, OutboxBook, OutboxRecord
from services.storage.delivery.outbox_queue import OutboxQueue

LIMITS = SenderLimits(poll=0.02, send=5.0, lease=30.0, trouble=0.05, closing=1.0)


class HandClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def monotonic(self) -> float:
        return self.ahead

    def now(self) -> datetime:
        return datetime(2026, 11, 21, 12, tzinfo=UTC) + timedelta(seconds=self.ahead)


class Post:
    """A deliverer that notes what it sends; `does` may raise, or wait."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.does: Callable[[Message], BaseException | float | None] = lambda _message: None

    async def send(self, message: Message) -> Receipt:
        self.sent.append(message)
        what = self.does(message)
        if isinstance(what, BaseException):
            raise what
        if what:
            await asyncio.sleep(what)
        return Receipt({"took": message.attempt})

    def targets(self) -> list[str]:
        return [each.target for each in self.sent]


class Office:
    """An outbox with one sender, whose clock stands still until it is moved."""

    def __init__(self, database: Database, clock: HandClock | None = None, limits: SenderLimits = LIMITS) -> None:
        self.database = database
        self.clock = clock or HandClock()
        self.book = OutboxBook(database, self.clock)
        self.post = Post()
        queue = OutboxQueue(database, self.clock)
        self.sender = Sender(queue, self.book.bell, self.clock, limits, uniform=lambda _low, _high: 1.0)
        self.sender.register("post", self.post)

    async def put(self, key: str, target: str = "t", *, ordered: bool = False, days: float = 3) -> None:
        message = NewMessage("post", key, {"key": key}, target, ordered, keep_trying=timedelta(days=days))
        await self.book.put_in("default", message)

    async def one(self, key: str) -> OutboxRecord:
        rows, _ = await self.book.list("default", 200)
        return next(row for row in rows if row.key == key)

    async def until(self, key: str, holds: Callable[[OutboxRecord], bool]) -> OutboxRecord:
        return await eventually(lambda: self.one(key), holds)

    async def delivered(self, *keys: str) -> None:
        for key in keys:
            await self.until(key, lambda row: row.status == "delivered")
