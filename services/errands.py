"""Storing and looking up that is waited for a while, and then goes on by itself: a live call never waits longer."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import structlog

from services.errors import StorageError

T = TypeVar("T")

CLOSE_SECONDS = 5.0

log = structlog.get_logger()


class Errands:
    """Runs each errand in a task of its own, which outlives whoever waits for it.

    A database driver that waits for a lock cannot be stopped before its own time is up (10 s for SQLite), so that a
    cancelled errand would hold up the call it belongs to. What is late is finished in the background instead: most of
    it is then stored after all.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def waiting(self) -> int:
        """How many are under way."""
        return len(self._tasks)

    def leave(self, errand: Coroutine[Any, Any, Any]) -> None:
        """Run an errand that nobody waits for."""
        self._start(errand)

    async def within(self, seconds: float, errand: Coroutine[Any, Any, T]) -> T:
        """Return what `errand` returns or raise what it raises. Raises StorageError when it takes longer."""
        task = self._start(errand)
        done, _ = await asyncio.wait({task}, timeout=seconds)
        if not done:
            raise StorageError(f"The database has not answered for {seconds:g} s.", "Check its state and its load.")
        return task.result()

    async def close(self) -> None:
        """Give what is still under way five seconds to finish, then end it."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_SECONDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, errand: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(errand, name="errand")
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.debug("an errand failed", error=str(error))  # whoever waited for it has been told
