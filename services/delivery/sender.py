"""The sender: takes what is due from the outbox, lets the deliverer of its kind send it, notes what became of it.

At least once: a crash between sending and noting sends it again, under the same id. Several processes share the work.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import structlog

from services.clock import Clock
from services.delivery.backoff import PAUSES, Breakers, pause
from services.delivery.owners import is_gone, own_name
from services.delivery.shapes import Deliverer, Message, Receipt
from services.errors import DeliveryError, SecretaryError, StorageError
from services.storage.delivery.bell import Bell
from services.storage.delivery.outbox_queue import Claimed, OutboxQueue, Target

ATTEMPTS = len(PAUSES) + 1
_EXPIRE_EVERY = 60.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SenderLimits:
    """Seconds and counts: `poll` between looks for what other processes put in; `send` for one attempt; `lease` longer.

    `together` messages are under way at once, `per_target` of them to one target.
    """

    poll: float = 5.0
    send: float = 30.0
    lease: float = 90.0
    trouble: float = 5.0
    closing: float = 5.0
    together: int = 16
    per_target: int = 4


class Sender:
    """Owns a task while it is `running`."""

    def __init__(
        self,
        queue: OutboxQueue,
        bell: Bell,
        clock: Clock,
        limits: SenderLimits | None = None,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.deliverers: dict[str, Deliverer] = {}
        self._queue = queue
        self._bell = bell
        self._clock = clock
        self._limits = limits or SenderLimits()
        self._uniform = uniform
        self._breakers = Breakers(clock)
        self._name = own_name()
        self._under_way: dict[asyncio.Task[None], Target] = {}
        self._expired_at = float("-inf")

    def register(self, kind: str, deliverer: Deliverer) -> None:
        """From now on messages of this kind are sent by `deliverer`."""
        self.deliverers[kind] = deliverer
        self._bell.wake()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Send within the context; what is under way at its end has five seconds, the rest is due again."""
        self._bell.listen()
        task = asyncio.create_task(self._run(), name="outbox")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self._close()

    async def _close(self) -> None:
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=self._limits.closing)
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _run(self) -> None:
        try:
            await self._queue.free_leases(is_gone)
        except SecretaryError as error:  # they run out by themselves
            log.warning("the outbox cannot be read", error=str(error))
        while True:
            try:
                await self._bell.wait(await self._round())
            except SecretaryError as error:
                log.warning("the outbox cannot be read", error=str(error))
                await asyncio.sleep(self._limits.trouble)
            except Exception:
                log.exception("the outbox failed")
                await asyncio.sleep(self._limits.trouble)

    async def _round(self) -> float:
        """Begin to send what is due; return for how many seconds there is nothing to do unless the bell rings."""
        self._bell.listen()  # before looking: what is put in while we look rings again
        await self._expire()
        while self.deliverers and (free := self._limits.together - len(self._under_way)) > 0:
            shut, busy = self._breakers.shut(), self._busy()
            skipped = [*shut, *(target for target, count in busy.items() if count >= self._limits.per_target)]
            due = await self._queue.next_due(self.deliverers, skipped)
            wait = self._limits.poll if due is None else (due - self._clock.now()).total_seconds()
            if wait > 0:
                return max(0.0, min(wait, self._limits.poll, *shut.values()))
            claimed = await self._queue.claim(
                self._name,
                timedelta(seconds=self._limits.lease),
                self.deliverers,
                most=free,
                per_target=self._limits.per_target,
                under_way=busy,
                shut=shut,
            )
            for each in claimed:
                self._start(each)
            if not claimed:  # another process was faster
                return self._limits.poll if due is None else min(1.0, self._limits.poll)
        return self._limits.poll

    def _busy(self) -> Counter[Target]:
        """Return how many messages are under way to each target; one that is on trial counts as nearly full."""
        busy = Counter(self._under_way.values())
        for target in self._breakers.trying():
            busy[target] += self._limits.per_target - 1
        return busy

    def _start(self, claimed: Claimed) -> None:
        task = asyncio.create_task(self._send(claimed), name=f"deliver {claimed.message.id}")
        self._under_way[task] = claimed.target
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        del self._under_way[task]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("what became of a message cannot be noted", error=str(error))
        self._bell.wake()

    async def _send(self, claimed: Claimed) -> None:
        try:
            receipt = await self._attempt(claimed)
        except DeliveryError as error:
            await self._failed(claimed, error)
        except asyncio.CancelledError:
            await asyncio.shield(self._give_back(claimed))
            raise
        else:
            self._breakers.worked(claimed.target)
            await self._queue.delivered(claimed, receipt.detail, self._limits.lease)
            log.debug("delivered", kind=claimed.message.kind, message=claimed.message.id)

    async def _attempt(self, claimed: Claimed) -> Receipt:
        stored = claimed.message
        message = Message(
            stored.id,
            stored.company_id,
            stored.kind,
            stored.target,
            stored.payload,
            stored.attempts,
            stored.created_at,
        )
        try:
            async with asyncio.timeout(self._limits.send):
                return await self.deliverers[stored.kind].send(message)
        except DeliveryError:
            raise
        except TimeoutError:
            raise DeliveryError(f"There was no answer within {self._limits.send:g} s.") from None
        except SecretaryError as error:
            raise DeliveryError(error.message, error.remedy) from error
        except Exception as error:
            log.exception("a deliverer failed", kind=stored.kind, message=stored.id)
            raise DeliveryError("Sending it failed inside the house; the log tells more.") from error

    async def _failed(self, claimed: Claimed, error: DeliveryError) -> None:
        message = claimed.message
        away = error.attempts >= ATTEMPTS or error.retry_after is not None
        if away:
            self._breakers.failed(claimed.target, error.retry_after)
        else:
            self._breakers.worked(claimed.target)
        at = self._clock.now() + timedelta(seconds=pause(message.attempts, self._uniform, error.retry_after))
        if message.attempts >= min(error.attempts, ATTEMPTS) or at > message.expires_at:
            await self._queue.dead(claimed, str(error), self._limits.lease)
            log.warning("a message is given up", kind=message.kind, message=message.id, error=str(error))
        else:
            await self._queue.later(claimed, at, str(error), self._limits.lease)
            log.info("a message is tried again", kind=message.kind, message=message.id, error=str(error))

    async def _give_back(self, claimed: Claimed) -> None:
        try:
            async with asyncio.timeout(self._limits.closing):
                await self._queue.give_back(claimed)
        except (StorageError, TimeoutError):  # the lease runs out by itself
            pass

    async def _expire(self) -> None:
        if self._clock.monotonic() < self._expired_at + _EXPIRE_EVERY:
            return
        self._expired_at = self._clock.monotonic()
        if gone := await self._queue.expire():
            log.warning("messages were not delivered in time", count=gone)
