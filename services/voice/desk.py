"""What all calls share, composed once at start, and how a call is fitted out from it."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from services.clock import Clock
from services.dialogue.shapes import Conversation
from services.domain import Persona
from services.errands import Errands
from services.errors import EngineError
from services.events import EventBus
from services.stt.protocol import TranscriptStream
from services.tts.protocol import Voice
from services.voice.call import Call, Tongue
from services.voice.directory import LineDirectory
from services.voice.echo.canceller import EchoCanceller
from services.voice.endpointing.endpointer import AudioTurnModel, Endpointer
from services.voice.endpointing.policy import EndOfTurnPolicy
from services.voice.hearing.listener import Listener, ListenerEvent
from services.voice.hearing.vad import VadFactory, VoiceActivity
from services.voice.ports import (
    CallLog,
    CompanyBook,
    ConversationBook,
    Ears,
    Hints,
    MessageSounds,
    Mouth,
    PersonaBook,
    SecretaryOnLine,
)
from services.voice.settings import VoiceSettings

_HINTS_PATIENCE = 1.0  # seconds

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything a call needs, composed once at start."""

    companies: CompanyBook
    personas: PersonaBook
    conversations: ConversationBook
    calls: CallLog
    sounds: MessageSounds
    secretary: SecretaryOnLine
    ears: Ears
    mouth: Mouth
    vad: VadFactory
    policy: EndOfTurnPolicy
    turn_model: AudioTurnModel | None
    hints: Hints
    bus: EventBus
    clock: Clock
    settings: VoiceSettings
    data_dir: Path
    languages: Sequence[str] = ()
    errands: Errands = field(default_factory=Errands)
    directory: LineDirectory = field(default_factory=LineDirectory)

    def voice_of(self, persona: Persona) -> Voice:
        """Choose the voice of a persona. Raises EngineUnavailableError when nothing speaks its language."""
        return self.mouth.voice_for(persona.language, persona.gender, persona.voice)

    async def tongues(self, conversation: Conversation) -> dict[str, Tongue]:
        """Return the languages that a call may be in: its own, and those heard, spoken and with a persona.

        Raises EngineUnavailableError when nothing speaks its own.
        """
        found = {conversation.language: Tongue(conversation.persona, self.voice_of(conversation.persona))}
        for language in self.languages:
            if language in found or not self.ears.serves(language):
                continue
            persona = await self.personas.for_language(conversation.company.id, language)
            if persona is not None:
                with contextlib.suppress(EngineError):
                    found[language] = Tongue(persona, self.voice_of(persona))
        return found

    async def _hints(self, company_id: str, language: str) -> list[str]:
        """Return what is likely to be said; nothing where the books cannot be read: the ears listen all the same."""
        try:
            return await self.errands.within(_HINTS_PATIENCE, self.hints.hints(company_id, language))
        except Exception as error:
            log.warning("the ears have no hints", error=str(error))
            return []

    def listener(self, call: Call, emit: Callable[[ListenerEvent], None]) -> Listener:
        """Make the listening half of a call; it opens its ears in the language that the call is in at that moment."""
        line, conversation, settings = call.line, call.conversation, self.settings

        async def open_ears() -> TranscriptStream:
            language = conversation.language
            hints = await self._hints(conversation.company.id, language)
            return await self.ears.open_stream(language, line.rate, hints)

        endpointer = Endpointer(self.policy, settings, self.turn_model, lambda: self.secretary.expects(conversation))
        echo = EchoCanceller(line.rate) if settings.echo_canceller else None
        if echo is not None:
            line.tap(echo.played)
        return Listener(
            VoiceActivity(self.vad(line.rate), line.rate),
            endpointer,
            settings,
            self.clock,
            conversation.language,
            open_ears if self.ears.serves(conversation.language) else None,
            emit,
            echo,
            early_words=self.ears.streams(conversation.language),
        )
