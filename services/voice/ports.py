"""What the conversation needs from below, as small protocols: it imports no database and no engine."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Protocol, runtime_checkable

from services.audio.frame import Frame
from services.dialogue.shapes import Conversation, LikelyTexts, ReplyEvent, Utterance
from services.domain import CompanyProfile, OpenedConversation, Persona
from services.events import CallEvent
from services.stt.protocol import TranscriptStream
from services.tts.protocol import SpeechPiece, Voice


class CallLog(Protocol):
    """Where the events of calls are appended."""

    async def append(self, event: CallEvent) -> None:
        """Store one event and what follows from it. Raises StorageError."""
        ...


class ConversationBook(Protocol):
    """Where conversations are found again."""

    async def open(self, company_id: str, channel: str, number: str, language: str, persona: str) -> OpenedConversation:
        """Find the conversation of this contact, or begin one."""
        ...


class CompanyBook(Protocol):
    """Where companies are described."""

    async def profile(self, company_id: str) -> CompanyProfile | None:
        """Return the company's profile, None when there is no such company."""
        ...


class PersonaBook(Protocol):
    """Where personas are kept."""

    async def get(self, company_id: str, slug: str) -> Persona | None:
        """Return a persona by its slug."""
        ...

    async def for_language(self, company_id: str, language: str) -> Persona | None:
        """Return the persona that answers in `language`."""
        ...


class MessageSounds(Protocol):
    """Where a message learns the file of its sound."""

    async def set_audio(self, company_id: str, message_id: str, path: str) -> None:
        """Note the file, relative to DATA_DIR."""
        ...


class Ears(Protocol):
    """The ears' manager."""

    def serves(self, language: str) -> bool:
        """Tell whether speech in `language` can be understood here."""
        ...

    def streams(self, language: str) -> bool:
        """Tell whether words of `language` come while they are spoken, and not only when the turn is over."""
        ...

    async def open_stream(self, language: str, rate: int, hints: Sequence[str] = ()) -> TranscriptStream:
        """Open an ear. Raises EngineError."""
        ...


class Echo(Protocol):
    """Takes the secretary's own voice out of what comes over the line."""

    def clean(self, frame: Frame) -> Frame:
        """Return what is left of the caller's next frame."""
        ...


class Mouth(Protocol):
    """The mouth's manager."""

    def voice_for(self, language: str, gender: str, wanted: str = "") -> Voice:
        """Choose a voice."""
        ...

    def synthesize(
        self, text: str, voice: Voice, rate: int, *, fixed: bool = False
    ) -> AsyncGenerator[SpeechPiece, None]:
        """Speak; the sound of a `fixed` text may be kept on disk. Raises EngineError."""
        ...


@runtime_checkable
class SpeaksAhead(Protocol):
    """A mouth that can make speech ready before it is asked for."""

    def warm(self, texts: Sequence[str], voice: Voice, rate: int) -> None:
        """Speak `texts` ahead in the background: spoken forms, piece by piece as they will go to `synthesize`."""
        ...


@runtime_checkable
class KnowsLikelyTexts(Protocol):
    """A secretary who knows beforehand what callers will hear."""

    async def likely(self, conversation: Conversation) -> LikelyTexts:
        """Return the fixed texts of a conversation like this one. Raises StorageError."""
        ...


class Hints(Protocol):
    """What is likely to be said."""

    async def hints(self, company_id: str, language: str) -> list[str]:
        """Return phrases for the ears, most important first."""
        ...


class SecretaryOnLine(Protocol):
    """The secretary as a line needs it: every answer is a stream of text and effects."""

    def greet(self, conversation: Conversation) -> AsyncGenerator[ReplyEvent, None]:
        """Say who answers."""
        ...

    def opening(self, conversation: Conversation) -> str:
        """Return what a call of our own is opened with, behind the notice; quick, and nothing is changed."""
        ...

    def reply(
        self, conversation: Conversation, utterance: Utterance, certain: asyncio.Event | None = None
    ) -> AsyncGenerator[ReplyEvent, None]:
        """Answer a turn.

        With `certain` the answer is begun before the caller has surely finished: text may be thought of and yielded at
        once, but nothing is stored, done or kept until the event is set. An overtaken answer is closed instead, and
        `conversation.state` is put back by whoever asked.
        """
        ...

    def expects(self, conversation: Conversation) -> str:
        """Return what was just asked for: "yes_no", "number", "name", "message", or "" for anything; quick."""
        ...

    def takes_key(self, conversation: Conversation) -> bool:
        """Tell whether a single key is a choice of the call's menu now, and not the beginning of a number; quick."""
        ...

    def filler(self, conversation: Conversation) -> str:
        """Return a short phrase that bridges a slow answer, never twice alike in a row; "" where there is none."""
        ...

    def no_input(self, conversation: Conversation, count: int) -> AsyncGenerator[ReplyEvent, None]:
        """Ask whether somebody is there; at the third time say goodbye."""
        ...

    def apology(self, conversation: Conversation) -> AsyncGenerator[ReplyEvent, None]:
        """Say that something failed, in human words."""
        ...

    def not_connected(self, conversation: Conversation) -> AsyncGenerator[ReplyEvent, None]:
        """Say that the person who was promised cannot be reached."""
        ...

    def time_is_up(self, conversation: Conversation) -> AsyncGenerator[ReplyEvent, None]:
        """Part politely because the call has lasted as long as it may."""
        ...

    def hung_up(self, conversation: Conversation, utterance: Utterance | None) -> AsyncGenerator[ReplyEvent, None]:
        """Keep what the caller left: nobody listens any more, only KeepAudio counts."""
        ...
