"""Each request: its id, its line in the log, its figures, and the address that it really comes from."""

import re
import time
import uuid
from collections.abc import Callable, Sequence

import structlog
from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

SLOW_SECONDS = 1.0
HEADER = "X-Request-Id"
UNMATCHED = "unmatched"

Observe = Callable[[str, str, int, float, str, str], None]
"""Takes a request's method, route template, status, the seconds until its answer began, its id and its traceparent."""

_SANE = re.compile(r"[0-9A-Za-z._-]{8,64}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

log = structlog.get_logger()


def add_request_log(app: FastAPI, observe: Observe | None = None, trusted_proxies: Sequence[str] = ()) -> None:
    """Mount it: last of all, so that it stands around everything else.

    Proxies at `trusted_proxies` (addresses, networks) are believed who sent them a request; X-Forwarded-For from
    anybody else is not read.
    """
    app.add_middleware(_RequestLog, observe=observe)
    app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=list(trusted_proxies))


class _RequestLog:
    def __init__(self, app: ASGIApp, observe: Observe | None) -> None:
        self._app = app
        self._observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        request_id = _id_of(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        began = time.monotonic()
        status, seconds = 0, 0.0

        async def answered(message: Message) -> None:
            nonlocal status, seconds
            if message["type"] == "http.response.start":
                status, seconds = message["status"], time.monotonic() - began
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, answered)
            except Exception:
                status, seconds = status or 500, seconds or time.monotonic() - began
                raise
            finally:
                if scope["type"] == "http" and status:
                    self._note(scope, status, seconds)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        route = _template(scope)
        if self._observe is not None:
            request_id: str = scope["state"]["request_id"]
            self._observe(method, route, status, seconds, request_id, _header(scope, b"traceparent"))
        tell = log.info if status >= 500 or seconds >= SLOW_SECONDS else log.debug
        tell("request", method=method, route=route, status=status, ms=round(seconds * 1000, 1))


def _id_of(scope: Scope) -> str:
    """Return the id that the client gave, when it is a plain word, else a new one."""
    given = _header(scope, b"x-request-id")
    return given if _SANE.fullmatch(given) else uuid.uuid4().hex


def _header(scope: Scope, wanted: bytes) -> str:
    return str(next((value for name, value in scope["headers"] if name == wanted), b"").decode("latin-1"))


def _template(scope: Scope) -> str:
    """Return the route as it is declared: paths hold ids and numbers, and would be figures without end."""
    path = getattr(scope.get("route"), "path", None)
    return str(path) if path else UNMATCHED
