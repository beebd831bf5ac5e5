"""The ears: chooses the engine of each language, opens streams, and says plainly what cannot be understood."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

import structlog

import services.stt
from services.discovery import discover
from services.engines import Availability, EngineContext
from services.errors import EngineError, EngineUnavailableError
from services.parts import Part, State
from services.stt.protocol import SpeechToText, SpeechToTextEngine, TranscriptStream
from services.stt.settings import SttSettings
from services.stt.vosk import remedy as vosk_remedy

LOAD_SECONDS = 200.0
LANGUAGES = {"en": "English", "ru": "Russian"}

log = structlog.get_logger()


class Ears:
    """Speech to text with the engines of this installation.

    `engines` replaces the discovered ones. Call `start` once before anything else and `close` at the end.
    """

    def __init__(
        self,
        context: EngineContext,
        settings: SttSettings,
        engines: Mapping[str, SpeechToTextEngine] | None = None,
    ) -> None:
        self._context = context
        self._wanted = "" if settings.engine == "auto" else settings.engine
        found = discover(services.stt, "ENGINE") if engines is None else engines
        self._engines = cast("Mapping[str, SpeechToTextEngine]", found)
        self._available: dict[str, Availability] = {}
        self._loaded: dict[str, SpeechToText] = {}
        self._faults: dict[str, EngineError] = {}
        self._languages: tuple[str, ...] = ()

    async def start(self, languages: Sequence[str], also: Sequence[str] = ()) -> None:
        """Load the best engine of each language (ISO 639-1).

        An engine that is missing or cannot be loaded is replaced by the next, never raised; `parts` says so. Of the
        languages `also`, which a caller may change to, those are loaded that have an engine without a caution.
        """
        self._available = {name: engine.availability(self._context) for name, engine in self._engines.items()}
        languages = self._languages = (*languages, *filter(self._offered_well, also))
        for name in self._order():
            left = [each for each in languages if each not in self._loaded and self._offers(name, each)]
            if left and not await self._load(name, left) and len(left) > 1:
                # One broken model must not take the other languages of its engine with it.
                for language in left:
                    await self._load(name, [language])

    def serves(self, language: str) -> bool:
        """Tell whether there are ears for `language`."""
        return language in self._loaded

    def streams(self, language: str) -> bool:
        """Tell whether words of `language` come while they are spoken, and not only when the turn is over."""
        loaded = self._loaded.get(language)
        return loaded is not None and loaded.info.streaming

    async def open_stream(self, language: str, rate: int, hints: Sequence[str] = ()) -> TranscriptStream:
        """Open an ear; see SpeechToText. Raises EngineUnavailableError when there are no ears for `language`."""
        loaded = self._loaded.get(language)
        if loaded is None:
            raise EngineUnavailableError(f"There are no ears for {_title(language)}.", self._remedy(language))
        return await loaded.open_stream(language, rate, hints)

    def parts(self) -> list[Part]:
        """Say how each language is understood, for `/readyz`, `doctor` and the start message."""
        return [self._part(language) for language in self._languages]

    async def close(self) -> None:
        """Unload the engines and end their processes."""
        loaded, self._loaded = set(self._loaded.values()), {}
        for each in loaded:
            await each.close()

    def _order(self) -> list[str]:
        """Engine names, the one that was asked for first, then the best first."""
        return sorted(self._engines, key=lambda name: (name != self._wanted, -self._engines[name].info.rank, name))

    def _offered_well(self, language: str) -> bool:
        return any(language in each.languages and not each.labelled for each in self._available.values())

    def _offers(self, name: str, language: str) -> bool:
        return language in self._available[name].languages

    async def _load(self, name: str, languages: Sequence[str]) -> bool:
        context = replace(self._context, options={**self._context.options, "languages": " ".join(languages)})
        try:
            async with asyncio.timeout(LOAD_SECONDS):
                loaded = await self._engines[name].load(context)
        except TimeoutError:
            error = EngineError(f"{self._engines[name].info.title} did not load within {LOAD_SECONDS:g} s.")
        except EngineError as failure:
            error = failure
        else:
            self._loaded.update(dict.fromkeys(languages, loaded))
            for language in languages:
                self._faults.pop(f"{name} {language}", None)
            return True
        log.warning("%s", error)
        self._faults.update({f"{name} {language}": error for language in languages})
        return False

    def _part(self, language: str) -> Part:
        title, name = _title(language), f"ears {language}"
        loaded = self._loaded.get(language)
        if loaded is None:
            detail = f"There are no ears for {title}: callers can leave a recorded message and use keys."
            return Part(name, State.DEGRADED, " ".join([detail, *self._failed(language)]), self._remedy(language))
        info = loaded.info
        notes = self._failed(language)
        if self._wanted and self._wanted != info.name:
            notes.insert(0, f"{self._wanted} was asked for and is not there for {title}.")
        caution = self._available[info.name].labelled
        detail = " ".join([f"{info.title} listens to {title}" + (f" ({caution})." if caution else "."), *notes])
        if not caution and not notes:
            return Part(name, State.READY, detail)
        return Part(name, State.DEGRADED, detail, self._remedy(language))

    def _failed(self, language: str) -> list[str]:
        return [error.message for key, error in self._faults.items() if key.endswith(f" {language}")]

    def _remedy(self, language: str) -> str:
        wanted = self._available.get(self._wanted)
        if wanted is not None and not wanted.usable:
            return wanted.remedy
        failed = [error.remedy for key, error in self._faults.items() if key.endswith(f" {language}") and error.remedy]
        return failed[0] if failed else vosk_remedy(self._context.models_dir / "vosk", language)


def _title(language: str) -> str:
    return LANGUAGES.get(language, f"the language {language}")
