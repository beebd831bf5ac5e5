"""Is it alive, is it ready, how is each part: for people and load balancers."""

import time
from dataclasses import replace

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from services.installation import Installation
from services.parts import Part, State
from services.web.this_machine import is_from_this_machine


class PartState(BaseModel):
    """One part of the installation; `detail` holds addresses and accounts, so strangers get none."""

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
    """Make the routes /healthz, /readyz and /health."""
    router = APIRouter(tags=["status"])
    started = time.monotonic()

    @router.get("/healthz")
    async def alive() -> dict[str, str]:
        """Answer as long as the process lives."""
        return {"status": "alive"}

    @router.get("/readyz", responses={503: {"model": Readiness}})
    async def ready(request: Request, response: Response) -> Readiness:
        """Describe each part with its remedy; 503 when a required part is down. Details are for this machine only."""
        parts = told_to(request, installation.parts())
        if not installation.ready:
            response.status_code = 503
        return Readiness(status=overall(parts), parts=[_shown(part) for part in parts])

    @router.get("/health")
    async def health() -> Health:
        """Return a short state with the uptime."""
        up = round(time.monotonic() - started, 1)
        return Health(status=overall(installation.parts()), uptime=up, version=version)

    return router


def told_to(request: Request, parts: list[Part]) -> list[Part]:
    """Return the parts as whoever asks may see them: strangers without details (addresses, accounts, counts)."""
    return parts if is_from_this_machine(request) else [replace(part, detail="") for part in parts]


def overall(parts: list[Part]) -> State:
    """Return the state of the whole: down only when a required part is down."""
    if any(part.required and part.state is State.DOWN for part in parts):
        return State.DOWN
    return State.DEGRADED if any(part.state is not State.READY for part in parts) else State.READY


def _shown(part: Part) -> PartState:
    return PartState(name=part.name, state=part.state, detail=part.detail, remedy=part.remedy, required=part.required)
