"""Personas: who the secretary is."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from api.content.text_shapes import Edit, Greeting, Language, LineOfText, LongText, ShortText, Slug, VoiceName
from services.accounts.roles import Action
from services.accounts.signed_in import SignedIn
from services.domain import Persona
from services.errors import RefusedError
from services.storage.content.personas import PersonaRecord, Personas
from services.web.access import require
from services.web.edits import edit_route
from services.web.etags import ExpectedVersion, give_etag
from services.web.lists import AskedPage, Page
from services.web.problems import problem_responses

PersonaSlug = Annotated[str, Path(pattern=r"^[0-9A-Za-z_-]{1,64}$")]
Reading = Annotated[SignedIn, require("personas", Action.READ)]
Editing = Annotated[SignedIn, require("personas", Action.EDIT)]
Deleting = Annotated[SignedIn, require("personas", Action.DELETE)]

Temperature = Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)]
MaxTokens = Annotated[int, Field(ge=16, le=8000)]
Fillers = Annotated[list[LineOfText], Field(max_length=20)]


class NewPersona(BaseModel):
    """A persona to add. Its slug stays: lines and calls name it by it."""

    model_config = ConfigDict(extra="forbid")

    slug: Slug
    name: Annotated[ShortText, Field(examples=["Anna"])]
    language: Language
    gender: Literal["female", "male"]
    greeting: Greeting
    character: Annotated[LongText, Field(examples=["Calm and friendly."])]
    rules: LongText = ""
    voice: VoiceName = ""
    temperature: Temperature = 0.6
    max_tokens: MaxTokens = 300
    fillers: Fillers = []


class PersonaEdit(Edit):
    """What is to be changed of a persona; `is_default` true makes it the one that answers in its language.

    `slug` may be sent along, as it is: it stays.
    """

    slug: Slug | None = None
    name: ShortText | None = None
    language: Language | None = None
    gender: Literal["female", "male"] | None = None
    greeting: Greeting | None = None
    character: LongText | None = None
    rules: LongText | None = None
    voice: VoiceName | None = None
    temperature: Temperature | None = None
    max_tokens: MaxTokens | None = None
    fillers: Fillers | None = None
    is_default: bool | None = None


class PersonaShown(BaseModel):
    """A persona; `id` is its slug, `is_default`: it answers in its language where a line names no other."""

    id: str
    slug: str
    name: str
    language: str
    gender: str
    greeting: str
    character: str
    rules: str
    voice: str
    temperature: float
    max_tokens: int
    fillers: list[str]
    is_default: bool
    version: int
    created_at: datetime
    updated_at: datetime


def personas_router(personas: Personas) -> APIRouter:
    """Make the routes /admin/personas."""
    router = APIRouter(prefix="/admin/personas", tags=["personas"], responses=problem_responses(401, 403, 422, 503))

    @router.get("", summary="List personas")
    async def listed(who: Reading, page: AskedPage, language: Language | None = None) -> Page[PersonaShown]:
        """List personas, newest first."""
        found, cursor = await personas.list(who.company_id, page.limit, page.cursor, language=language or "")
        return Page(items=[_shown(each) for each in found], next_cursor=cursor)

    @router.post("", status_code=201, summary="Add a persona", responses=problem_responses(409))
    async def added(who: Editing, response: Response, given: NewPersona) -> PersonaShown:
        """Add a persona; the first of its language answers in it. 409: the slug is taken."""
        persona = Persona(**{**given.model_dump(), "fillers": tuple(given.fillers)})
        stored = await personas.add(who.company_id, persona)
        response.headers["Location"] = f"/admin/personas/{stored.persona.slug}"
        return _given(response, stored)

    @router.get("/{slug}", summary="Show a persona", responses=problem_responses(404))
    async def shown(who: Reading, response: Response, slug: PersonaSlug) -> PersonaShown:
        """Return one persona; the ETag is for changing it."""
        return _given(response, await personas.record(who.company_id, slug))

    @edit_route(router, "/{slug}", summary="Change a persona", responses=problem_responses(404, 409, 412))
    async def edited(
        who: Editing, response: Response, slug: PersonaSlug, given: PersonaEdit, version: ExpectedVersion
    ) -> PersonaShown:
        """Change what is given, from the next call on: one that goes on keeps what it began with."""
        changes = given.changes()
        if changes.pop("slug", slug) != slug:
            raise RefusedError("A persona keeps its slug: lines and calls name it by it.", "Add another persona.")
        return _given(response, await personas.edit(who.company_id, slug, changes, version))

    @router.post("/{slug}/activate", summary="Let a persona answer", responses=problem_responses(404))
    async def activated(who: Editing, response: Response, slug: PersonaSlug) -> PersonaShown:
        """Make it the one that answers in its language."""
        return _given(response, await personas.edit(who.company_id, slug, {"is_default": True}))

    @router.delete("/{slug}", status_code=204, summary="Delete a persona", responses=problem_responses(404, 409, 412))
    async def deleted(who: Deleting, slug: PersonaSlug, version: ExpectedVersion) -> None:
        """Delete a persona. 409: it is the only one of its language."""
        await personas.remove(who.company_id, slug, version)

    return router


def _given(response: Response, stored: PersonaRecord) -> PersonaShown:
    give_etag(response, stored.persona.version)
    return _shown(stored)


def _shown(stored: PersonaRecord) -> PersonaShown:
    values = {**asdict(stored.persona), "fillers": list(stored.persona.fillers)}
    return PersonaShown(
        **values,
        id=stored.persona.slug,
        is_default=stored.is_default,
        created_at=stored.created_at,
        updated_at=stored.updated_at,
    )
