"""What happens in calls, as it happens: server-sent events."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import asdict
from datetime import UTC, datetime
from time import monotonic
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from services.accounts.roles import Action
from services.accounts.signed_in import SignedIn
from services.events import EventBus
from services.web.access import require, still_signed_in
from services.web.closing import until_closing
from services.web.problems import problem_responses

ASK_AGAIN = 15.0


def call_feed_router(bus: EventBus, ask_again: float = ASK_AGAIN) -> APIRouter:
    """Make the route /admin/calls/stream; it goes before /admin/calls/{id}.

    Whether who listens is still let in is asked once in `ask_again` seconds of events.
    """
    router = APIRouter(tags=["calls"], responses=problem_responses(401, 403, 503))

    @router.get("/admin/calls/stream", response_class=EventSourceResponse, summary="Follow calls")
    async def stream(
        request: Request, who: Annotated[SignedIn, require("calls", Action.READ)]
    ) -> AsyncIterator[ServerSentEvent]:
        """Follow the company's calls: each event has the name of its type (see services.events.CallEventType).

        A line comes every 15 s when nothing happens. Who reads too slowly misses the oldest events (`sequence` shows
        the gap). It ends with the access token, the user's right to it, or the server.
        """
        yield ServerSentEvent(comment="listening", retry=3000)
        left = (who.expires_at - datetime.now(UTC)).total_seconds()
        with bus.subscribe() as events:
            async with aclosing(until_closing(request.app, events, left)) as live:
                asked = monotonic()
                async for event in live:
                    if monotonic() - asked >= ask_again:
                        asked = monotonic()
                        if not await still_signed_in(request):
                            return
                    if event.company_id == who.company_id:
                        name = f"{event.call_id}.{event.sequence}"
                        yield ServerSentEvent(data=asdict(event), event=event.type.value, id=name)

    return router
