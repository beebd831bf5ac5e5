"""Messages that callers left for the owner."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from services.accounts.roles import Action
from services.accounts.signed_in import SignedIn
from services.retention.sounds import SoundFiles
from services.storage.calls.messages import MessageRecord, Messages
from services.web.access import require
from services.web.lists import AskedPage, Page
from services.web.problems import problem_responses

MessageId = Annotated[str, Path(pattern=r"^[0-9A-Za-z_.-]{1,64}$")]
Reading = Annotated[SignedIn, require("messages", Action.READ)]


class MessageShown(BaseModel):
    """A message. `matter` is "" when only the caller's voice was kept; `confirmed`: the caller agreed to the words."""

    id: str
    call_id: str
    conversation_id: str
    language: str
    name: str
    number: str
    matter: str
    confirmed: bool
    seen: bool
    has_sound: bool
    created_at: datetime


def messages_router(messages: Messages, sounds: SoundFiles) -> APIRouter:
    """Make the routes /admin/messages."""
    router = APIRouter(prefix="/admin/messages", tags=["messages"], responses=problem_responses(401, 403, 422, 503))

    @router.get("", summary="List messages")
    async def listed(
        who: Reading, page: AskedPage, new: Annotated[bool, Query(description="only those not seen yet")] = False
    ) -> Page[MessageShown]:
        """List messages, newest first."""
        found, cursor = await messages.page(who.company_id, page.limit, page.cursor, only_new=new)
        return Page(items=[_shown(each) for each in found], next_cursor=cursor)

    @router.get("/{message_id}", summary="Show a message", responses=problem_responses(404))
    async def shown(who: Reading, message_id: MessageId) -> MessageShown:
        """Return one message."""
        return _shown(await messages.get(who.company_id, message_id))

    @router.post("/{message_id}/seen", summary="Mark a message as seen", responses=problem_responses(404))
    async def seen(who: Annotated[SignedIn, require("messages", Action.EDIT)], message_id: MessageId) -> MessageShown:
        """Note that it was read; the first time counts."""
        return _shown(await messages.see(who.company_id, message_id))

    @router.delete("/{message_id}", status_code=204, summary="Delete a message", responses=problem_responses(404))
    async def deleted(who: Annotated[SignedIn, require("messages", Action.DELETE)], message_id: MessageId) -> None:
        """Delete a message for good, with the caller's voice."""
        found = await messages.get(who.company_id, message_id)
        if found.message.audio_path:
            await sounds.delete([found.message.audio_path])
        await messages.remove(who.company_id, message_id)

    return router


def _shown(stored: MessageRecord) -> MessageShown:
    message = stored.message
    return MessageShown(
        id=message.id,
        call_id=message.call_id,
        conversation_id=message.conversation_id,
        language=message.language,
        name=message.name,
        number=message.number,
        matter=message.matter,
        confirmed=message.confirmed,
        seen=stored.seen,
        has_sound=bool(message.audio_path),
        created_at=stored.created_at,
    )
