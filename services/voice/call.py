"""What the pieces of one call's dialogue share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from services.clock import Clock
from services.dialogue.shapes import Conversation
from services.domain import Persona
from services.tts.protocol import Voice
from services.voice.journal import CallJournal
from services.voice.line import AudioLine
from services.voice.ports import Mouth, SecretaryOnLine
from services.voice.settings import VoiceSettings


@dataclass(frozen=True, slots=True)
class Tongue:
    """How a language is spoken on this call: who speaks it, and with which voice."""

    persona: Persona
    voice: Voice


@dataclass(slots=True)
class Call:
    """One call: its line, its dialogue, and the parts that serve it.

    `tongues` are the languages that the secretary may speak on it, its own among them; `personas`, by slug, who may be
    chosen by a key. `notice_sent` hears that the notice is on the line: after how many samples of the line's count of
    what was played it is over.
    """

    line: AudioLine
    conversation: Conversation
    secretary: SecretaryOnLine
    mouth: Mouth
    journal: CallJournal
    settings: VoiceSettings
    clock: Clock
    tongues: Mapping[str, Tongue]
    personas: Mapping[str, Tongue] = field(default_factory=dict)
    notice_sent: Callable[[int], None] | None = None

    @property
    def voice(self) -> Voice:
        """The voice that speaks now."""
        return self.tongues[self.conversation.language].voice

    def change_language(self, language: str) -> bool:
        """Go on in another language, with the persona and the voice that speak it; False when nobody here does."""
        tongue = self.tongues.get(language)
        if tongue is None:
            return False
        self.conversation.language = language
        self.conversation.persona = tongue.persona
        return True

    def change_persona(self, slug: str) -> bool:
        """Go on with another persona, in their language and with their voice; False when they cannot be spoken with."""
        tongue = self.personas.get(slug)
        if tongue is None:
            return False
        self.tongues = {**self.tongues, tongue.persona.language: tongue}
        return self.change_language(tongue.persona.language)
