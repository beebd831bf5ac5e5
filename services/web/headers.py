"""Security headers on every answer, and who else's pages may read them (CORS)."""

from collections.abc import Sequence

from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), payment=()",
}
# The documentation page starts its script inline; only this page may.
_DOCS_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"
)
# What these routes answer is somebody's: no browser and no proxy keeps it.
_PRIVATE = ("/admin", "/v1", "/webhooks", "/auth", "/setup")
_SHOWN = ["ETag", "Location", "Retry-After", "X-Request-Id", "RateLimit", "RateLimit-Policy", "Idempotency-Replayed"]


def add_security_headers(app: FastAPI) -> None:
    """Set the headers unless a route chose its own."""
    app.add_middleware(_SecurityHeaders)


def add_cors(app: FastAPI, origins: Sequence[str]) -> None:
    """Let the pages of `origins` ("https://panel.example.org", exactly) read answers; without any no other page may.

    They send access tokens themselves; cookies never go along.
    """
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "If-Match", "Idempotency-Key", "X-Company", "X-Request-Id"],
            expose_headers=_SHOWN,
            max_age=600,
        )


class _SecurityHeaders:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if path == "/docs":
                    headers["Content-Security-Policy"] = _DOCS_POLICY
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if path.startswith(_PRIVATE):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, with_headers)
