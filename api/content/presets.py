"""Presets: named ways to use the language model and the voices, one active of each kind.

They are kept and listed here; a persona's own temperature, length and voice are what a call uses.
"""

from datetime import datetime
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from api.content.text_shapes import Edit, LongText, ShortText, Slug, VoiceName
from services.accounts.roles import Action
from services.accounts.signed_in import SignedIn
from services.storage.content.presets import Preset, PresetKind, Presets
from services.web.access import require
from services.web.edits import edit_route
from services.web.etags import ExpectedVersion, give_etag
from services.web.lists import AskedPage, Page
from services.web.problems import problem_responses

PresetId = Annotated[str, Path(pattern=r"^[0-9A-Za-z-]{1,64}$")]
Reading = Annotated[SignedIn, require("presets", Action.READ)]
Editing = Annotated[SignedIn, require("presets", Action.EDIT)]
Deleting = Annotated[SignedIn, require("presets", Action.DELETE)]


class LlmValues(BaseModel):
    """How the language model is asked."""

    model_config = ConfigDict(extra="forbid")

    prompt: LongText = ""
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] = 0.6
    max_tokens: Annotated[int, Field(ge=16, le=8000)] = 300


class TtsValues(BaseModel):
    """How a voice speaks; `pitch` in semitones, null for the voice's own, `voice` and `engine` "" for the best."""

    model_config = ConfigDict(extra="forbid")

    voice: VoiceName = ""
    engine: Annotated[str, Field(pattern=r"^[a-z0-9_-]{0,40}$")] = ""
    speed: Annotated[float, Field(ge=0.5, le=2, allow_inf_nan=False)] = 1.0
    pitch: Annotated[float, Field(ge=-12, le=12, allow_inf_nan=False)] | None = None


class NewLlmPreset(BaseModel):
    """A preset to add."""

    model_config = ConfigDict(extra="forbid")

    slug: Slug
    name: ShortText
    values: LlmValues


class NewTtsPreset(BaseModel):
    """A preset to add."""

    model_config = ConfigDict(extra="forbid")

    slug: Slug
    name: ShortText
    values: TtsValues


class LlmPresetEdit(Edit):
    """What is to be changed of a preset; its values are replaced as a whole."""

    slug: Slug | None = None
    name: ShortText | None = None
    values: LlmValues | None = None


class TtsPresetEdit(Edit):
    """What is to be changed of a preset; its values are replaced as a whole."""

    slug: Slug | None = None
    name: ShortText | None = None
    values: TtsValues | None = None


class PresetShown(BaseModel):
    """What every preset has; `active`: it is the one in use of its kind."""

    id: str
    slug: str
    name: str
    active: bool
    version: int
    created_at: datetime
    updated_at: datetime


class LlmPresetShown(PresetShown):
    """A preset of the language model."""

    values: LlmValues


class TtsPresetShown(PresetShown):
    """A preset of the voices."""

    values: TtsValues


Shown = TypeVar("Shown", LlmPresetShown, TtsPresetShown)


def presets_routers(presets: Presets) -> tuple[APIRouter, APIRouter]:
    """Make the routes /admin/llm/presets and /admin/tts/presets."""
    return _llm_router(presets), _tts_router(presets)


def _llm_router(presets: Presets) -> APIRouter:
    router = _router(presets, "llm", LlmPresetShown)

    @router.post("", status_code=201, summary="Add a preset", responses=problem_responses(409))
    async def added(who: Editing, response: Response, given: NewLlmPreset) -> LlmPresetShown:
        """Add a preset; 409: the slug is taken."""
        stored = await presets.add(who.company_id, "llm", given.slug, given.name, given.values.model_dump())
        return _given(response, stored, LlmPresetShown, new=True)

    @edit_route(router, "/{preset_id}", summary="Change a preset", responses=problem_responses(404, 409, 412))
    async def edited(
        who: Editing, response: Response, preset_id: PresetId, given: LlmPresetEdit, version: ExpectedVersion
    ) -> LlmPresetShown:
        """Change what is given."""
        stored = await presets.edit(who.company_id, "llm", preset_id, _changes(given), version)
        return _given(response, stored, LlmPresetShown)

    return router


def _tts_router(presets: Presets) -> APIRouter:
    router = _router(presets, "tts", TtsPresetShown)

    @router.post("", status_code=201, summary="Add a preset", responses=problem_responses(409))
    async def added(who: Editing, response: Response, given: NewTtsPreset) -> TtsPresetShown:
        """Add a preset; 409: the slug is taken."""
        stored = await presets.add(who.company_id, "tts", given.slug, given.name, given.values.model_dump())
        return _given(response, stored, TtsPresetShown, new=True)

    @edit_route(router, "/{preset_id}", summary="Change a preset", responses=problem_responses(404, 409, 412))
    async def edited(
        who: Editing, response: Response, preset_id: PresetId, given: TtsPresetEdit, version: ExpectedVersion
    ) -> TtsPresetShown:
        """Change what is given."""
        stored = await presets.edit(who.company_id, "tts", preset_id, _changes(given), version)
        return _given(response, stored, TtsPresetShown)

    return router


def _router(presets: Presets, kind: PresetKind, form: type[Shown]) -> APIRouter:
    """Make the routes that are alike for both kinds."""
    router = APIRouter(
        prefix=f"/admin/{kind}/presets", tags=[f"{kind} presets"], responses=problem_responses(401, 403, 422, 503)
    )

    @router.get("", summary="List presets", response_model=Page[form])  # type: ignore[valid-type]  # a class, given
    async def listed(who: Reading, page: AskedPage) -> Any:
        """List presets, newest first."""
        found, cursor = await presets.list(who.company_id, kind, page.limit, page.cursor)
        return Page(items=[_shown(each, form) for each in found], next_cursor=cursor)

    @router.get("/{preset_id}", summary="Show a preset", response_model=form, responses=problem_responses(404))
    async def shown(who: Reading, response: Response, preset_id: PresetId) -> Any:
        """Return one preset; the ETag is for changing it."""
        return _given(response, await presets.get(who.company_id, kind, preset_id), form)

    @router.post(
        "/{preset_id}/activate", summary="Activate a preset", response_model=form, responses=problem_responses(404)
    )
    async def activated(who: Editing, response: Response, preset_id: PresetId) -> Any:
        """Make it the active one, in the place of whichever was."""
        return _given(response, await presets.activate(who.company_id, kind, preset_id), form)

    @router.delete("/{preset_id}", status_code=204, summary="Delete a preset", responses=problem_responses(404, 412))
    async def deleted(who: Deleting, preset_id: PresetId, version: ExpectedVersion) -> None:
        """Delete a preset."""
        await presets.remove(who.company_id, kind, preset_id, version)

    return router


def _changes(given: LlmPresetEdit | TtsPresetEdit) -> dict[str, object]:
    changes = given.changes()
    if given.values is not None:
        changes["values"] = given.values.model_dump()
    return changes


def _given(response: Response, stored: Preset, form: type[Shown], *, new: bool = False) -> Shown:
    give_etag(response, stored.version)
    if new:
        response.headers["Location"] = f"/admin/{stored.kind}/presets/{stored.id}"
    return _shown(stored, form)


def _shown(stored: Preset, form: type[Shown]) -> Shown:
    return form(
        id=stored.id,
        slug=stored.slug,
        name=stored.name,
        active=stored.is_default,
        version=stored.version,
        created_at=stored.created_at,
        updated_at=stored.updated_at,
        values=stored.values,
    )
