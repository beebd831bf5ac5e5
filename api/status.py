"""Is it alive, is it ready, how is each part: for people, load balancers and Prometheus."""

import time

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from pydantic import BaseModel

from services.installation import Installation
from services.parts import Part, State

_ORDER = {State.READY: 0, State.DEGRADED: 1, State.DOWN: 2}


class PartState(BaseModel):
    """One part of the installation."""

    name: str
    state: State
    detail: str
    remedy: str
    required: bool


class Readiness(BaseModel):
    """The whole installation: `status` is ready, degraded or down."""

    status: State
    parts: list[PartState]


class Health(BaseModel):
    """Short state with uptime in seconds."""

    status: State
    uptime: float
    version: str


def status_router(installation: Installation, version: str) -> APIRouter:
    """Make the routes /healthz, /readyz, /health and /metrics."""
    router = APIRouter(tags=["status"])
    started = time.monotonic()
    registry = CollectorRegistry()
    states = Gauge("secretary_part_state", "0 ready, 1 degraded, 2 down", ["part"], registry=registry)
    uptime = Gauge("secretary_uptime_seconds", "Seconds since the start", registry=registry)

    @router.get("/healthz")
    async def alive() -> dict[str, str]:
        """Answer as long as the process lives."""
        return {"status": "alive"}

    @router.get("/readyz", responses={503: {"model": Readiness}})
    async def ready(response: Response) -> Readiness:
        """Describe each part with its remedy; 503 when a required part is down."""
        parts = installation.parts()
        if not installation.ready:
            response.status_code = 503
        return Readiness(status=overall(parts), parts=[_shown(part) for part in parts])

    @router.get("/health")
    async def health() -> Health:
        """Return a short state with the uptime."""
        up = round(time.monotonic() - started, 1)
        return Health(status=overall(installation.parts()), uptime=up, version=version)

    @router.get("/metrics")
    async def metrics() -> Response:
        """Return the figures in Prometheus' text format."""
        uptime.set(time.monotonic() - started)
        for part in installation.parts():
            states.labels(part.name).set(_ORDER[part.state])
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return router


def overall(parts: list[Part]) -> State:
    """Return the state of the whole: down only when a required part is down."""
    if any(part.required and part.state is State.DOWN for part in parts):
        return State.DOWN
    return State.DEGRADED if any(part.state is not State.READY for part in parts) else State.READY


def _shown(part: Part) -> PartState:
    return PartState(name=part.name, state=part.state, detail=part.detail, remedy=part.remedy, required=part.required)
