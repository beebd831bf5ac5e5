"""The voices: listed as ours, as Open WebUI asks for them, and found by OpenAI's names."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel

from api.openai.errors import ApiError, error_responses
from services.accounts.roles import Action
from services.accounts.signed_in import SignedIn
from services.domain import Persona
from services.tts.manager import Mouth
from services.tts.protocol import Voice, VoiceInfo
from services.web.access import require

# OpenAI's voices by how they sound; the best voice of the text's language and of that kind speaks for them.
_FEMALE = frozenset({"alloy", "coral", "nova", "sage", "shimmer", "marin"})
_MALE = frozenset({"ash", "ballad", "cedar", "echo", "fable", "onyx", "verse"})


class VoiceShown(BaseModel):
    """A voice; `id` is what `voice` of POST /v1/audio/speech takes."""

    id: str
    object: Literal["voice"] = "voice"
    name: str
    language: str
    gender: str
    engine: str
    licence: str


class VoiceList(BaseModel):
    """All voices, those of the best engine of a language first."""

    object: Literal["list"] = "list"
    data: list[VoiceShown]


def voices_router(mouth: Mouth) -> APIRouter:
    """Make the routes."""
    router = APIRouter(prefix="/v1", tags=["openai"])

    @router.get("/voices", summary="List voices", responses=error_responses(400, 401, 403, 429, 503))
    async def listed(_: Annotated[SignedIn, require("speech", Action.READ)]) -> VoiceList:
        """List the voices that speak here now."""
        return VoiceList(data=[_shown(each) for each in mouth.voices()])

    @router.get("/audio/voices", summary="List voices by name", responses=error_responses(400, 401, 403, 429, 503))
    async def named(_: Annotated[SignedIn, require("speech", Action.READ)]) -> dict[str, Any]:
        """List the voices as Open WebUI asks for them."""
        return {"voices": [{"id": each.id, "name": each.name} for each in map(_shown, mouth.voices())]}

    return router


def voice_called(mouth: Mouth, name: str, text: str, home: str, persona: Persona | None) -> Voice:
    """Return the voice of this id, of OpenAI's name or of a persona, for `text`.

    OpenAI's names say how a voice sounds; the language is the text's, else `home`, the installation's.
    Raises ApiError for an unknown name, and where nothing speaks.
    """
    ours = next((each.voice for each in mouth.voices() if _id(each) == name), None)
    if ours is not None:
        return ours
    if name not in _FEMALE | _MALE and persona is None:
        raise ApiError(400, f"There is no voice {name!r}. GET /v1/voices lists them.", param="voice", code="no_voice")
    gender = persona.gender if persona else "male" if name in _MALE else "female"
    spoken = {each.voice.language for each in mouth.voices()}
    wanted = (language_of(text), home, *sorted(spoken))
    language = next((each for each in wanted if each in spoken), "")
    if not language:
        raise ApiError(
            404,
            "No speech engine is loaded here: `secretary doctor` says what is missing.",
            param="model",
            code="model_not_found",
        )
    return mouth.voice_for(language, gender, persona.voice if persona else "")


def language_of(text: str) -> str:
    """Tell by its letters whether a text is Russian or English; "" where it has none."""
    cyrillic = sum("а" <= each <= "я" or each == "ё" for each in text.lower())
    latin = sum("a" <= each <= "z" for each in text.lower())
    return "" if not cyrillic + latin else "ru" if cyrillic >= latin else "en"


def _shown(info: VoiceInfo) -> VoiceShown:
    voice = info.voice
    return VoiceShown(
        id=_id(info),
        name=info.title,
        language=voice.language,
        gender=dict(voice.parameters).get("gender", ""),
        engine=voice.engine,
        licence=info.licence,
    )


def _id(info: VoiceInfo) -> str:
    return f"{info.voice.engine}:{info.voice.name}"
