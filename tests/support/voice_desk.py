"""What calls share, among fakes: a company whose books know everybody and keep nothing, and ears by the stream."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from voice_fakes import FakeEars, FakeMouth, FakeSecretary, LoudnessDetector, MemoryLog, a_conversation, a_persona

from services.clock import LoopClock
from services.domain import CompanyProfile, OpenedConversation, Persona
from services.errors import StorageError
from services.events import EventBus
from services.voice.desk import Desk
from services.voice.endpointing.policy import TurnPolicy
from services.voice.settings import VoiceSettings


class Books:
    """A company with a persona for each language."""

    async def profile(self, company_id: str) -> CompanyProfile | None:
        return a_conversation().company

    async def get(self, company_id: str, slug: str) -> Persona | None:
        return a_persona("en")

    async def for_language(self, company_id: str, language: str) -> Persona | None:
        return a_persona(language)

    async def open(self, company_id: str, channel: str, number: str, language: str, persona: str) -> OpenedConversation:
        return OpenedConversation("c", returning=False)

    async def set_audio(self, company_id: str, message_id: str, path: str) -> None:
        raise StorageError("The message is gone.")

    async def hints(self, company_id: str, language: str) -> list[str]:
        return []


class EarsOf:
    """Gives `ears` to every call, and notes for which language; None: nothing can be understood here."""

    def __init__(self, ears: FakeEars | None) -> None:
        self._ears = ears

    def serves(self, language: str) -> bool:
        return self._ears is not None

    def streams(self, language: str) -> bool:
        return self._ears is not None and self._ears.streams

    async def open_stream(self, language: str, rate: int, hints: Sequence[str] = ()) -> FakeEars:
        assert self._ears is not None
        self._ears.languages.append(language)
        return await self._ears.open()


def a_desk(folder: Path, log: MemoryLog, **parts: Any) -> Desk:
    """Return a desk that stores events in `log`; `parts` replace the fakes."""
    books, settings = Books(), parts.get("settings", VoiceSettings())
    desk = Desk(
        companies=books,
        personas=books,
        conversations=books,
        calls=log,
        sounds=books,
        secretary=FakeSecretary(),
        ears=EarsOf(FakeEars([])),
        mouth=FakeMouth(),
        vad=lambda _rate: LoudnessDetector(),
        policy=TurnPolicy(settings),
        turn_model=None,
        hints=books,
        bus=EventBus(),
        clock=LoopClock(),
        settings=settings,
        data_dir=folder,
    )
    return replace(desk, **parts)
