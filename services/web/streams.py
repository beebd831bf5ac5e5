"""Answers that take their time: the client may leave before their end, and what is under way for it is ended then."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from fastapi import Request
from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect
from starlette.types import Send

T = TypeVar("T")


class ClosingStream(StreamingResponse):
    """A streamed answer that closes what it streams as soon as it ends, also when the client has left.

    The generator's own `finally` must not wait for anything (see services.apart).
    """

    async def stream_response(self, send: Send) -> None:
        """Send the answer."""
        try:
            await super().stream_response(send)
        finally:
            closing = getattr(self.body_iterator, "aclose", None)
            if closing is not None:
                await closing()


async def unless_gone(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Return what `work` returns, and cancel it when the client leaves. The request's body must have been read.

    Raises ClientDisconnect when the client has left.
    """
    task = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait({task, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise ClientDisconnect
    finally:
        for each in (task, leaving):
            each.cancel()
        await asyncio.gather(task, leaving, return_exceptions=True)


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
