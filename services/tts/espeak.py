"""espeak-ng: always there, a hundred languages, instant and robotic."""

import importlib.util
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

from services.engines import Availability, EngineContext, EngineInfo, Kind
from services.errors import EngineUnavailableError
from services.tts.protocol import SpeechPiece, TextToSpeech, Voice, VoiceInfo
from services.tts.speech import speak
from services.workers.worker import Worker

INFO = EngineInfo(
    name="espeak",
    kind=Kind.TTS,
    title="espeak-ng",
    licence="GPL-3.0-or-later",
    rank=10,
    rates=(22050,),
    streaming=True,
    word_times=True,
    memory_mb=35,
    concurrency=32,
    instant=True,
)

WORDS_A_MINUTE = 165
"""A little under espeak's own 175: consonants have to survive 8 kHz and a mobile codec."""

STALL_SECONDS = 8.0
"""Longer than the turns of all other sessions take, far longer than any piece."""

_VARIANTS = {"female": "f3", "male": "m3"}
_PITCH = {"female": 55, "male": 45}
_REGIONS = {"en": ("en", "en-us")}
_INSTALL = "Install the package espeakng-loader (it comes with the main requirements)."


class EspeakEngine:
    """What is known without loading anything."""

    info = INFO

    def availability(self, context: EngineContext) -> Availability:  # noqa: ARG002 - needs nothing of the installation
        """List the languages of espeak's data."""
        paths = _paths()
        if paths is None:
            return Availability(reason="The package espeakng-loader is not installed.", remedy=_INSTALL)
        languages = _languages(paths[1])
        if not languages:
            return Availability(reason="The data of espeak-ng is incomplete.", remedy=_INSTALL)
        remedy = "A Piper voice (<voice>.onnx and <voice>.onnx.json) speaks naturally."
        return Availability(languages=languages, labelled="robotic", remedy=remedy)

    async def load(self, context: EngineContext) -> TextToSpeech:
        """Start the worker process. Raises EngineUnavailableError."""
        paths = _paths()
        available = self.availability(context)
        if paths is None or not available.usable:
            raise EngineUnavailableError(available.reason, available.remedy)
        options = {"library": str(paths[0]), "data": str(paths[1])}
        worker = Worker(
            "services.tts.espeak_worker:EspeakEngine",
            options,
            name=INFO.name,
            sessions=INFO.concurrency,
            stall_timeout=STALL_SECONDS,
        )
        await worker.start()
        return Espeak(worker, available.languages)


class Espeak:
    """The loaded engine."""

    info = INFO

    def __init__(self, worker: Worker, languages: Sequence[str]) -> None:
        self._worker = worker
        self._voices = tuple(_voice(language, gender) for language in _names(languages) for gender in _VARIANTS)

    def voices(self) -> Sequence[VoiceInfo]:
        """List a female and a male voice of each language."""
        return self._voices

    def synthesize(self, text: str, voice: Voice, rate: int) -> AsyncGenerator[SpeechPiece, None]:
        """Speak `text`; see TextToSpeech. Parameters of a voice: pitch, range and volume, 0 to 100."""
        given = {name: value for name, value in voice.parameters if name in ("pitch", "range", "volume")}
        numbers = {name: min(max(int(value), 0), 100) for name, value in given.items() if value.isdecimal()}
        speed = min(max(voice.speed, 0.5), 2.0)
        parameters = {"pitch": 50, "range": 50, "volume": 100} | numbers | {"rate": round(WORDS_A_MINUTE * speed)}
        request = {"text": text, "voice": voice.name, "parameters": parameters}
        return speak(self._worker, request, INFO.rates[0], rate)

    async def close(self) -> None:
        """End the process."""
        await self._worker.close()


def _paths() -> tuple[Path, Path] | None:
    """Where the library and its data lie, None without the package. The package is not imported."""
    if importlib.util.find_spec("espeakng_loader") is None:
        return None
    import espeakng_loader

    library, data = Path(espeakng_loader.get_library_path()), Path(espeakng_loader.get_data_path())
    return (library, data) if library.is_file() else None


def _languages(data: Path) -> tuple[str, ...]:
    """ISO 639-1 codes of the languages that have a voice file and a dictionary."""
    voices = {path.name for path in data.glob("lang/*/*")} | {path.name for path in data.glob("lang/*")}
    return tuple(sorted(name for name in voices if len(name) == 2 and (data / f"{name}_dict").is_file()))


def _names(languages: Sequence[str]) -> Sequence[str]:
    return [name for language in languages for name in _REGIONS.get(language, (language,))]


def _voice(name: str, gender: str) -> VoiceInfo:
    parameters = (("gender", gender), ("pitch", str(_PITCH[gender])))
    voice = Voice(INFO.name, f"{name}+{_VARIANTS[gender]}", name[:2], parameters=parameters)
    return VoiceInfo(voice, f"espeak-ng {name}, {gender}", INFO.licence)


ENGINE = EspeakEngine()
