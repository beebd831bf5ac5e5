"""The end of a server: live feeds, which would go on for ever, end when it is closing."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

from fastapi import FastAPI

T = TypeVar("T")


def closing_of(app: FastAPI) -> asyncio.Event:
    """Return the event that is set when the server of `app` begins to close."""
    event: asyncio.Event | None = getattr(app.state, "closing", None)
    if event is None:
        event = app.state.closing = asyncio.Event()
    return event


async def until_closing(app: FastAPI, items: AsyncIterator[T], seconds: float) -> AsyncGenerator[T, None]:
    """Iterate over `items` until they end, the server closes or `seconds` have passed."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    closing = asyncio.ensure_future(closing_of(app).wait())
    following: asyncio.Task[T] | None = None
    try:
        while True:
            following = asyncio.ensure_future(_next(items))
            await asyncio.wait({following, closing}, timeout=end - loop.time(), return_when=asyncio.FIRST_COMPLETED)
            if closing.done() or not following.done() or loop.time() >= end:
                return
            if isinstance(following.exception(), StopAsyncIteration):
                return
            yield following.result()
    finally:
        waiting = [task for task in (closing, following) if task is not None]
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def _next(items: AsyncIterator[T]) -> T:
    return await anext(items)
