"""The shape of a mouth: text in, frames and word marks out."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from services.audio.frame import Frame
from services.engines import Availability, EngineContext, EngineInfo


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice to speak with: the engine's name, the engine's own name of the voice, and how to use it.

    `speed` 1.0 is the voice's natural pace; `parameters` are the engine's own, as sorted (name, value) pairs, so that a
    voice can be a cache key.
    """

    engine: str
    name: str
    language: str
    speed: float = 1.0
    parameters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class VoiceInfo:
    """A voice an engine offers here now: the voice itself, a title for people, its licence."""

    voice: Voice
    title: str
    licence: str


@dataclass(frozen=True, slots=True)
class WordMark:
    """Where a word begins in the speech.

    `start` and `length` are characters of the text that was given; `position` is a sample index at the rate of the
    frames, counted from the first frame of this synthesis. A mark comes before the frame it points into.
    """

    start: int
    length: int
    position: int


SpeechPiece = Frame | WordMark


class TextToSpeech(Protocol):
    """A loaded engine."""

    info: EngineInfo

    def voices(self) -> Sequence[VoiceInfo]:
        """List the voices that work here now."""
        ...

    def synthesize(self, text: str, voice: Voice, rate: int) -> AsyncGenerator[SpeechPiece, None]:
        """Speak `text` (already in spoken form), as frames of `rate` Hz whose positions begin at 0.

        Frames come while the rest is still being made. Closing the generator (`aclose`) stops the engine at once.
        Resampling from the engine's own rate happens here, once. Raises EngineError.
        """
        ...

    async def close(self) -> None:
        """Unload the engine and end what it runs."""
        ...


@runtime_checkable
class KnowsItsModel(Protocol):
    """A loaded engine, if it can: tells models of the same name apart, so that a new one's speech is not the old's."""

    def model_of(self, voice: Voice) -> str:
        """Return what changes when the voice would sound different: a version, the size and time of its file."""
        ...


class TextToSpeechEngine(Protocol):
    """What an engine module exports as `ENGINE`; importable without the engine's package."""

    info: EngineInfo

    def availability(self, context: EngineContext) -> Availability:
        """Say what could be served here now; quick, imports nothing heavy, raises nothing."""
        ...

    async def load(self, context: EngineContext) -> TextToSpeech:
        """Load the engine. Raises EngineUnavailableError with the remedy when it cannot be."""
        ...
