"""The live monitor: the machine, the parts, the queues, the lines and the calls, in one look."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel

from api.house.status import PartState, overall
from services.accounts.roles import Action
from services.accounts.signed_in import SignedIn
from services.clock import Clock
from services.errands import Errands
from services.errors import StorageError
from services.parts import Part, State
from services.telemetry.machine import Machine, MachineState
from services.voice.directory import LineDirectory
from services.web.access import require, still_signed_in
from services.web.closing import until_closing
from services.web.problems import problem_responses

EVERY = 2.0
ASK_AGAIN = 15.0

LinesOf = Callable[[str], Sequence[Mapping[str, Any]]]
Counts = Mapping[str, Mapping[str, int]]
"""{company: {name: how many wait}}."""


class CallNow(BaseModel):
    """A call that goes on."""

    id: str
    channel: str
    direction: str
    began_at: datetime


class Snapshot(BaseModel):
    """How everything is at the moment `at`.

    `queues` counts what waits: outbox_waiting, outbox_dead, sessions (signed in, not waiting), errands (of the house).
    """

    at: datetime
    status: State
    machine: MachineState
    parts: list[PartState]
    queues: dict[str, int]
    lines: list[dict[str, Any]]
    calls: list[CallNow]


@dataclass
class Monitor:
    """Looks once for all who watch: a look younger than `every` seconds is shown again.

    Lines and calls are each company's own; `lines` is set by the telephone channel.
    """

    machine: Machine
    parts: Callable[[], Sequence[Part]]
    directory: LineDirectory
    clock: Clock
    count: Callable[[], Awaitable[Counts]]
    errands: Errands
    lines: LinesOf | None = None
    every: float = EVERY
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _seen: tuple[float, MachineState, Counts] | None = None

    async def snapshot(self, company_id: str) -> Snapshot:
        """Return how everything is, as a user of a company may see it."""
        machine, counts = await self._look()
        queues = {"outbox_waiting": 0, "outbox_dead": 0, "sessions": 0, **counts.get(company_id, {})}
        parts = list(self.parts())
        return Snapshot(
            at=self.clock.now(),
            status=overall(parts),
            machine=machine,
            parts=[PartState.model_validate(asdict(part)) for part in parts],
            queues={**queues, "errands": self.errands.waiting},
            lines=[dict(line) for line in self.lines(company_id)] if self.lines is not None else [],
            calls=[
                CallNow(
                    id=call.call_id,
                    channel=call.line.info.channel,
                    direction=call.line.info.direction,
                    began_at=call.began_at,
                )
                for call in self.directory.calls(company_id)
            ],
        )

    async def _look(self) -> tuple[MachineState, Counts]:
        async with self._looking:
            if self._seen is None or monotonic() - self._seen[0] > self.every * 0.9:
                machine, counts = await asyncio.gather(asyncio.to_thread(self.machine.look), self._counted())
                self._seen = monotonic(), machine, counts
            return self._seen[1:]

    async def _counted(self) -> Counts:
        try:
            async with asyncio.timeout(self.every):
                return await self.count()
        except (StorageError, TimeoutError):  # the database says so itself, among the parts
            return {}


def monitor_router(monitor: Monitor, ask_again: float = ASK_AGAIN) -> APIRouter:
    """Make the routes /admin/monitor."""
    router = APIRouter(prefix="/admin/monitor", tags=["monitor"], responses=problem_responses(401, 403, 422, 503))

    @router.get("", summary="Look at everything")
    async def look(who: Annotated[SignedIn, require("monitor", Action.READ)]) -> Snapshot:
        """Return how the machine, the parts, the queues and the company's lines and calls are now."""
        return await monitor.snapshot(who.company_id)

    @router.get("/stream", response_class=EventSourceResponse, summary="Watch everything")
    async def stream(
        request: Request, who: Annotated[SignedIn, require("monitor", Action.READ)]
    ) -> AsyncIterator[ServerSentEvent]:
        """Send a look every 2 s. It ends with the access token, the user's right to it, or the server."""
        left = (who.expires_at - datetime.now(UTC)).total_seconds()
        asked = monotonic()
        async with aclosing(until_closing(request.app, _looks(monitor, who.company_id), left)) as live:
            async for snapshot in live:
                if monotonic() - asked >= ask_again:
                    asked = monotonic()
                    if not await still_signed_in(request):
                        return
                yield ServerSentEvent(data=snapshot.model_dump(mode="json"), event="monitor")

    return router


async def _looks(monitor: Monitor, company_id: str) -> AsyncIterator[Snapshot]:
    while True:
        yield await monitor.snapshot(company_id)
        await asyncio.sleep(monitor.every)
