"""One call played to its end in virtual time, among fakes, with everything a test may look at."""

import asyncio
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from virtual_time import run_virtually
from voice_desk import EarsOf, a_desk
from voice_fakes import Act, FakeEars, FakeLine, FakeMouth, FakeSecretary, MemoryLog, a_conversation

from services.dialogue.shapes import Conversation
from services.voice.call import Call
from services.voice.conversation import VoiceConversation
from services.voice.desk import Desk
from services.voice.journal import CallJournal
from services.voice.settings import VoiceSettings


@dataclass
class Played:
    """A finished call."""

    line: FakeLine
    secretary: FakeSecretary
    log: MemoryLog
    ears: FakeEars
    mouth: FakeMouth
    conversation: Conversation = field(default_factory=a_conversation)
    reason: str = ""
    kept: int = 0

    def degraded(self) -> list[object]:
        """The parts that failed, in order."""
        return [event.data["part"] for event in self.log.events if event.type == "degraded"]

    def said(self) -> list[object]:
        """What the caller heard of each of the secretary's turns behind the greeting."""
        return self.log.heard("secretary")[1:]

    def turn(self, number: int) -> dict[str, Any]:
        """The secretary's turn `number`; 0 is the greeting."""
        return self.log.turns("secretary")[number]

    def remembered(self) -> list[str]:
        """The history of the dialogue behind the greeting: "caller: ..." and "secretary: ..."."""
        return [f"{turn.role}: {turn.text}" for turn in self.conversation.history][1:]


def play(
    *acts: Act,
    secretary: FakeSecretary | None = None,
    mouth: FakeMouth | None = None,
    deaf: bool = False,
    longest: float = 60.0,
    ears: FakeEars | dict[str, Any] | None = None,
    line: FakeLine | None = None,
    conversation: Conversation | None = None,
    languages: tuple[str, ...] = ("en",),
    **given: Any,
) -> Played:
    """Play one call to its end, with the settings `given`; fails when it leaves a task behind."""
    listening = ears if isinstance(ears, FakeEars) else FakeEars(acts, **(ears or {}))
    played = Played(
        line or FakeLine(acts, longest), secretary or FakeSecretary(), MemoryLog(), listening, mouth or FakeMouth()
    )
    played.conversation = conversation or played.conversation

    async def call() -> None:
        desk = a_desk(
            Path(),
            played.log,
            secretary=played.secretary,
            mouth=played.mouth,
            ears=EarsOf(None if deaf else played.ears),
            settings=VoiceSettings(**given),
            languages=languages,
        )
        await _hold(played, desk)
        assert len(asyncio.all_tasks()) == 1, asyncio.all_tasks()

    run_virtually(call())
    return played


async def _hold(played: Played, desk: Desk) -> None:
    conversation = played.conversation
    journal = CallJournal("default", "call", played.log, desk.bus, desk.clock)
    call = Call(
        played.line,
        conversation,
        desk.secretary,
        desk.mouth,
        journal,
        desk.settings,
        desk.clock,
        await desk.tongues(conversation),
    )
    talk = VoiceConversation(call, partial(desk.listener, call), lambda _frame: None)
    played.reason = await talk.run()
    played.kept = len(talk.keep)
    await journal.close()
