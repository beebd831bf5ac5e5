"""Group commit: what waits to be written goes to the disk together, so that a crowd costs hardly more than one caller.

A commit that is on the disk when it returns costs one fsync, some 5 to 20 ms whatever it holds. Writing one event at a
time fifty calls would wait for each other; here whatever has come in during one commit shares the next one.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextvars import Context
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import structlog
from sqlalchemy.orm import Session

from services.errors import StorageError
from services.storage.failures import tells_absence, tells_outage

MOST_TOGETHER = 200
MOST_WAITING = 10_000
_PAUSES = (0.1, 0.2, 0.5, 1.0)  # seconds between attempts while the database cannot be written

T = TypeVar("T")
Work = Callable[[Session], T]
Transact = Callable[[Work[list[Any]]], Awaitable[list[Any]]]

log = structlog.get_logger()


@dataclass(eq=False, slots=True)
class _Item:
    work: Work[Any]
    what: str
    key: Hashable
    topic: Hashable
    keep: float
    keep_until: float
    done: asyncio.Future[Any]

    def settle(self, outcome: Any) -> None:
        """Tell whoever waits how it went: an exception is raised there, anything else is returned."""
        if self.done.done():
            return
        if isinstance(outcome, Exception):
            self.done.set_exception(outcome)
        else:
            self.done.set_result(outcome)


class GroupWriter:
    """Runs pieces of work in the order they came, as many in one transaction as wait.

    Its task lives while something waits. A piece that fails costs the others of its group nothing: the group is rolled
    back and written anew, each piece in a transaction of its own. So a piece may run twice, and only uses its session.
    """

    def __init__(self, transact: Transact, place: str) -> None:
        self._transact = transact
        self._place = place
        self._waiting: deque[_Item] = deque()
        self._by_key: dict[Hashable, _Item] = {}
        self._task: asyncio.Task[None] | None = None

    async def run(
        self, work: Work[T], *, what: str, keep: float = 0.0, key: Hashable = None, topic: Hashable = None
    ) -> T:
        """Return what `work` returned once that is on the disk, or raise what it raised.

        While the database cannot be written, the work is kept for `keep` seconds and tried again in its place. `what`
        names it in the log should it be lost. Of several with the same `key` that still wait, only the newest is done,
        in the place of the first. Of the same `topic` nothing is done before what came first and is kept. Whoever is
        cancelled here leaves the work behind: it is done all the same.
        Raises StorageError.
        """
        item = self._by_key.get(key) if key is not None else None
        if item is not None:
            item.work, item.keep_until = work, asyncio.get_running_loop().time() + keep
        else:
            item = self._add(work, what, keep, key, topic)
        outcome: T = await asyncio.shield(item.done)
        return outcome

    async def close(self, seconds: float) -> None:
        """Finish what waits within `seconds`; what is left is given up, and what was to be kept is logged as lost."""
        if self._task is not None and not self._task.done():
            await asyncio.wait({self._task}, timeout=seconds)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _add(self, work: Work[Any], what: str, keep: float, key: Hashable, topic: Hashable) -> _Item:
        if len(self._waiting) >= MOST_WAITING:
            raise StorageError(
                f"Too much waits to be written to the database {self._place}.", "Check the disk's health and load."
            )
        loop = asyncio.get_running_loop()
        item = _Item(work, what, key, topic, keep, loop.time() + keep, loop.create_future())
        self._waiting.append(item)
        if key is not None:
            self._by_key[key] = item
        if self._task is None or self._task.done():
            # An empty context: what is logged here belongs to no single call.
            self._task = loop.create_task(self._drain(), name="database writer", context=Context())
        return item

    async def _drain(self) -> None:
        group: list[_Item] = []
        failed = 0
        try:
            while self._waiting:
                group = [self._next() for _ in range(min(len(self._waiting), MOST_TOGETHER))]
                group = await self._write(group)
                if not group:
                    failed = 0
                    continue
                self._waiting.extendleft(reversed(group))
                group = []
                await asyncio.sleep(_PAUSES[min(failed, len(_PAUSES) - 1)])
                failed += 1
        finally:  # cancelled: the database is being closed
            closed = StorageError(f"The database {self._place} was closed before this could be written.")
            for item in (*group, *self._waiting):
                _give_up(item, closed)
            self._waiting.clear()
            self._by_key.clear()

    def _next(self) -> _Item:
        item = self._waiting.popleft()
        if self._by_key.get(item.key) is item:
            del self._by_key[item.key]
        return item

    async def _write(self, group: Sequence[_Item]) -> list[_Item]:
        """Write the group and answer who waits for it; return those that are kept for another attempt."""
        kept, now = [], asyncio.get_running_loop().time()
        for item, outcome in zip(group, await self._outcomes(group), strict=True):
            if not isinstance(outcome, Exception):
                item.settle(outcome)
            elif tells_outage(outcome) and item.keep_until > now:
                kept.append(item)
            else:
                _give_up(item, outcome)
        return kept

    async def _outcomes(self, group: Sequence[_Item]) -> list[Any]:
        """Return for each what it returned or why it failed."""
        works = [item.work for item in group]
        try:
            return await self._transact(partial(_do, works))
        except Exception as error:
            if len(group) == 1 or tells_absence(error):
                return [error] * len(group)
        outcomes: list[Any] = []
        failed: dict[Hashable, Exception] = {}
        for item in group:
            outcome = failed.get(item.topic) or await self._alone(item)
            if item.topic is not None and isinstance(outcome, Exception) and tells_outage(outcome):
                failed[item.topic] = outcome
            outcomes.append(outcome)
        return outcomes

    async def _alone(self, item: _Item) -> Any:
        try:
            (outcome,) = await self._transact(partial(_do, [item.work]))
        except Exception as error:
            return error
        return outcome


def _do(works: Sequence[Work[Any]], session: Session) -> list[Any]:
    return [work(session) for work in works]


def _give_up(item: _Item, error: Exception) -> None:
    if item.keep:
        log.error("what was to be stored is lost", what=item.what, error=str(error))
    item.settle(error)
