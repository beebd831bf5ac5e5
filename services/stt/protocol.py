"""The shape of an ear: frames in, interim and final transcripts out."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.audio.frame import Frame
from services.engines import Availability, EngineContext, EngineInfo


@dataclass(frozen=True, slots=True)
class Word:
    """One recognised word; `start` and `end` in seconds from the first frame of its stream."""

    text: str
    start: float
    end: float
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was understood of one utterance.

    `text` is "" when nothing was; `final` tells the last word on an utterance from an interim transcript that may
    still change; `confidence` is 0..1 or None where the engine has none; `words` and `alternatives` are empty where
    the engine has none.
    """

    text: str
    language: str
    final: bool
    confidence: float | None = None
    words: tuple[Word, ...] = ()
    alternatives: tuple[str, ...] = ()


class TranscriptStream(Protocol):
    """One listener's ear, for as many utterances as the call has.

    Push frames while somebody speaks; call `end_utterance` when the turn is over; read transcripts by iterating.
    Every `end_utterance` is answered by exactly one final transcript (with text "" when nothing was understood), in
    order. Interim transcripts come in between where the engine has them. Iteration ends after `aclose`; it raises
    EngineError when the engine failed.
    """

    async def push(self, frame: Frame) -> None:
        """Give one frame at the rate the stream was opened with."""
        ...

    async def end_utterance(self) -> None:
        """Say that the utterance is over: its final transcript follows, and the next push begins another."""
        ...

    def __aiter__(self) -> AsyncIterator[Transcript]:
        """Iterate over transcripts; one reader only."""
        ...

    async def aclose(self) -> None:
        """Give the ear back; may be called twice, and in the middle of anything."""
        ...


class SpeechToText(Protocol):
    """A loaded engine."""

    info: EngineInfo

    async def open_stream(self, language: str, rate: int, hints: Sequence[str] = ()) -> TranscriptStream:
        """Open an ear for `language` (ISO 639-1) on a line of `rate` Hz.

        `hints` are phrases likely to be said (FAQ questions, company and people's names), most important first.
        The engine resamples at its own edge. Raises EngineUnavailableError for a language it cannot serve and
        EngineOverloadedError when it is full.
        """
        ...

    async def close(self) -> None:
        """Unload the engine and end what it runs."""
        ...


class SpeechToTextEngine(Protocol):
    """What an engine module exports as `ENGINE`; importable without the engine's package."""

    info: EngineInfo

    def availability(self, context: EngineContext) -> Availability:
        """Say what could be served here now; quick, imports nothing heavy, raises nothing."""
        ...

    async def load(self, context: EngineContext) -> SpeechToText:
        """Load the engine. Raises EngineUnavailableError with the remedy when it cannot be."""
        ...
