"""A bound on what a request may bring: it is held in memory whole, and read before anybody asks who sends it."""

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.web.problems import problem

LONGEST_BODY = 1_048_576
_TOO_LONG = f"A request brings {LONGEST_BODY} bytes at most."


def add_body_limit(app: FastAPI, longest: int = LONGEST_BODY) -> None:
    """Answer 413 to whoever sends more than `longest` bytes, told beforehand or not."""
    app.add_middleware(_BodyLimit, longest=longest)


class _BodyLimit:
    def __init__(self, app: ASGIApp, longest: int) -> None:
        self._app = app
        self._longest = longest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        told = dict(scope["headers"]).get(b"content-length", b"0")
        if told.isdigit() and int(told) > self._longest:
            await problem(413, _TOO_LONG)(scope, receive, send)
            return
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._longest:
                raise HTTPException(413, _TOO_LONG)
            return message

        await self._app(scope, counted, send)
