"""POST /v1/audio/speech: text to a sound file that grows while it is spoken."""

import asyncio
import base64
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Annotated, Any, Literal

import numpy as np
import structlog
from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from api.openai.completions import event
from api.openai.errors import error_body, error_responses, no_model
from api.openai.models import SPEECH_ALIASES
from api.openai.sound import MEDIA_TYPES, RATE, Format, SoundWriter
from api.openai.voices import voice_called
from services.accounts.roles import Action
from services.accounts.signed_in import SignedIn
from services.apart import apart
from services.audio.frame import Frame, Samples
from services.chats.writer import counted
from services.errors import SecretaryError
from services.storage.books import Books
from services.text.passages import passages
from services.tts.manager import Mouth
from services.tts.protocol import Voice
from services.web.access import require
from services.web.limits import take_from
from services.web.streams import ClosingStream, unless_gone

LONGEST_TEXT = 4096
_SLOWEST, _FASTEST = 0.5, 2.0  # what every engine does by itself; the rest is stretched
_BLOCK = RATE // 5  # samples that are encoded at once

log = structlog.get_logger()

_SOUND: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The sound file; with stream_format sse events speech.audio.delta and speech.audio.done.",
        "content": {
            **{media.partition(";")[0]: {"schema": {"type": "string"}} for media in MEDIA_TYPES.values()},
            "text/event-stream": {},
        },
    }
}


class VoiceName(BaseModel):
    """A voice as an object, as newer clients send it."""

    id: Annotated[str, Field(min_length=1, max_length=200)]


class SpeechRequest(BaseModel):
    """What to say, and how. Fields that are not named here are ignored, as OpenAI does."""

    model: Annotated[str, Field(min_length=1, max_length=200, examples=["tts-1"])]
    input: Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT, examples=["We are open from nine to six."])]
    voice: Annotated[str, Field(min_length=1, max_length=200, examples=["nova"])] | VoiceName
    response_format: Format | None = "mp3"
    speed: Annotated[float | None, Field(ge=0.25, le=4.0)] = 1.0
    stream_format: Literal["audio", "sse"] | None = "audio"


def speech_router(books: Books, mouth: Mouth, language: str) -> APIRouter:
    """Make the route; `language` is the installation's own."""
    router = APIRouter(prefix="/v1/audio", tags=["openai"])

    @router.post(
        "/speech",
        summary="Speak a text",
        response_class=StreamingResponse,
        responses=_SOUND | error_responses(400, 401, 403, 404, 413, 429, 503),
    )
    async def spoken(
        request: Request, who: Annotated[SignedIn, require("speech", Action.ACT)], wanted: SpeechRequest
    ) -> StreamingResponse:
        """Speak a text, up to 4096 characters. The file begins while the rest is still being spoken.

        `voice` is an id of GET /v1/voices, a persona's slug, or one of OpenAI's names: the best voice of the text's
        language then speaks. Every format is mono at 24 kHz; pcm is 16-bit little-endian.
        """
        if wanted.model not in SPEECH_ALIASES:
            raise no_model(wanted.model)
        name = wanted.voice if isinstance(wanted.voice, str) else wanted.voice.id
        persona = await books.personas.get(who.company_id, name)
        voice = voice_called(mouth, name, wanted.input, language, persona)
        form, speed = wanted.response_format or "mp3", wanted.speed or 1.0
        await take_from(request, "speech_characters_per_day", len(wanted.input), channel="api")
        own = min(max(speed, _SLOWEST), _FASTEST)
        sound = apart(_file(mouth, wanted.input, replace(voice, speed=own), SoundWriter(form, speed / own)))
        first = await unless_gone(request, _first(sound))  # an engine's failure is still answered with its status
        if wanted.stream_format == "sse":
            return ClosingStream(_events(first, sound, counted(wanted.input)), media_type="text/event-stream")
        return ClosingStream(_joined(first, sound), media_type=MEDIA_TYPES[form])

    return router


async def _file(mouth: Mouth, text: str, voice: Voice, writer: SoundWriter) -> AsyncGenerator[bytes, None]:
    """Yield the file's bytes as they are made; the encoder's work is done in a thread."""
    try:
        for passage in await asyncio.to_thread(passages, text, voice.language):
            async with aclosing(_blocks(mouth, passage, voice)) as blocks:
                async for block in blocks:
                    if ready := await asyncio.to_thread(writer.push, block):
                        yield ready
        if ready := await asyncio.to_thread(writer.flush):
            yield ready
    finally:
        writer.close()


async def _blocks(mouth: Mouth, passage: str, voice: Voice) -> AsyncGenerator[Samples, None]:
    """Yield the speech in blocks that are worth a thread's while."""
    waiting: list[Samples] = []
    async with aclosing(mouth.synthesize(passage, voice, RATE)) as pieces:
        async for piece in pieces:
            if not isinstance(piece, Frame):
                continue
            waiting.append(piece.samples)
            if sum(map(len, waiting)) >= _BLOCK:
                yield np.concatenate(waiting)
                waiting = []
    if waiting:
        yield np.concatenate(waiting)


async def _first(sound: AsyncGenerator[bytes, None]) -> bytes:
    try:
        return await anext(sound, b"")
    except BaseException:
        await sound.aclose()
        raise


async def _joined(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    try:
        yield first
        async for each in rest:
            yield each
    except SecretaryError as error:
        # The status has gone out long ago: the connection is broken off, so that the file is not taken for whole.
        log.warning("a speech of /v1 broke off", error=str(error))
        raise
    finally:
        await rest.aclose()


async def _events(first: bytes, rest: AsyncGenerator[bytes, None], words: int) -> AsyncGenerator[bytes, None]:
    try:
        async with aclosing(_joined(first, rest)) as sound:
            async for each in sound:
                yield event({"type": "speech.audio.delta", "audio": base64.b64encode(each).decode()})
        usage = {"input_tokens": words, "output_tokens": 0, "total_tokens": words}
        yield event({"type": "speech.audio.done", "usage": usage})
    except SecretaryError as error:
        yield event(error_body(error))
