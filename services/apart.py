"""A stream that is made in a task of its own, so that whoever reads it may be cancelled at any moment.

A web framework cancels the task that answers a client who has left, and goes on cancelling it at every await: nothing
made in that task could still be closed properly.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TypeVar

T = TypeVar("T")

AHEAD = 64

_tasks: set[asyncio.Task[None]] = set()


async def apart(items: AsyncGenerator[T, None], ahead: int = AHEAD) -> AsyncGenerator[T, None]:
    """Iterate over `items`, which run up to `ahead` items ahead in a task of their own.

    Closing this cancels that task, which closes `items`; it never waits. What `items` raise is raised here.
    """
    queue: asyncio.Queue[T | _End] = asyncio.Queue(ahead)
    task = asyncio.create_task(_fill(queue, items), name="stream")
    _tasks.add(task)  # the loop itself holds no task: until it has ended it is held here
    task.add_done_callback(_tasks.discard)
    try:
        while not isinstance(item := await queue.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        task.cancel()


class _End:
    def __init__(self, error: Exception | None = None) -> None:
        self.error = error


async def _fill(queue: "asyncio.Queue[T | _End]", items: AsyncGenerator[T, None]) -> None:
    error = None
    try:
        async with aclosing(items):
            async for item in items:
                await queue.put(item)
    except Exception as failure:  # the reader's to handle
        error = failure
    await queue.put(_End(error))
