"""What the installation has: voices, ears, engines, the state of its parts, its settings. To look at only."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from types import ModuleType
from typing import Annotated, Any, TypeVar, cast

from fastapi import APIRouter, Path
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

import services.llm
import services.stt
import services.tts
from api.calls.shapes import PRINTED
from api.house.status import PartState
from services.accounts.roles import Action
from services.accounts.signed_in import SignedIn
from services.discovery import discover
from services.engines import Availability, EngineContext, EngineInfo
from services.errors import NotFoundError
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

    id: str
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

    id: str
    name: str
    value: str
    default: str
    description: str


class ServiceShown(PartState):
    """A part of the installation."""

    id: str


Shown = TypeVar("Shown", VoiceShown, EngineShown, ServiceShown, SettingShown)
ItemId = Annotated[str, Path(max_length=200, pattern=rf"^{PRINTED}+$")]


def catalogue_router(installation: Installation) -> APIRouter:
    """Make the routes /admin/voices, /admin/stt, /admin/models, /admin/services and /admin/settings."""
    router = APIRouter(prefix="/admin", tags=["installation"], responses=problem_responses(401, 403, 422, 503))
    context = EngineContext(installation.settings.models_dir, installation.settings.data_dir)

    async def ears() -> list[EngineShown]:
        return await asyncio.to_thread(_engines, context, services.stt)

    async def engines() -> list[EngineShown]:
        return await asyncio.to_thread(_engines, context, services.stt, services.tts, services.llm)

    async def voices() -> list[VoiceShown]:
        return list(_voices(installation))

    async def parts() -> list[ServiceShown]:
        return [ServiceShown(id=each.name, **asdict(each)) for each in installation.parts()]

    async def settings() -> list[SettingShown]:
        return list(_settings(installation.settings))

    _add(router, "voices", "voices", VoiceShown, voices, "What can be spoken with, the best first.")
    _add(router, "stt", "models", EngineShown, ears, "The engines of speech to text, the best first.")
    _add(router, "models", "models", EngineShown, engines, "The engines of every kind, the best of each first.")
    _add(router, "services", "services", ServiceShown, parts, "Every part with its state and how to mend it.")
    _add(
        router,
        "settings",
        "settings",
        SettingShown,
        settings,
        "The settings in effect; they are changed in the environment or .env, and count from the next start.",
    )
    return router


def _add(
    router: APIRouter,
    name: str,
    resource: str,
    form: type[Shown],
    look: Callable[[], Awaitable[Sequence[Shown]]],
    what: str,
) -> None:
    """Make the list /admin/{name}, all on one page, and /admin/{name}/{id}."""

    @router.get(
        f"/{name}",
        summary=f"List {name}",
        description=what,
        response_model=Page[form],  # type: ignore[valid-type]  # a class, given
    )
    async def listed(_: Annotated[SignedIn, require(resource, Action.READ)]) -> Any:
        return Page(items=await look(), next_cursor=None)

    @router.get(
        f"/{name}/{{item_id}}",
        summary=f"Show one of {name}",
        description=f"{what} One of them, by its `id`.",
        response_model=form,
        responses=problem_responses(404),
    )
    async def shown(_: Annotated[SignedIn, require(resource, Action.READ)], item_id: ItemId) -> Any:
        found = next((each for each in await look() if each.id == item_id), None)
        if found is None:
            raise NotFoundError("There is no such thing.", f"GET /admin/{name} lists what there is.")
        return found


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
        id=f"{info.kind.value}:{info.name}",
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
    return SettingShown(
        id=name, name=name, value=value, default=shown_default(field), description=field.description or ""
    )
