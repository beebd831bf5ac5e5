"""POST /v1/audio/transcriptions, and a plain answer to /v1/audio/translations."""

import asyncio
import re
from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel, Field, ValidationError
from starlette.datastructures import FormData, UploadFile

from api.openai.errors import ApiError, error_responses, no_model
from api.openai.listening import listen
from api.openai.models import HEARING_ALIASES
from api.openai.transcripts import LANGUAGE_NAMES, TranscriptFormat, plain, srt, verbose, vtt
from services.accounts.roles import Action
from services.accounts.signed_in import SignedIn
from services.errors import AudioError
from services.stt.manager import Ears
from services.voice.hearing.vad import VadFactory
from services.web.access import require
from services.web.streams import unless_gone

LARGEST_FILE = 25 * 1024 * 1024
LARGEST_REQUEST = LARGEST_FILE + 65_536  # with the other fields of the form
PATH = "/v1/audio/transcriptions"
MOST_HINTS = 50

_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file", "model"],
                    "properties": {
                        "file": {"type": "string", "format": "binary", "description": "a sound file, up to 25 MB"},
                        "model": {"type": "string", "example": "whisper-1"},
                        "language": {"type": "string", "description": "ISO 639-1; empty: the installation's"},
                        "prompt": {"type": "string", "description": "words that are likely to be said"},
                        "response_format": {"type": "string", "enum": ["json", "text", "srt", "verbose_json", "vtt"]},
                        "temperature": {"type": "number"},
                        "timestamp_granularities[]": {
                            "type": "array",
                            "items": {"type": "string", "enum": ["word", "segment"]},
                        },
                    },
                }
            }
        },
    }
}
_TEXT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The transcript in the form that was asked for.",
        "content": {
            "application/json": {"schema": {"type": "object"}},
            "text/plain": {"schema": {"type": "string"}},
        },
    }
}


class TranscriptionForm(BaseModel):
    """The fields beside the file; those that are not named here are ignored, as OpenAI does."""

    model: Annotated[str, Field(min_length=1, max_length=200)]
    language: Annotated[str, Field(max_length=40)] = ""
    prompt: Annotated[str, Field(max_length=8000)] = ""
    response_format: TranscriptFormat = "json"
    temperature: Annotated[float, Field(ge=0, le=1)] = 0.0
    granularities: list[Literal["word", "segment"]] = []


def transcriptions_router(ears: Ears, vad: Callable[[], VadFactory], language: str) -> APIRouter:
    """Make the routes; `language` is the installation's own, `vad` loads voice detection when it is first needed."""
    router = APIRouter(prefix="/v1/audio", tags=["openai"])

    @router.post(
        "/transcriptions",
        summary="Write speech down",
        response_class=Response,
        openapi_extra=_FORM,
        responses=_TEXT | error_responses(400, 401, 403, 404, 413, 429, 503),
    )
    async def transcribed(request: Request, who: Annotated[SignedIn, require("speech", Action.ACT)]) -> Response:
        """Write down the speech in a file of any common kind, an hour and 25 MB at most.

        Segments are what is said between two pauses; words have times where the ears tell them.
        """
        del who  # asked before the file is read
        form = await _form(request)
        try:
            fields, file = _fields(form)
            if fields.model not in HEARING_ALIASES:
                raise no_model(fields.model)
            spoken = _language(ears, fields.language, language)
            hints = [each for part in re.split(r"[.,;!?\n]+", fields.prompt) if (each := part.strip())][:MOST_HINTS]
            detection = await asyncio.to_thread(vad)
            heard = await unless_gone(request, listen(ears, detection, file.file, spoken, hints))
        except AudioError as error:
            raise ApiError(400, str(error), param="file", code="invalid_file") from None
        finally:
            await form.close()
        match fields.response_format:
            case "json":
                return JSONResponse(plain(heard))
            case "verbose_json":
                return JSONResponse(verbose(heard, spoken, fields.granularities))
            case "text":
                return PlainTextResponse(f"{heard.text}\n")
            case "srt":
                return PlainTextResponse(srt(heard))
            case "vtt":
                return PlainTextResponse(vtt(heard))

    @router.post("/translations", summary="Translate speech", responses=error_responses(400, 401, 403, 413, 429, 503))
    async def translated(_: Annotated[SignedIn, require("speech", Action.ACT)]) -> None:
        """Refuse: the ears write down what is said, in its own language."""
        raise ApiError(
            400,
            "Speech is not translated here: POST /v1/audio/transcriptions writes it down in its own language.",
            code="unsupported_endpoint",
        )

    return router


async def _form(request: Request) -> FormData:
    """Read the form, now that it is known who sends it. Raises ApiError, HTTPException."""
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise ApiError(400, "Send the file as multipart/form-data.", param="file")
    return await request.form(max_files=1, max_fields=50)


def _fields(form: FormData) -> tuple[TranscriptionForm, UploadFile]:
    """Return what the form says. Raises ApiError, RequestValidationError."""
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise ApiError(400, "The form holds no file.", param="file")
    if (file.size or 0) > LARGEST_FILE:
        raise ApiError(413, "The file is larger than 25 MB.", param="file", code="request_too_large")
    named = {name: value for name, value in form.items() if name in TranscriptionForm.model_fields and value != ""}
    listed = [*form.getlist("timestamp_granularities[]"), *form.getlist("timestamp_granularities")]
    try:
        return TranscriptionForm.model_validate({**named, "granularities": listed}), file
    except ValidationError as error:
        problems = [{**each, "loc": ("body", *each["loc"])} for each in error.errors(include_url=False)]
        raise RequestValidationError(problems) from None


def _language(ears: Ears, wanted: str, home: str) -> str:
    """Return the language to listen in. Raises ApiError where there are no ears for it."""
    code = next((code for code, name in LANGUAGE_NAMES.items() if wanted.lower() in (code, name)), wanted.lower()[:2])
    served = [each for each in (home, *LANGUAGE_NAMES) if ears.serves(each)]
    if not code and served:
        return served[0]
    if code and ears.serves(code):
        return code
    known = ", ".join(dict.fromkeys(served)) or "no language"
    raise ApiError(
        400,
        f"There are no ears for {code or 'any language'} here; they hear {known}. `secretary doctor` tells the remedy.",
        param="language",
        code="unsupported_language",
    )
