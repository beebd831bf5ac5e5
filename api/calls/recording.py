"""The recording of a call, to listen to."""

from typing import Annotated

import structlog
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import FileResponse

from api.calls.calls import CallId
from services.accounts.roles import Action
from services.accounts.signed_in import SignedIn
from services.retention.sounds import SoundFiles
from services.storage.audit.log import Audit
from services.storage.calls.calls import CallStore
from services.web.access import require
from services.web.problems import problem_responses

log = structlog.get_logger()


def call_recording_router(calls: CallStore, sounds: SoundFiles, audit: Audit) -> APIRouter:
    """Make the route /admin/calls/{id}/recording."""
    router = APIRouter(tags=["calls"], responses=problem_responses(401, 403, 404, 409, 416, 422, 503))

    @router.get("/admin/calls/{call_id}/recording", response_class=FileResponse, summary="Listen to a call")
    async def recording(
        request: Request, who: Annotated[SignedIn, require("recordings", Action.READ)], call_id: CallId
    ) -> FileResponse:
        """Return the sound, OGG/Opus, the caller on the left; parts of it by Range. Who fetches it is audited."""
        call = await calls.get(who.company_id, call_id)
        path = sounds.locate(call.recording_path) if call and call.recording_path else None
        if call is None or path is None or not path.is_file():
            raise HTTPException(404, "There is no recording of this call.")
        if call.ended_at is None:
            raise HTTPException(409, "The call goes on; its recording is complete when it has ended.")
        await audit.note("listen", "recordings", call_id)
        address = request.client.host if request.client else ""
        log.info("a recording was fetched", call=call_id, user=who.username, address=address)
        return FileResponse(
            path,
            media_type="audio/ogg",
            filename=f"{call_id}.ogg",
            content_disposition_type="inline",
            headers={"Cache-Control": "no-store"},
        )

    return router
