"""Text chats: begun, listed, renamed, deleted, and talked in."""

import json
from collections.abc import AsyncGenerator
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from fastapi.responses import StreamingResponse

from api.chats.shapes import (
    ChatChanges,
    ChatRequest,
    ChatShown,
    DoneShown,
    MessageRequest,
    MessageShown,
    Stopped,
    UsageShown,
)
from services.accounts.roles import Action
from services.accounts.signed_in import SignedIn
from services.chats.desk import Answering, ChatDesk, Done, Failed, Piece
from services.errors import RefusedError
from services.storage.books import Books
from services.web.access import require
from services.web.edits import edit_route
from services.web.etags import ExpectedVersion, give_etag
from services.web.limits import limited
from services.web.lists import AskedPage, Page
from services.web.problems import problem_of, problem_responses
from services.web.streams import ClosingStream

ChatId = Annotated[str, Path(pattern=r"^[0-9A-Za-z-]{1,64}$")]

_SSE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events: `message` (the user's, stored), `delta` {text}, then `done` "
        "{message, usage, model, source} or `error` (a problem).",
        "content": {"text/event-stream": {}},
    }
}
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def chats_router(books: Books, desk: ChatDesk) -> APIRouter:
    """Make the routes /admin/chats."""
    router = APIRouter(prefix="/admin/chats", tags=["chats"], responses=problem_responses(400, 401, 403, 422, 429, 503))
    _add_chats(router, books)
    _add_talk(router, books, desk)
    return router


def _add_chats(router: APIRouter, books: Books) -> None:
    @router.post("", status_code=201, summary="Begin a chat")
    async def begun(
        who: Annotated[SignedIn, require("chats", Action.EDIT)], response: Response, wanted: ChatRequest
    ) -> ChatShown:
        """Begin a chat with the secretary; it is the user's own."""
        persona = await _persona(books, who.company_id, wanted.persona)
        chat = await books.chats.create(who.company_id, who.id, wanted.title, wanted.system_prompt, persona)
        response.headers["Location"] = f"/admin/chats/{chat.id}"
        give_etag(response, chat.version)
        return ChatShown.model_validate(chat)

    @router.get("", summary="List chats")
    async def listed(who: Annotated[SignedIn, require("chats", Action.READ)], page: AskedPage) -> Page[ChatShown]:
        """List chats, the one written in last first. An administrator sees the company's."""
        found, cursor = await books.chats.list(who.reach("chats"), page.limit, page.cursor)
        return Page(items=[ChatShown.model_validate(each) for each in found], next_cursor=cursor)

    @router.get("/{chat_id}", summary="Show a chat", responses=problem_responses(404))
    async def shown(
        who: Annotated[SignedIn, require("chats", Action.READ)], chat_id: ChatId, response: Response
    ) -> ChatShown:
        """Return a chat without its messages."""
        chat = await books.chats.get(who.reach("chats"), chat_id)
        give_etag(response, chat.version)
        return ChatShown.model_validate(chat)

    @edit_route(router, "/{chat_id}", summary="Change a chat", responses=problem_responses(404, 412))
    async def edited(
        who: Annotated[SignedIn, require("chats", Action.EDIT)],
        chat_id: ChatId,
        expected: ExpectedVersion,
        response: Response,
        wanted: ChatChanges,
    ) -> ChatShown:
        """Change the title, the prompt or who answers; the next answer is given with it."""
        changes = wanted.model_dump(exclude_none=True)
        if "persona" in changes:
            await _persona(books, who.company_id, changes["persona"])
        chat = await books.chats.edit(who.reach("chats"), chat_id, expected, **changes)
        give_etag(response, chat.version)
        return ChatShown.model_validate(chat)

    @router.delete("/{chat_id}", status_code=204, summary="Delete a chat", responses=problem_responses(404))
    async def deleted(who: Annotated[SignedIn, require("chats", Action.DELETE)], chat_id: ChatId) -> None:
        """Delete a chat with all that was said in it, for good."""
        await books.chats.remove(who.reach("chats"), chat_id)


def _add_talk(router: APIRouter, books: Books, desk: ChatDesk) -> None:
    @router.get("/{chat_id}/messages", summary="List a chat's messages", responses=problem_responses(404))
    async def messages(
        who: Annotated[SignedIn, require("chats", Action.READ)], chat_id: ChatId, page: AskedPage
    ) -> Page[MessageShown]:
        """List the messages, newest first."""
        found, cursor = await books.chats.messages(who.reach("chats"), chat_id, page.limit, page.cursor)
        return Page(items=[MessageShown.model_validate(each) for each in found], next_cursor=cursor)

    @router.post(
        "/{chat_id}/messages",
        summary="Say something",
        response_class=StreamingResponse,
        responses=_SSE | problem_responses(404, 409),
    )
    async def said(
        who: Annotated[SignedIn, require("chats", Action.ACT)],
        _limited: Annotated[None, limited("chat_messages_per_day")],
        chat_id: ChatId,
        wanted: MessageRequest,
    ) -> StreamingResponse:
        """Say something, and read the answer while it is written.

        The message is stored before the first event. Who leaves stops the answer; what was written of it is kept,
        marked `cut`. 409 while another answer is being written.
        """
        return _streamed(await desk.send(who.reach("chats"), chat_id, wanted.text))

    @router.post(
        "/{chat_id}/regenerate",
        summary="Answer anew",
        response_class=StreamingResponse,
        responses=_SSE | problem_responses(404, 409),
    )
    async def anew(
        who: Annotated[SignedIn, require("chats", Action.ACT)],
        _limited: Annotated[None, limited("chat_messages_per_day")],
        chat_id: ChatId,
    ) -> StreamingResponse:
        """Answer the last message once more; the new answer takes the place of the old one when it is there."""
        return _streamed(await desk.again(who.reach("chats"), chat_id))

    @router.post("/{chat_id}/stop", summary="Stop an answer", responses=problem_responses(404))
    async def stopped(who: Annotated[SignedIn, require("chats", Action.ACT)], chat_id: ChatId) -> Stopped:
        """Stop the answer that is being written; what there is of it is kept, marked `cut`."""
        await books.chats.get(who.reach("chats"), chat_id)
        return Stopped(stopped=await desk.stop_anywhere(who.company_id, chat_id))


async def _persona(books: Books, company_id: str, slug: str) -> str:
    """Return the slug of who shall answer. Raises RefusedError."""
    if slug:
        found = await books.personas.get(company_id, slug)
    else:
        company = await books.companies.profile(company_id)
        found = await books.personas.for_language(company_id, company.language) if company else None
    if found is None and slug:
        raise RefusedError(f"There is no persona {slug!r}.", "GET /admin/personas lists them.")
    return found.slug if found else ""


def _streamed(answering: Answering) -> StreamingResponse:
    return ClosingStream(_events(answering), media_type="text/event-stream", headers=_HEADERS)


async def _events(answering: Answering) -> AsyncGenerator[bytes, None]:
    events = answering.events()
    try:
        if answering.question is not None:
            yield _event("message", MessageShown.model_validate(answering.question).model_dump(mode="json"))
        async for event in events:
            match event:
                case Piece(text):
                    yield _event("delta", {"text": text})
                case Done(message, by):
                    shown = DoneShown(
                        message=MessageShown.model_validate(message) if message else None,
                        usage=UsageShown(tokens_in=by.tokens_in, tokens_out=by.tokens_out, counted=by.counted),
                        model=by.model,
                        source=by.source,
                    )
                    yield _event("done", shown.model_dump(mode="json"))
                case Failed(error):
                    yield _event("error", problem_of(error).model_dump(mode="json"))
    finally:
        answering.stop()


def _event(name: str, data: object) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()
