"""Which language words are in, or ask for: by their letters and by what they say."""

import re

from services.dialogue.scripted.intents import intents_of
from services.dialogue.scripted.phrases import LANGUAGES
from services.knowledge.words import words_of

SOME = 2  # words in one alphabet that tell the language
BRIEF = 8  # words: longer utterances mention a language rather than ask for it
_LETTERS = {"ru": "А-Яа-яЁё", "en": "A-Za-z"}
_WISHES = tuple(f"speak_{each}" for each in LANGUAGES)


def wished_language(text: str) -> str:
    """Return the language that is asked for, in whichever language, "" for none."""
    if len(text.split()) > BRIEF:
        return ""
    wishes = (intents_of(each).first(_WISHES, text) for each in LANGUAGES)
    return next((wish.removeprefix("speak_") for wish in wishes if wish), "")


def written_language(text: str) -> str:
    """Tell the language of at least two words by their letters, "" where they do not say.

    Latin letters alone may be a name or a brand, so English is believed only with one of its small words.
    """
    if words_in("en", text) >= SOME:
        return "en" if small_word("en", text) else ""
    return "ru" if words_in("ru", text) >= SOME else ""


def words_in(language: str, text: str) -> int:
    """Count the words of two letters and more in the alphabet of `language`; 0 when there is a letter of another."""
    others = "".join(letters for each, letters in _LETTERS.items() if each != language)
    if language not in _LETTERS or re.search(f"[{others}]", text):
        return 0
    return len(re.findall(rf"[{_LETTERS[language]}]{{2,}}", text))


def small_word(language: str, text: str) -> bool:
    """Tell whether one of the words belongs to the language's grammar, so that it is no name: "what", "is", "как"."""
    words = words_of(language)
    return words is not None and any(stem.share < 1 for stem in words.stems(text))
