"""What the installation has: voices, ears, engines, the state of its parts, its settings. To look at only."""

import asyncio
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Annotated, Any, cast

from fastapi import APIRouter
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

import services.llm
import services.stt
import services.tts
from api.house.status import PartState
from services.accounts.roles import Action
from services.accounts.signed_in import SignedIn
from services.discovery import discover
from services.engines import Availability, EngineContext, EngineInfo
from services.installation import Installation
from services.settings import PREFIX, shown_default
from services.web.access import require
from services.web.lists import Page
from services.web.problems import problem_responses

_MAY_HOLD_PASSWORDS = frozenset({"DATABASE_URL", "REDIS_URL"})


class VoiceShown(BaseModel):
    """A voice; `id` is what a persona or a preset names."""

    id: str
    engine: str
    name: str
    language: str
    title: str
    licence: str


class EngineShown(BaseModel):
    """An engine: what it is, and what it can do here. `remedy` says how to bring one that is not `usable`."""

    name: str
    kind: str
    title: str
    licence: str
    streaming: bool
    word_times: bool
    cloning: bool
    memory_mb: int
    usable: bool
    languages: list[str]
    reason: str
    remedy: str
    labelled: str


class SettingShown(BaseModel):
    """A setting as it is in effect; of a secret only "set" or "not set"."""

    name: str
    value: str
    default: str
    description: str


def catalogue_router(installation: Installation) -> APIRouter:
    """Make the routes /admin/voices, /admin/stt, /admin/models, /admin/services and /admin/settings."""
    router = APIRouter(prefix="/admin", tags=["installation"], responses=problem_responses(401, 403, 422, 503))
    settings = installation.settings
    context = EngineContext(settings.models_dir, settings.data_dir)

    @router.get("/voices", summary="List voices")
    async def voices(_: Annotated[SignedIn, require("voices", Action.READ)]) -> Page[VoiceShown]:
        """List what can be spoken with, the best first."""
        return Page(items=list(_voices(installation)), next_cursor=None)

    @router.get("/stt", summary="List the engines that understand speech")
    async def ears(_: Annotated[SignedIn, require("models", Action.READ)]) -> Page[EngineShown]:
        """List the engines of speech to text, the best first."""
        return Page(items=await asyncio.to_thread(_engines, context, services.stt), next_cursor=None)

    @router.get("/models", summary="List engines")
    async def models(_: Annotated[SignedIn, require("models", Action.READ)]) -> Page[EngineShown]:
        """List the engines of every kind, the best of each first."""
        packages = (services.stt, services.tts, services.llm)
        return Page(items=await asyncio.to_thread(_engines, context, *packages), next_cursor=None)

    @router.get("/services", summary="List the parts of the installation")
    async def parts(_: Annotated[SignedIn, require("services", Action.READ)]) -> Page[PartState]:
        """List every part with its state and how to mend it, as /readyz does."""
        shown = [
            PartState(name=each.name, state=each.state, detail=each.detail, remedy=each.remedy, required=each.required)
            for each in installation.parts()
        ]
        return Page(items=shown, next_cursor=None)

    @router.get("/settings", summary="List settings")
    async def listed(_: Annotated[SignedIn, require("settings", Action.READ)]) -> Page[SettingShown]:
        """List the settings in effect; they are changed in the environment or .env, and count from the next start."""
        return Page(items=list(_settings(settings)), next_cursor=None)

    return router


def _voices(installation: Installation) -> Iterator[VoiceShown]:
    for each in installation.mouth.voices():
        voice = each.voice
        yield VoiceShown(
            id=f"{voice.engine}:{voice.name}",
            engine=voice.engine,
            name=voice.name,
            language=voice.language,
            title=each.title,
            licence=each.licence,
        )


def _engines(context: EngineContext, *packages: ModuleType) -> list[EngineShown]:
    found: list[EngineShown] = []
    for package in packages:
        engines = cast("Mapping[str, Any]", discover(package, "ENGINE")).values()
        best_first = sorted(engines, key=lambda each: -each.info.rank)
        found.extend(_engine(each.info, each.availability(context)) for each in best_first)
    return found


def _engine(info: EngineInfo, available: Availability) -> EngineShown:
    return EngineShown(
        name=info.name,
        kind=info.kind.value,
        title=info.title,
        licence=info.licence,
        streaming=info.streaming,
        word_times=info.word_times,
        cloning=info.cloning,
        memory_mb=info.memory_mb,
        usable=available.usable,
        languages=list(available.languages),
        reason=available.reason,
        remedy=available.remedy,
        labelled=available.labelled,
    )


def _settings(section: BaseModel, prefix: str = PREFIX) -> Iterator[SettingShown]:
    for name, field in type(section).model_fields.items():
        value, full = getattr(section, name), f"{prefix}{name}".upper()
        if isinstance(value, BaseModel):
            yield from _settings(value, f"{full}__")
        elif _is_secret(full, field, value):
            given = value.get_secret_value() if isinstance(value, SecretStr) else value
            yield _setting(full, "set" if given else "not set", field)
        else:
            yield _setting(full, _written(value), field)


def _is_secret(name: str, field: FieldInfo, value: object) -> bool:
    return isinstance(value, SecretStr) or not field.repr or name.removeprefix(PREFIX) in _MAY_HOLD_PASSWORDS


def _written(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return ",".join(map(str, value))
    return "" if value is None else str(value)


def _setting(name: str, value: str, field: FieldInfo) -> SettingShown:
    return SettingShown(name=name, value=value, default=shown_default(field), description=field.description or "")
