"""How limits are told: in headers of each answer.

`RateLimit-Policy` and `RateLimit` are of draft-ietf-httpapi-ratelimit-headers (q: quota, w: window in seconds, r: what
remains, t: seconds until there is more); `X-RateLimit-*` is the older convention, its `Reset` in seconds, too. Of
several limits they name the one of which the least is left. Who is over one gets 429 with `Retry-After`.
"""

from collections.abc import Sequence
from math import ceil

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.accounts.limits import Limits, Standing
from services.shared.windows import Windows
from services.web.limits import NOTED, Noted


def add_limits(app: FastAPI, limits: Limits, windows: Windows) -> None:
    """Give the rules of `app` the limits they take from, and its answers the headers."""
    app.state.limits = limits
    app.state.windows = windows
    app.add_middleware(_Headers)


class _Headers:
    """Tells how the limits stand that the request was counted against, and takes back what came to nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        noted = scope.setdefault("state", {})[NOTED] = Noted()
        answered = False

        async def tell(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = message["status"] < 400
                if noted.standings:
                    message = {**message, "headers": [*message.get("headers", ()), *_headers(noted.standings)]}
            await send(message)

        try:
            await self._app(scope, receive, tell)
        finally:
            if not answered:
                for take_back in noted.came_to_nothing:
                    take_back()


def _headers(standings: Sequence[Standing]) -> list[tuple[bytes, bytes]]:
    least = min(standings, key=lambda each: (each.allowed, each.left, -each.reset_after))
    reset = ceil(least.reset_after)
    told = {
        "ratelimit-policy": ", ".join(f'"{each.name}";q={each.most};w={each.window:.0f}' for each in standings),
        "ratelimit": f'"{least.name}";r={least.left};t={reset}',
        "x-ratelimit-limit": str(least.most),
        "x-ratelimit-remaining": str(least.left),
        "x-ratelimit-reset": str(reset),
    }
    return [(name.encode(), value.encode()) for name, value in told.items()]
