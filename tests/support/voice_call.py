"""One call played to its end in virtual time, among fakes, with everything a test may look at."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from virtual_time import run_virtually
from voice_fakes import (
    RATE,
    Act,
    FakeEars,
    FakeLine,
    FakeMouth,
    FakeSecretary,
    LoudnessDetector,
    MemoryLog,
    a_conversation,
)

from services.clock import LoopClock
from services.dialogue.shapes import Conversation
from services.events import EventBus
from services.voice.conversation import VoiceConversation
from services.voice.endpointing import SilencePolicy
from services.voice.journal import CallJournal
from services.voice.listener import Listener
from services.voice.settings import VoiceSettings
from services.voice.vad import VoiceActivity


@dataclass
class Played:
    """A finished call."""

    line: FakeLine
    secretary: FakeSecretary
    log: MemoryLog
    ears: FakeEars
    conversation: Conversation = field(default_factory=a_conversation)
    reason: str = ""
    kept: int = 0

    def degraded(self) -> list[object]:
        """The parts that failed, in order."""
        return [event.data["part"] for event in self.log.events if event.type == "degraded"]


def play(
    *acts: Act,
    secretary: FakeSecretary | None = None,
    mouth: FakeMouth | None = None,
    deaf: bool = False,
    longest: float = 60.0,
    ears: FakeEars | dict[str, Any] | None = None,
    line: FakeLine | None = None,
    max_call: float = 1800.0,
    conversation: Conversation | None = None,
) -> Played:
    """Play one call to its end; fails when it leaves a task behind."""
    listening = ears if isinstance(ears, FakeEars) else FakeEars(acts, **(ears or {}))
    played = Played(line or FakeLine(acts, longest), secretary or FakeSecretary(), MemoryLog(), listening)
    played.conversation = conversation or played.conversation

    async def call() -> None:
        clock, settings = LoopClock(), VoiceSettings(max_call=max_call)
        journal = CallJournal("default", "call", played.log, EventBus(), clock)
        talk = VoiceConversation(
            played.line,
            played.conversation,
            played.secretary,
            mouth or FakeMouth(),
            FakeMouth().voice_for("en", "female"),
            lambda emit: Listener(
                VoiceActivity(LoudnessDetector(), RATE),
                SilencePolicy(settings),
                settings,
                clock,
                "en",
                None if deaf else played.ears.open,
                emit,
            ),
            journal,
            settings,
            clock,
            lambda _frame: None,
        )
        played.reason = await talk.run()
        played.kept = len(talk.keep)
        await journal.close()
        assert len(asyncio.all_tasks()) == 1, asyncio.all_tasks()

    run_virtually(call())
    return played
