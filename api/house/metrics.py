"""The figures for Prometheus, and who may have them."""

import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from services.parts import Part, State
from services.telemetry.telemetry import Telemetry
from services.web.problems import problem_responses
from services.web.this_machine import is_from_this_machine

_ORDER = {State.READY: 0, State.DEGRADED: 1, State.DOWN: 2}
_HOW = "Set SECRETARY_TELEMETRY__METRICS_TOKEN and let Prometheus send it as a bearer token."


_ANSWER: dict[int | str, dict[str, Any]] = {200: {"content": {CONTENT_TYPE_LATEST: {}}}}


def metrics_router(telemetry: Telemetry, parts: Callable[[], Sequence[Part]]) -> APIRouter:
    """Make the route /metrics: the figures of the calls, and the state of each part.

    How many calls there are, for which company and how fast they are answered is the owner's business. Without a token
    only this machine is answered, and not through a proxy on it; with one, whoever shows it, and nobody else.
    """
    router = APIRouter(tags=["status"])
    started = time.monotonic()
    registry = CollectorRegistry()
    states = Gauge("secretary_part_state", "0 ready, 1 degraded, 2 down", ["part"], registry=registry)
    uptime = Gauge("secretary_uptime_seconds", "Seconds since the start", registry=registry)

    @router.get("/metrics", response_class=PlainTextResponse, responses=_ANSWER | problem_responses(401, 403))
    async def metrics(request: Request) -> Response:
        """Return the figures in Prometheus' text format."""
        _expect_allowed(request, telemetry.token)
        uptime.set(time.monotonic() - started)
        for part in parts():
            states.labels(part.name).set(_ORDER[part.state])
        body = generate_latest(registry) + await telemetry.figures()
        return Response(body, media_type=CONTENT_TYPE_LATEST)

    return router


def _expect_allowed(request: Request, token: str) -> None:
    if token:
        kind, _, shown = request.headers.get("authorization", "").partition(" ")
        if kind.casefold() != "bearer" or not secrets.compare_digest(shown.strip().encode(), token.encode()):
            raise HTTPException(401, "The figures need their token.", {"WWW-Authenticate": "Bearer"})
    elif not is_from_this_machine(request):
        raise HTTPException(403, f"Without a token the figures are for this machine only. {_HOW}")
