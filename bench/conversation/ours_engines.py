"""The fake engines as this project wants them: its ears, its mouth, its language model; and what remembers nothing."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from typing import Any

from bench.conversation.far_end import VOICE
from bench.conversation.workload import FRAME_SAMPLES, RATE, model, voice
from services.audio.frame import Frame, Samples
from services.domain import CompanyProfile, FaqEntry, OpenedConversation, Persona, TakenMessage
from services.engines import EngineInfo, Kind
from services.events import CallEvent
from services.llm.protocol import Finish, Message, ModelEvent, Options, TextDelta, ToolSpec
from services.stt.protocol import Transcript
from services.tts.protocol import SpeechPiece, Voice

_OPTIONS = Options()


class BenchModel:
    """The language model."""

    info = EngineInfo("bench", Kind.LLM, "bench", "none", 0)

    async def stream(
        self,
        messages: Sequence[Message],  # noqa: ARG002
        tools: Sequence[ToolSpec] = (),  # noqa: ARG002
        options: Options = _OPTIONS,  # noqa: ARG002
    ) -> AsyncGenerator[ModelEvent, None]:
        """Write the reply."""
        async for token in model():
            yield TextDelta(token)
        yield Finish("stop", "bench")

    async def close(self) -> None:
        """Nothing is open."""


class BenchMouth:
    """The voice."""

    def voice_for(self, language: str, gender: str, wanted: str = "") -> Voice:  # noqa: ARG002
        """Return the only voice."""
        return Voice("bench", gender, language)

    async def synthesize(
        self,
        text: str,
        voice_: Voice,  # noqa: ARG002
        rate: int,
        *,
        fixed: bool = False,  # noqa: ARG002
    ) -> AsyncGenerator[SpeechPiece, None]:
        """Speak."""
        async for number in voice(text):
            yield Frame(VOICE, rate, number * FRAME_SAMPLES)


class BenchEars:
    """The ears: every end of an utterance is answered by the transcript that the script gives, when it gives it."""

    def __init__(self) -> None:
        self.heard = 0
        self._out: asyncio.Queue[Transcript | None] = asyncio.Queue()
        self._owed = 0
        self._ready: list[str] = []

    def give(self, text: str) -> None:
        """Understand the utterance that has ended, or is ending."""
        self._ready.append(text)
        self._match()

    async def push(self, frame: Frame) -> None:  # noqa: ARG002
        """Hear a frame."""
        self.heard += 1

    async def end_utterance(self) -> None:
        """Owe a transcript."""
        self._owed += 1
        self._match()

    def __aiter__(self) -> AsyncIterator[Transcript]:
        return self._read()

    async def aclose(self) -> None:
        """End."""
        self._out.put_nowait(None)

    async def _read(self) -> AsyncIterator[Transcript]:
        while (transcript := await self._out.get()) is not None:
            yield transcript

    def _match(self) -> None:
        while self._owed and self._ready:
            self._owed -= 1
            self._out.put_nowait(Transcript(self._ready.pop(0), "en", True, 0.9))


class LoudDetector:
    """No VAD: speech is what is not silence, found at the cost of one look at one sample."""

    window = 512

    def probability(self, samples: Samples) -> float:
        """Return 0 or 1 for the next window."""
        return 1.0 if samples[-5] else 0.0


class Forgetful:
    """The stores below the conversation, with nothing in them: nothing is measured there."""

    def __init__(self, company: CompanyProfile, persona: Persona) -> None:
        self._company = company
        self._persona = persona

    async def profile(self, company_id: str) -> CompanyProfile | None:  # noqa: ARG002
        """Return the only company."""
        return self._company

    async def get(self, company_id: str, slug: str) -> Persona | None:  # noqa: ARG002
        """Return the only persona."""
        return self._persona

    async def for_language(self, company_id: str, language: str) -> Persona | None:  # noqa: ARG002
        """Return the only persona."""
        return self._persona

    async def open(
        self,
        company_id: str,  # noqa: ARG002
        channel: str,  # noqa: ARG002
        number: str,  # noqa: ARG002
        language: str,  # noqa: ARG002
        persona: str,  # noqa: ARG002
    ) -> OpenedConversation:
        """Begin a conversation."""
        return OpenedConversation("c", returning=False)

    async def set_audio(self, company_id: str, message_id: str, path: str) -> None:
        """Forget the sound."""

    async def hints(self, company_id: str, language: str) -> list[str]:  # noqa: ARG002
        """Return no hints."""
        return []

    async def entries(self, company_id: str) -> list[FaqEntry]:  # noqa: ARG002
        """Return no FAQ."""
        return []

    async def revision(self, company_id: str) -> str:  # noqa: ARG002
        """Nothing ever changes."""
        return "1"

    async def save_state(self, company_id: str, conversation_id: str, state: Mapping[str, Any]) -> None:
        """Forget the state."""

    async def save(self, message: TakenMessage) -> None:
        """Forget the message."""

    async def discard(self, company_id: str, message_id: str) -> None:
        """Forget that there was a message."""

    async def append(self, event: CallEvent) -> None:
        """Forget the event."""


assert RATE == 16_000  # windows of 512 samples
