"""POST /v1/chat/completions."""

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from api.openai.answers import AnswerEvent, Answers, Asked, Ended
from api.openai.completion_shapes import CompletionRequest
from api.openai.errors import error_body, error_responses
from api.openai.models import persona_called
from services.accounts.roles import Action
from services.accounts.signed_in import SignedIn
from services.apart import apart
from services.clock import Clock
from services.errors import SecretaryError
from services.llm.manager import Mind
from services.llm.protocol import ToolCall, Usage
from services.storage.books import Books
from services.storage.columns import new_id
from services.web.access import require
from services.web.limits import limited
from services.web.streams import ClosingStream, unless_gone

log = structlog.get_logger()

_STREAMED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A chat.completion, or with `stream` server-sent events of chat.completion.chunk.",
        "content": {
            "application/json": {"schema": {"type": "object"}},
            "text/event-stream": {},
        },
    }
}


def completions_router(books: Books, mind: Mind, answers: Answers, clock: Clock) -> APIRouter:
    """Make the route."""
    router = APIRouter(prefix="/v1", tags=["openai"])

    @router.post(
        "/chat/completions",
        summary="Answer a conversation",
        response_model=None,
        responses=_STREAMED | error_responses(400, 401, 403, 404, 413, 429, 502, 503),
    )
    async def completed(
        request: Request,
        who: Annotated[SignedIn, require("assistant", Action.ACT)],
        _limited: Annotated[None, limited("chat_messages_per_day", "api")],
        wanted: CompletionRequest,
    ) -> StreamingResponse | dict[str, Any]:
        """Answer a conversation that the client keeps; `model` is a persona's slug, or "secretary".

        A plain conversation is answered as on every written channel: the FAQ first, then the language model with the
        persona's prompt and the company's facts, else the script. With tools, a system message or a JSON format the
        language model is asked directly, the persona's prompt before the caller's. Where there is no language model
        the script answers and no tool is called. `usage` is the provider's; where none was asked, words and marks.
        """
        company, persona = await persona_called(books, who.company_id, wanted.model)
        events = answers.answer(Asked(wanted, company, persona, who.id), mind.model)
        frame = _Frame(wanted.model, int(clock.now().timestamp()))
        if not wanted.stream:
            return await unless_gone(request, _whole(frame, events))
        running = apart(events)
        first = await unless_gone(request, _first(running))  # an error before it is still answered with its status
        usage = wanted.stream_options is not None and bool(wanted.stream_options.include_usage)
        chunks = _chunks(frame, first, running, usage)
        return ClosingStream(chunks, media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    return router


class _Frame:
    """What is the same in every chunk of an answer."""

    def __init__(self, model: str, created: int) -> None:
        self._common = {"id": f"chatcmpl-{new_id()}", "created": created, "model": model, "system_fingerprint": None}

    def whole(self, message: dict[str, Any], reason: str, usage: Usage) -> dict[str, Any]:
        """Return a chat.completion."""
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reason}
        return {**self._common, "object": "chat.completion", "choices": [choice], "usage": _usage(usage)}

    def chunk(self, delta: dict[str, Any], reason: str | None = None, more: dict[str, Any] | None = None) -> bytes:
        """Return a chat.completion.chunk as an event."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        body = {**self._common, "object": "chat.completion.chunk", "choices": [choice], **(more or {})}
        return event(body)

    def usage(self, usage: Usage) -> bytes:
        """Return the last chunk, which holds no choice."""
        return event({**self._common, "object": "chat.completion.chunk", "choices": [], "usage": _usage(usage)})


def event(body: dict[str, Any]) -> bytes:
    """Return a server-sent event as OpenAI sends it."""
    return f"data: {json.dumps(body, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()


async def _first(events: AsyncGenerator[AnswerEvent, None]) -> AnswerEvent | None:
    try:
        return await anext(events, None)
    except BaseException:
        await events.aclose()
        raise


async def _whole(frame: _Frame, events: AsyncGenerator[AnswerEvent, None]) -> dict[str, Any]:
    said, calls, end = list[str](), list[dict[str, Any]](), Ended("stop", Usage(0, 0))
    async with aclosing(events):
        async for each in events:
            if isinstance(each, str):
                said.append(each)
            elif isinstance(each, ToolCall):
                calls.append(_call(each))
            else:
                end = each
    message: dict[str, Any] = {
        "role": "assistant",
        "content": "".join(said) or (None if calls else ""),
        "refusal": None,
    }
    if calls:
        message["tool_calls"] = calls
    return frame.whole(message, end.reason, end.usage)


async def _chunks(
    frame: _Frame, first: AnswerEvent | None, rest: AsyncGenerator[AnswerEvent, None], with_usage: bool
) -> AsyncGenerator[bytes, None]:
    """Write the answer as chunks; `more` holds the null that OpenAI sends while the usage is not known yet."""
    more = {"usage": None} if with_usage else None
    calls = 0
    try:
        begin = None if isinstance(first, ToolCall) else ""
        yield frame.chunk({"role": "assistant", "content": begin, "refusal": None}, more=more)
        item = first
        while item is not None:
            if isinstance(item, str):
                yield frame.chunk({"content": item}, more=more)
            elif isinstance(item, ToolCall):
                yield frame.chunk({"tool_calls": [{"index": calls, **_call(item)}]}, more=more)
                calls += 1
            else:
                yield frame.chunk({}, item.reason, more)
                if with_usage:
                    yield frame.usage(item.usage)
            item = await anext(rest, None)
        yield b"data: [DONE]\n\n"
    except SecretaryError as error:
        log.warning("an answer of /v1 broke off", error=str(error))
        yield event(error_body(error))
    finally:
        await rest.aclose()


def _call(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _usage(usage: Usage) -> dict[str, int]:
    return {
        "prompt_tokens": usage.tokens_in,
        "completion_tokens": usage.tokens_out,
        "total_tokens": usage.tokens_in + usage.tokens_out,
    }
