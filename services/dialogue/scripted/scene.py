"""One turn as the script sees it, and what the script answers."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from services.dialogue.scripted.intents import Intents, intents_of
from services.dialogue.scripted.notes import Notes
from services.dialogue.scripted.phrases import LANGUAGES, Speaker
from services.dialogue.shapes import AnsweredBy, Conversation, Effect, EndCall, Utterance
from services.domain import TakenMessage
from services.knowledge.words import words_of

LETTERS_OF = 2  # words in one alphabet that tell the language

Source = Literal["greeting", "faq", "facts", "message", "model", "scripted"]


@dataclass(slots=True)
class Reply:
    """A whole answer of the script: known before the first word is spoken, so it is saved before.

    `taken` goes to the message book first, and the message `discarded` names leaves it; where that fails, `draft` goes
    back into the notes, so that nothing is lost.
    """

    text: str
    by: AnsweredBy
    effects: list[Effect] = field(default_factory=list)
    taken: TakenMessage | None = None
    discarded: str = ""
    draft: dict[str, Any] | None = None

    @classmethod
    def of(cls, source: Source, text: str, detail: str = "", score: float | None = None) -> "Reply":
        """Make a reply without effects."""
        return cls(text, AnsweredBy(source, detail, score))


@dataclass(frozen=True, slots=True)
class Scene:
    """The conversation, what was said, and the language's own words and ears for it."""

    conversation: Conversation
    utterance: Utterance
    language: str
    notes: Notes
    speaker: Speaker
    intents: Intents
    now: datetime

    @classmethod
    def of(cls, conversation: Conversation, utterance: Utterance | None, now: datetime) -> "Scene":
        """Set the scene for one turn; without an utterance the secretary speaks of her own accord."""
        notes = Notes(conversation.state)
        if notes.draft is None and utterance is not None and utterance.source == "typed":
            notes.language = written_language(utterance.text) or notes.language
        language = notes.language or spoken_language(conversation, utterance)
        return cls(
            conversation,
            utterance or Utterance("", language, "typed"),
            language,
            notes,
            Speaker(language, conversation.persona.gender, notes),
            intents_of(language),
            now,
        )

    def say(self, key: str, **values: str) -> str:
        """Return a phrase."""
        return self.speaker.say(key, **values)

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


def written_language(text: str) -> str:
    """Tell the language of at least two typed words by their letters, "" where they do not say.

    Latin letters alone may be a name or a brand, so English is believed only with one of its small words.
    """
    latin, cyrillic = (len(re.findall(rf"[{letters}]{{2,}}", text)) for letters in ("A-Za-z", "А-Яа-яЁё"))
    if latin >= LETTERS_OF and not cyrillic:
        english = words_of("en")
        return "en" if english is not None and any(stem.share < 1 for stem in english.stems(text)) else ""
    return "ru" if cyrillic >= LETTERS_OF and not latin else ""


def spoken_language(conversation: Conversation, utterance: Utterance | None) -> str:
    """Choose the language to answer in: the caller's, the conversation's, the persona's, else English."""
    wanted = (utterance.language if utterance else "", conversation.language, conversation.persona.language)
    return next((each for each in wanted if each in LANGUAGES), "en")
