"""Which speech engines are loaded, which speaks which language first, and what to say about it."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

import structlog

import services.tts
from services.discovery import discover
from services.engines import Availability, EngineContext
from services.errors import EngineError
from services.parts import Part, State
from services.tts.protocol import TextToSpeech, TextToSpeechEngine, Voice, VoiceInfo

log = structlog.get_logger()

LOADED_PER_LANGUAGE = 2
"""The engine that speaks and the one that takes over when it fails."""


def discovered() -> dict[str, TextToSpeechEngine]:
    """Return the engines of this package by their name."""
    engines: dict[str, TextToSpeechEngine] = {}
    for value in discover(services.tts, "ENGINE").values():
        engine: TextToSpeechEngine = value  # type: ignore[assignment]  # what a module exports as ENGINE
        engines[engine.info.name] = engine
    return engines


class Roster:
    """The loaded engines in order of preference: the one that was asked for, then by rank.

    `engines` are those to choose from, by name; `wanted` is "auto" or the name of the one asked for.
    """

    def __init__(self, engines: Mapping[str, TextToSpeechEngine], wanted: str) -> None:
        self._engines = engines
        self._wanted = wanted
        self._loaded: dict[str, TextToSpeech] = {}
        self._available: dict[str, Availability] = {}
        self._troubles: dict[str, EngineError] = {}
        self._languages: tuple[str, ...] = ()

    async def load(self, context: EngineContext, languages: Sequence[str]) -> None:
        """Load the best engines of each language; one that cannot be loaded makes room for the next."""
        self._languages = tuple(dict.fromkeys(base(each) for each in languages))
        context = dataclasses.replace(context, options={**context.options, "languages": ",".join(self._languages)})
        self._available = {name: each.availability(context) for name, each in self._engines.items()}
        for language in self._languages:
            for name in self._candidates(language):
                if len(self.chain(language)) >= LOADED_PER_LANGUAGE:
                    break
                await self._load_one(name, context)

    def chain(self, language: str) -> list[TextToSpeech]:
        """Return the loaded engines with a voice of `language`, best first."""
        able = [each for each in self._loaded.values() if any(voices_of(each, language))]
        return sorted(able, key=lambda each: (each.info.name != self._wanted, -each.info.rank))

    def find(self, wanted: str) -> Voice | None:
        """Return the voice "engine:name", None when it is not there."""
        engine, _, name = wanted.partition(":")
        loaded = self._loaded.get(engine)
        infos = loaded.voices() if loaded is not None else ()
        return next((each.voice for each in infos if each.voice.name == name), None)

    def engine(self, name: str) -> TextToSpeech | None:
        """Return the loaded engine of that name."""
        return self._loaded.get(name)

    def voices(self) -> list[VoiceInfo]:
        """List what the loaded engines offer in the languages of this installation, best engine first."""
        found: dict[tuple[str, str], VoiceInfo] = {}
        for language in self._languages:
            for engine in self.chain(language):
                found |= {(info.voice.engine, info.voice.name): info for info in voices_of(engine, language)}
        return list(found.values())

    def parts(self) -> list[Part]:
        """Say for each language how it is spoken."""
        return [self._part(language) for language in self._languages]

    async def close(self) -> None:
        """Unload every engine; one that fails at it does not keep the others."""
        for name, engine in self._loaded.items():
            try:
                await engine.close()
            except EngineError as error:
                log.warning("The speech engine %s did not close well: %s", name, error)
        self._loaded.clear()

    def _candidates(self, language: str) -> list[str]:
        able = [name for name, available in self._available.items() if language in available.languages]
        return sorted(able, key=lambda name: (name != self._wanted, -self._engines[name].info.rank))

    async def _load_one(self, name: str, context: EngineContext) -> None:
        if name in self._loaded or name in self._troubles:
            return
        try:
            self._loaded[name] = await self._engines[name].load(context)
        except EngineError as error:
            log.warning("The speech engine %s cannot be loaded: %s", name, error)
            self._troubles[name] = error

    def _part(self, language: str) -> Part:
        name = f"speech {language}"
        chain = self.chain(language)
        if not chain:
            remedy = next((each.remedy for each in self._available.values() if each.remedy), "")
            return Part(name, State.DOWN, "No speech engine speaks this language.", remedy, required=True)
        info = chain[0].info
        available = self._available[info.name]
        if self._wanted not in ("auto", info.name):
            reason, remedy = self._why_not(self._wanted)
            return Part(name, State.DEGRADED, f"{reason} {info.title} speaks instead.", remedy, required=True)
        better = [each for each in self._troubles if self._engines[each].info.rank > info.rank]
        if self._wanted == "auto" and better:
            reason, remedy = self._why_not(better[0])
            return Part(name, State.DEGRADED, f"{reason} {info.title} speaks instead.", remedy, required=True)
        if self._wanted == "auto" and available.labelled:
            detail = f"Speech is {info.title}, {available.labelled}."
            return Part(name, State.DEGRADED, detail, self._step_up(info.rank, available), required=True)
        return Part(name, State.READY, f"Speech is {info.title}.", required=True)

    def _why_not(self, name: str) -> tuple[str, str]:
        if name in self._troubles:
            return self._troubles[name].message, self._troubles[name].remedy
        available = self._available.get(name)
        if available is None:
            return f"The speech engine {name} is not part of this installation.", "Set SECRETARY_TTS__ENGINE=auto."
        return available.reason or f"The speech engine {name} has no voice of this language.", available.remedy

    def _step_up(self, rank: int, available: Availability) -> str:
        """The step to a better engine: what a broken better one lacks, else what the present one recommends."""
        broken = [
            f"{each.reason} {each.remedy}".strip()
            for name, each in self._available.items()
            if self._engines[name].info.rank > rank and each.reason and not each.usable
        ]
        return " ".join([*broken, available.remedy] if broken else [available.remedy])


def voices_of(engine: TextToSpeech, language: str) -> Iterable[VoiceInfo]:
    """Yield the voices of `engine` in `language`."""
    return (each for each in engine.voices() if each.voice.language == base(language))


def base(language: str) -> str:
    """Return the ISO 639-1 part of a language tag."""
    return language.replace("_", "-").split("-")[0].lower()
