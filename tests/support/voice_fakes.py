"""Engines, a line and a store that keep to the protocols and to a script, for dialogues in virtual time.

The caller is a list of acts (voice_script). Speech is a loud noise that the fake detector hears; what the ears
understand of it is written beside it, word by word. The secretary's voice says one character in 50 ms.
"""

from voice_ears import FakeEars, LoudnessDetector
from voice_line import RATE, Echo, FakeLine
from voice_mouth import CHARACTER_SECONDS, FakeMouth
from voice_script import Act, sounds, speaks
from voice_secretary import FILLERS, FakeSecretary

from services.dialogue.shapes import Conversation
from services.domain import CompanyProfile, Persona
from services.events import CallEvent, CallEventType

__all__ = [
    "CHARACTER_SECONDS",
    "FILLERS",
    "RATE",
    "Act",
    "Echo",
    "FakeEars",
    "FakeLine",
    "FakeMouth",
    "FakeSecretary",
    "LoudnessDetector",
    "MemoryLog",
    "a_conversation",
    "a_persona",
    "sounds",
    "speaks",
]


class MemoryLog:
    """Keeps the stored events in memory."""

    def __init__(self) -> None:
        self.events: list[CallEvent] = []

    async def append(self, event: CallEvent) -> None:
        self.events.append(event)

    def turns(self, role: str) -> list[dict[str, object]]:
        """The stored turns of one side."""
        return [dict(e.data) for e in self.events if e.type is CallEventType.TURN and e.data["role"] == role]

    def heard(self, role: str) -> list[object]:
        return [turn["heard"] for turn in self.turns(role)]


NAMES = {"en": ("emma", "Emma"), "ru": ("anna", "Анна")}


def a_persona(language: str) -> Persona:
    """Return who answers in `language`."""
    slug, name = NAMES[language]
    return Persona(slug, name, language, "female", "Hello", "calm")


def a_conversation(language: str = "en") -> Conversation:
    """Return a conversation that has just begun."""
    company = CompanyProfile("default", "Bakery", language, "UTC")
    return Conversation("c", company, a_persona(language), language, "test", call_id="call")
