"""GET /v1/models: the personas are the models; the names of OpenAI's speech models stand for our mouth and ears."""

import asyncio
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel

from api.openai.errors import error_responses, no_model
from services.accounts.roles import Action
from services.accounts.signed_in import SignedIn
from services.domain import CompanyProfile, Persona
from services.storage.books import Books
from services.web.access import require

SECRETARY = "secretary"
SPEECH_MODELS = ("tts-1", "tts-1-hd")
HEARING_MODELS = ("whisper-1",)
SPEECH_ALIASES = frozenset({*SPEECH_MODELS, "gpt-4o-mini-tts", SECRETARY})
HEARING_ALIASES = frozenset({*HEARING_MODELS, "gpt-4o-transcribe", "gpt-4o-mini-transcribe", SECRETARY})

ModelId = Annotated[str, Path(max_length=200)]


class Model(BaseModel):
    """A model as OpenAI's clients read it."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str


class ModelList(BaseModel):
    """All models."""

    object: Literal["list"] = "list"
    data: list[Model]


def models_router(books: Books, since: datetime) -> APIRouter:
    """Make the routes; `since` is told as the time when the models were made."""
    router = APIRouter(prefix="/v1", tags=["openai"])
    created = int(since.timestamp())

    async def offered(company_id: str) -> list[Model]:
        personas = [each.slug for each in await books.personas.all(company_id)]
        names = [SECRETARY, *(slug for slug in personas if slug != SECRETARY)]
        ours = [Model(id=name, created=created, owned_by="ai-secretary") for name in names]
        return ours + [
            Model(id=name, created=created, owned_by="ai-secretary") for name in (*SPEECH_MODELS, *HEARING_MODELS)
        ]

    @router.get("/models", summary="List models", responses=error_responses(400, 401, 403, 429, 503))
    async def listed(who: Annotated[SignedIn, require("assistant", Action.READ)]) -> ModelList:
        """List the personas, and the names under which speech is made and understood."""
        return ModelList(data=await offered(who.company_id))

    @router.get("/models/{model}", summary="Show a model", responses=error_responses(400, 401, 403, 404, 429, 503))
    async def shown(who: Annotated[SignedIn, require("assistant", Action.READ)], model: ModelId) -> Model:
        """Return one of them."""
        found = next((each for each in await offered(who.company_id) if each.id == model), None)
        if found is None:
            raise no_model(model)
        return found

    @router.get("/audio/models", summary="List speech models", responses=error_responses(400, 401, 403, 429, 503))
    async def spoken(_: Annotated[SignedIn, require("speech", Action.READ)]) -> dict[str, Any]:
        """List the names under which speech is made, as Open WebUI asks for them."""
        return {"models": [{"id": name} for name in SPEECH_MODELS]}

    return router


async def persona_called(books: Books, company_id: str, name: str) -> tuple[CompanyProfile, Persona]:
    """Return the company and its persona of this slug; "secretary" is the one of the company's language.

    Raises ApiError 404.
    """
    company, persona = await asyncio.gather(books.companies.profile(company_id), books.personas.get(company_id, name))
    if company is None:
        raise no_model(name)
    if persona is None and name == SECRETARY:
        persona = await books.personas.for_language(company_id, company.language)
    if persona is None:
        raise no_model(name)
    return company, persona
