"""The short phrases that bridge a slow answer: the persona's own, taken in turn."""

from services.dialogue.scripted.notes import Notes
from services.dialogue.scripted.phrases import phrases_of
from services.dialogue.scripted.scene import spoken_language
from services.dialogue.shapes import Conversation


def next_filler(conversation: Conversation) -> str:
    """Return the phrase after the one said last; the language's own where the persona has too few or speaks another."""
    notes, phrases = Notes(conversation.state), fillers_of(conversation)
    place = phrases.index(notes.filler) + 1 if notes.filler in phrases else 0
    notes.filler = phrases[place % len(phrases)]
    return notes.filler


def fillers_of(conversation: Conversation) -> list[str]:
    """Return every phrase that may be said, in their order."""
    persona, language = conversation.persona, spoken_language(conversation, None)
    own = [each.strip() for each in persona.fillers if each.strip()] if persona.language == language else []
    if len(set(own)) < 2:  # one alone would be said twice in a row
        own += phrases_of(language)["filler"]
    return list(dict.fromkeys(own))
