"""A real speech engine that notes what it is asked, and what is found in the synthesis cache."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from pathlib import Path

import numpy as np

from services.audio.frame import Frame
from services.engines import Availability, EngineContext
from services.errors import EngineError
from services.tts.manager import Mouth
from services.tts.protocol import KnowsItsModel, SpeechPiece, TextToSpeech, TextToSpeechEngine, Voice, VoiceInfo

GREETING = "Здравствуйте, чем могу помочь?"
MakeVoice = Callable[..., Path]
Start = Callable[..., Awaitable[Mouth]]


class Noted:
    """A real engine that notes what it is asked to speak, and breaks once after `breaks_at` pieces when told to."""

    def __init__(self, engine: TextToSpeechEngine) -> None:
        self.info = engine.info
        self.asked: list[str] = []
        self.breaks_at = -1
        self._engine = engine
        self._loaded: TextToSpeech | None = None

    @property
    def loaded(self) -> TextToSpeech:
        assert self._loaded is not None
        return self._loaded

    def availability(self, context: EngineContext) -> Availability:
        return self._engine.availability(context)

    async def load(self, context: EngineContext) -> TextToSpeech:
        self._loaded = await self._engine.load(context)
        return self

    def voices(self) -> Sequence[VoiceInfo]:
        return self.loaded.voices()

    def model_of(self, voice: Voice) -> str:
        return self.loaded.model_of(voice) if isinstance(self.loaded, KnowsItsModel) else ""

    async def synthesize(self, text: str, voice: Voice, rate: int) -> AsyncGenerator[SpeechPiece, None]:
        if text != "1":  # the warm-up at the start
            self.asked.append(text)
        count = 0
        async with aclosing(self.loaded.synthesize(text, voice, rate)) as pieces:
            async for piece in pieces:
                if count == self.breaks_at:
                    self.breaks_at = -1
                    raise EngineError("Broken on purpose.")
                count += 1
                yield piece

    async def close(self) -> None:
        await self.loaded.close()


async def speak(
    mouth: Mouth, text: str = GREETING, rate: int = 8000, *, fixed: bool = True, voice: Voice | None = None
) -> list[SpeechPiece]:
    voice = voice or mouth.voice_for("ru", "female")
    async with aclosing(mouth.synthesize(text, voice, rate, fixed=fixed)) as pieces:
        return [piece async for piece in pieces]


def same(some: Sequence[SpeechPiece], others: Sequence[SpeechPiece]) -> bool:
    """Whether both are the same marks and the same frames in the same order."""
    return len(some) == len(others) and all(
        np.array_equal(one.samples, other.samples) and (one.rate, one.position) == (other.rate, other.position)
        if isinstance(one, Frame) and isinstance(other, Frame)
        else one == other
        for one, other in zip(some, others, strict=True)
    )


def files(folder: Path) -> list[Path]:
    return sorted((folder / "speech-cache").glob("*"))


async def written(mouth: Mouth, folder: Path, number: int) -> list[Path]:
    """Wait until so many files are there."""
    async with asyncio.timeout(10):
        while len(found := [each for each in files(folder) if each.suffix == ".speech"]) < number:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return found
