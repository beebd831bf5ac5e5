"""A bound on what a request may bring: it is held in memory whole, and read before anybody asks who sends it."""

from collections.abc import Callable, Mapping

from fastapi import FastAPI, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.web.problems import problem

LONGEST_BODY = 1_048_576


Refusal = Callable[[str, str], Response]
"""Makes the answer 413 of a path, with a sentence."""


def _problem(_path: str, sentence: str) -> Response:
    return problem(413, sentence)


def add_body_limit(
    app: FastAPI,
    longest: int = LONGEST_BODY,
    longer: Mapping[str, int] | None = None,
    refusal: Refusal = _problem,
) -> None:
    """Answer 413 to whoever sends more than `longest` bytes, told beforehand or not.

    `longer` are the paths that may bring more, with their own bound: they ask who sends it before they read it.
    """
    app.add_middleware(_BodyLimit, longest=longest, longer=longer or {}, refusal=refusal)


class _BodyLimit:
    def __init__(self, app: ASGIApp, longest: int, longer: Mapping[str, int], refusal: Refusal) -> None:
        self._app = app
        self._longest = longest
        self._longer = longer
        self._refusal = refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        longest = self._longer.get(scope["path"], self._longest)
        told = dict(scope["headers"]).get(b"content-length", b"0")
        if told.isdigit() and int(told) > longest:
            await self._refusal(scope["path"], _sentence(longest))(scope, receive, send)
            return
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > longest:
                raise HTTPException(413, _sentence(longest))
            return message

        await self._app(scope, counted, send)


def _sentence(longest: int) -> str:
    return f"A request brings {longest} bytes at most."
