"""A desk for the secretary: in-memory memory and message book, and a caller who reads a script aloud."""

import copy
import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from services.dialogue.company import seed_company
from services.dialogue.personas import seed_personas
from services.dialogue.secretary import Secretary
from services.dialogue.shapes import (
    Abilities,
    AnsweredBy,
    Conversation,
    Effect,
    EndCall,
    KeepAudio,
    ReplyEvent,
    ReplyText,
    Utterance,
)
from services.domain import AudioSpan, CompanyProfile, FaqEntry, TakenMessage
from services.errors import StorageError
from services.knowledge.faq import FaqMatcher
from services.knowledge.seed import seed_faq
from services.llm.protocol import LanguageModel

NOON = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
FULL = Abilities(ears=True, digits=True, transfer=False, hang_up=True, keep_audio=True)


class StillClock:
    """Always the same moment."""

    def monotonic(self) -> float:
        return 100.0

    def now(self) -> datetime:
        return NOON


class Entries:
    """FAQ entries in a list."""

    def __init__(self, entries: list[FaqEntry]) -> None:
        self.all = entries

    async def entries(self, company_id: str) -> list[FaqEntry]:
        return self.all

    async def revision(self, company_id: str) -> str:
        return "1"


class BrokenEntries(Entries):
    """A database that is away."""

    async def revision(self, company_id: str) -> str:
        raise StorageError("The database is away.")


class Memory:
    """Keeps states as JSON text, as a database would: what cannot be stored fails here."""

    def __init__(self) -> None:
        self.stored: dict[str, str] = {}

    async def save_state(self, company_id: str, conversation_id: str, state: Mapping[str, Any]) -> None:
        self.stored[f"{company_id}/{conversation_id}"] = json.dumps(dict(state))


class Book:
    """Keeps every version of every message."""

    def __init__(self) -> None:
        self.versions: list[TakenMessage] = []
        self.discarded: list[str] = []
        self.broken = False

    async def save(self, message: TakenMessage) -> None:
        if self.broken:
            raise StorageError("The disk is full.")
        self.versions.append(message)

    async def discard(self, company_id: str, message_id: str) -> None:
        if self.broken:
            raise StorageError("The disk is full.")
        self.discarded.append(message_id)
        self.versions = [each for each in self.versions if each.id != message_id]

    @property
    def last(self) -> TakenMessage:
        return self.versions[-1]

    @property
    def ids(self) -> set[str]:
        return {each.id for each in self.versions}


@dataclass
class Answer:
    """What came back for one utterance."""

    text: str
    by: AnsweredBy
    effects: list[Effect]

    @property
    def ended(self) -> bool:
        return any(isinstance(each, EndCall) for each in self.effects)

    @property
    def kept(self) -> KeepAudio | None:
        return next((each for each in self.effects if isinstance(each, KeepAudio)), None)


@dataclass
class Desk:
    """One conversation with one secretary; `restart` puts another secretary behind the same stored state."""

    language: str = "ru"
    number: str = ""
    abilities: Abilities = FULL
    returning: bool = False
    model: LanguageModel | None = None
    entries: Entries | None = None
    persona: str = ""
    facts: Mapping[str, Mapping[str, str]] | None = None
    memory: Memory = field(default_factory=Memory)
    book: Book = field(default_factory=Book)
    seconds: float = 0.0

    def __post_init__(self) -> None:
        name, facts = seed_company(self.language)
        personas = seed_personas()
        wanted = self.persona or {"ru": "anna", "en": "emma"}.get(self.language, "anna")
        company = CompanyProfile("clinic", name, "ru", "Europe/Moscow", facts if self.facts is None else self.facts)
        self.conversation = Conversation(
            id="talk",
            company=company,
            persona=next(each for each in personas if each.slug == wanted),
            language=self.language,
            channel="phone",
            number=self.number,
            returning=self.returning,
            call_id="call-1",
            abilities=self.abilities,
        )
        self.source = self.entries or Entries(seed_faq("ru") + seed_faq("en"))
        self.secretary = self._hire()

    def _hire(self) -> Secretary:
        return Secretary(FaqMatcher(self.source), self.model, self.memory, self.book, StillClock())

    def restart(self) -> None:
        """End the process: only what was stored lives on."""
        state = json.loads(self.memory.stored["clinic/talk"])
        old = self.conversation
        self.conversation = copy.copy(old)
        self.conversation.state = state
        self.secretary = self._hire()

    async def greet(self) -> Answer:
        return await self.collect(self.secretary.greet(self.conversation))

    async def say(self, text: str, *, source: Any = "speech", language: str = "") -> Answer:
        """Say one utterance; "" is speech that nobody understood, "#123" keys, a leading "⌨" is typed."""
        if text.startswith("#"):
            text, source = text[1:], "digits"
        span = None
        if source == "speech":
            span = AudioSpan(self.seconds, self.seconds + 1.5)
            self.seconds += 2.0
        utterance = Utterance(text, language or self.language, source, span=span)
        return await self.collect(self.secretary.reply(self.conversation, utterance))

    async def all(self, *texts: str) -> Answer:
        """Say several utterances; return the answer to the last."""
        answer = None
        for text in texts:
            answer = await self.say(text)
        assert answer is not None
        return answer

    async def collect(self, events: AsyncGenerator[ReplyEvent, None]) -> Answer:
        """Read a reply to its end: one AnsweredBy (a model's comes twice), and the state stored as it stands."""
        found = [event async for event in events]
        *early, by = [event for event in found if isinstance(event, AnsweredBy)]
        assert all(each.source == by.source == "model" for each in early)
        text = "".join(event.text for event in found if isinstance(event, ReplyText))
        effects = [event for event in found if not isinstance(event, (ReplyText, AnsweredBy))]
        assert text
        assert json.loads(self.memory.stored["clinic/talk"]) == json.loads(json.dumps(self.conversation.state))
        return Answer(text, by, effects)
