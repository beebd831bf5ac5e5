"""One turn as the script sees it, and what the script answers."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from services.dialogue.scripted.fixed import is_fixed
from services.dialogue.scripted.intents import Intents, intents_of
from services.dialogue.scripted.languages import wished_language, written_language
from services.dialogue.scripted.notes import Notes
from services.dialogue.scripted.phrases import LANGUAGES, Speaker, phrases_of
from services.dialogue.scripted.slots import slots_of
from services.dialogue.shapes import AnsweredBy, Conversation, Effect, EndCall, KeepAudio, ReplyText, Utterance
from services.domain import TakenMessage
from services.knowledge.words import words_of

Source = Literal["greeting", "faq", "facts", "message", "model", "scripted"]


@dataclass(slots=True)
class Reply:
    """A whole answer of the script: known before the first word is spoken, so it is saved before.

    `taken` goes to the message book first, and the message `discarded` names leaves it; where that fails, `draft` goes
    back into the notes, so that nothing is lost. `notice` is said before `text`, and to its end.
    """

    text: str
    by: AnsweredBy
    effects: list[Effect] = field(default_factory=list)
    taken: TakenMessage | None = None
    discarded: str = ""
    draft: dict[str, Any] | None = None
    notice: str = ""

    @classmethod
    def of(cls, source: Source, text: str, detail: str = "", score: float | None = None) -> "Reply":
        """Make a reply without effects."""
        return cls(text, AnsweredBy(source, detail, score))

    @property
    def weighty(self) -> bool:
        """True when the reply may only be spoken after what it means has been stored."""
        return self.taken is not None or bool(self.discarded)

    @property
    def sounds(self) -> list[Effect]:
        """The caller's voice that belongs to the message."""
        return [each for each in self.effects if isinstance(each, KeepAudio)]

    @property
    def actions(self) -> list[Effect]:
        """What is done on the line when the words have been said."""
        return [each for each in self.effects if not isinstance(each, KeepAudio)]

    @property
    def spoken(self) -> list[ReplyText]:
        """The text in the order of speaking."""
        words = [ReplyText(f"{self.notice} ", fixed=True, interruptible=False)] if self.notice else []
        return [*words, ReplyText(str(self.text), fixed=is_fixed(self.text))] if self.text else words


@dataclass(frozen=True, slots=True)
class Scene:
    """The conversation, what was said, and the language's own words and ears for it.

    `certain` is given while the caller may still go on (an answer on trial): it is set when they have surely finished.
    """

    conversation: Conversation
    utterance: Utterance
    language: str
    notes: Notes
    speaker: Speaker
    intents: Intents
    now: datetime
    certain: asyncio.Event | None = None

    @classmethod
    def of(
        cls,
        conversation: Conversation,
        utterance: Utterance | None,
        now: datetime,
        certain: asyncio.Event | None = None,
    ) -> "Scene":
        """Set the scene for one turn; without an utterance the secretary speaks of her own accord."""
        notes = Notes(conversation.state)
        if utterance is not None:
            _note_language(notes, utterance)
        language = notes.language or spoken_language(conversation, utterance)
        return cls(
            conversation,
            utterance or Utterance("", language, "typed"),
            language,
            notes,
            Speaker(language, conversation.persona.gender, notes),
            intents_of(language),
            now,
            certain,
        )

    @property
    def is_certain(self) -> bool:
        """True unless this answer is on trial still."""
        return self.certain is None or self.certain.is_set()

    async def certainty(self) -> None:
        """Wait until the caller has surely finished: whatever stores or does anything, a tool too, stands behind this.

        Nothing but the trial's end limits the wait: whoever began it sets the event or closes the reply.
        """
        if self.certain is not None:
            await self.certain.wait()

    def say(self, key: str, **values: str) -> str:
        """Return a phrase; in writing its `_written` form, on a call of our own its `_out` form, where it has one."""
        form = f"{key}_written" if self.conversation.written else f"{key}_out" if self.outgoing else key
        return self.speaker.say(form if form in phrases_of(self.language) else key, **values)

    @property
    def outgoing(self) -> bool:
        """True on a call that the secretary has placed."""
        return self.conversation.direction == "out"

    def means(self, intent: str) -> bool:
        """Tell whether the utterance expresses an intent."""
        return self.intents.means(intent, self.utterance.text)

    @property
    def keys_offered(self) -> bool:
        """True when the caller has keys to press."""
        return self.conversation.abilities.digits

    def farewell(self, reply: Reply) -> Reply:
        """Make `reply` the last one, where the line can be ended."""
        if self.conversation.abilities.hang_up:
            reply.effects.append(EndCall())
        return reply


def prepare() -> None:
    """Read and compile the words of every language: a tenth of a second that no caller shall wait for."""
    for language in LANGUAGES:
        intents_of(language), slots_of(language), phrases_of(language), words_of(language)


def _note_language(notes: Notes, utterance: Utterance) -> None:
    """Follow whoever writes in another language; words of a message being taken may be foreign."""
    if utterance.source == "typed":
        written = written_language(utterance.text) if notes.draft is None else ""
        notes.language = wished_language(utterance.text) or written or notes.language
    elif utterance.source == "speech" and utterance.understood:
        notes.forget_written_language()


def spoken_language(conversation: Conversation, utterance: Utterance | None) -> str:
    """Choose the language to answer in: the conversation's, the caller's, the persona's, else English.

    A call changes its language as a whole (`switching.switched_language`), not with every word that sounds foreign.
    """
    wanted = (conversation.language, utterance.language if utterance else "", conversation.persona.language)
    return next((each for each in wanted if each in LANGUAGES), "en")
