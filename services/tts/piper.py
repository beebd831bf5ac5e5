"""Piper: natural voices on a plain CPU, from models in `<models>/piper`."""

import importlib.metadata
import importlib.util
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import structlog

from services.engines import Availability, EngineContext, EngineInfo, Kind
from services.errors import EngineError, EngineUnavailableError
from services.tts.piper_models import PiperModel, find
from services.tts.protocol import SpeechPiece, TextToSpeech, Voice, VoiceInfo
from services.tts.speech import speak
from services.workers.worker import Worker

log = structlog.get_logger()

INFO = EngineInfo(
    name="piper",
    kind=Kind.TTS,
    title="Piper",
    licence="GPL-3.0-or-later",
    rank=60,
    rates=(16000, 22050),
    streaming=True,
    memory_mb=250,
    concurrency=8,
)

VOICE_LICENCE = "see the voice's model card"
LOAD_SECONDS = 60.0
_PULL = "Put one into MODELS_DIR/piper, then start again."
_INSTALL = "Install the package piper-tts (it comes with the main requirements)."


class PiperEngine:
    """What is known without loading anything."""

    info = INFO

    def availability(self, context: EngineContext) -> Availability:
        """List the languages of the voices whose two files are whole."""
        if importlib.util.find_spec("piper") is None:
            return Availability(reason="The package piper-tts is not installed.", remedy=_INSTALL)
        good, broken = find(_folder(context))
        reason = "; ".join(f"the Piper voice {each.name} is not offered: {each.reason}" for each in broken)
        reason = f"{reason[0].upper()}{reason[1:]}." if reason else ""
        languages = tuple(sorted({each.language for each in good}))
        if languages:
            return Availability(languages, reason=reason)
        return Availability(reason=reason or "There is no Piper voice in the models folder.", remedy=_PULL)

    async def load(self, context: EngineContext) -> TextToSpeech:
        """Start the worker and load the voices of `context.options["languages"]` ("ru,en"; all when it is not given).

        A voice that turns out to be damaged is not offered. Raises EngineUnavailableError when none is left.
        """
        available = self.availability(context)
        if not available.usable:
            raise EngineUnavailableError(available.reason, available.remedy)
        wanted = {each.strip() for each in context.options.get("languages", "").split(",") if each.strip()}
        models = [each for each in find(_folder(context))[0] if not wanted or each.language in wanted]
        worker = Worker(
            "services.tts.piper_worker:PiperEngine",
            {"folder": str(_folder(context))},
            name=INFO.name,
            sessions=INFO.concurrency,
            start_timeout=LOAD_SECONDS,
            stall_timeout=LOAD_SECONDS,
        )
        await worker.start()
        try:
            broken = await _check(worker, models)
        except BaseException:
            await worker.close()
            raise
        models = [each for each in models if each.name not in broken]
        if not models:
            await worker.close()
            raise EngineUnavailableError(
                " ".join(broken.values()) or "There is no Piper voice of this language.", _PULL
            )
        return Piper(worker, models)


async def _check(worker: Worker, models: Sequence[PiperModel]) -> dict[str, str]:
    """Load each voice once in the worker; return the reason of each that cannot be loaded."""
    broken = {}
    session = await worker.open()
    try:
        await session.send("check", {"voices": [each.name for each in models]})
        while (message := await session.receive(LOAD_SECONDS)) is not None and message.type == "checked":
            if message.data["reason"]:
                log.warning("%s", message.data["reason"])
                broken[str(message.data["voice"])] = str(message.data["reason"])
    except EngineError as error:
        raise EngineUnavailableError(error.message, error.remedy) from None
    finally:
        await session.aclose()
    return broken


class Piper:
    """The loaded engine."""

    info = INFO

    def __init__(self, worker: Worker, models: Sequence[PiperModel]) -> None:
        self._worker = worker
        self._models = {each.name: each for each in models}
        self._version = importlib.metadata.version("piper-tts")

    def voices(self) -> Sequence[VoiceInfo]:
        """List the voices, and each speaker of a voice that has several."""
        return [info for model in self._models.values() for info in _infos(model)]

    async def synthesize(self, text: str, voice: Voice, rate: int) -> AsyncGenerator[SpeechPiece, None]:
        """Speak `text`; see TextToSpeech. Parameters of a voice: length_scale (1.0; larger is slower), speaker."""
        name, _, speaker_name = voice.name.partition("#")
        model = self._models.get(name)
        if model is None:
            raise EngineError(f"Piper has no voice {voice.name!r}.")
        parameters = dict(voice.parameters)
        speaker = dict(model.speakers).get(speaker_name or parameters.get("speaker", ""))  # None: the model's default
        scale = _number(parameters.get("length_scale", ""), 1.0) / voice.speed
        request = {"text": text, "voice": name, "speaker": speaker, "length_scale": min(max(scale, 0.4), 3.0)}
        pieces = speak(self._worker, request, model.rate, rate)
        try:
            async for piece in pieces:
                yield piece
        finally:
            await pieces.aclose()

    def model_of(self, voice: Voice) -> str:
        """Name the package's version and the voice's files as they were when it was loaded; see KnowsItsModel."""
        model = self._models.get(voice.name.partition("#")[0])
        return f"{self._version} {model.stamp}" if model is not None else ""

    async def close(self) -> None:
        """End the process."""
        await self._worker.close()


def _folder(context: EngineContext) -> Path:
    return context.models_dir / "piper"


def _infos(model: PiperModel) -> list[VoiceInfo]:
    parameters = (("gender", model.gender),) if model.gender else ()
    names = [f"{model.name}#{speaker}" for speaker, _ in model.speakers] or [model.name]
    return [
        VoiceInfo(Voice(INFO.name, name, model.language, parameters=parameters), f"Piper {name}", VOICE_LICENCE)
        for name in names
    ]


def _number(text: str, default: float) -> float:
    try:
        return float(text)
    except ValueError:
        return default


ENGINE = PiperEngine()
