"""What words tell about the end of a turn, as data: one file a language under turn_words.

Ears write differently (Vosk and pocketsphinx in lower case without punctuation, Whisper as in print), so that all words
are compared in lower case, without punctuation and with е for ё.
"""

import re
import tomllib
from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import cache
from importlib.resources import files
from itertools import groupby

LONGEST = 40  # words that are looked at: what was said half a minute ago does not tell whether this is the end
_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")
_SHORT_IS = re.compile(r"\b(what|where|when|who|how|why|you|we|they)'(s|re)\b")
_LONGEST_PHRASE = 6


class Ending(StrEnum):
    """Where the words leave the listener."""

    FINISHED = "finished"
    UNFINISHED = "unfinished"
    OPEN = "open"


def words_of(text: str) -> list[str]:
    """Split the end of `text` into words (LONGEST at most), ready for comparison."""
    plain = text.casefold().replace("ё", "е").replace("’", "'").replace("‑", "-")
    plain = _SHORT_IS.sub(lambda found: f"{found[1]} {'is' if found[2] == 's' else 'are'}", plain)
    return _WORD.findall(plain)[-LONGEST:]


def without_repeats(words: Iterable[str]) -> list[str]:
    """Return "yes yes" and "да-да" as one word each."""
    apart = (part for word in words for part in (word.split("-") if len(set(word.split("-"))) == 1 else [word]))
    return [word for word, _ in groupby(apart)]


class Phrases:
    """A set of phrases to be found at the beginning or the end of a list of words."""

    def __init__(self, entries: str | list[str]) -> None:
        phrases = entries.split() if isinstance(entries, str) else entries
        self._phrases = frozenset(tuple(phrase.split()) for phrase in phrases)

    def __contains__(self, word: object) -> bool:
        return (word,) in self._phrases

    @property
    def any(self) -> bool:
        """True when there is a phrase at all: a language may have no words of a kind."""
        return bool(self._phrases)

    @property
    def singles(self) -> tuple[str, ...]:
        """The phrases of one word."""
        return tuple(phrase[0] for phrase in self._phrases if len(phrase) == 1)

    def is_all(self, words: Sequence[str]) -> bool:
        """Tell whether `words` are one of the phrases."""
        return tuple(words) in self._phrases

    def at_start(self, words: Sequence[str]) -> int:
        """Return the length of the longest phrase that `words` begin with, 0 for none."""
        lengths = range(min(_LONGEST_PHRASE, len(words)), 0, -1)
        return next((length for length in lengths if tuple(words[:length]) in self._phrases), 0)

    def at_end(self, words: Sequence[str]) -> int:
        """Return the length of the longest phrase that `words` end with, 0 for none."""
        lengths = range(min(_LONGEST_PHRASE, len(words)), 0, -1)
        return next((length for length in lengths if tuple(words[-length:]) in self._phrases), 0)

    def inside(self, words: Sequence[str]) -> int:
        """Return where the first phrase found in `words` ends, 0 for none."""
        for at in range(len(words)):
            if length := self.at_start(words[at:]):
                return at + length
        return 0

    def begun_by(self, words: Sequence[str]) -> bool:
        """Tell whether a phrase begins with these words, and goes on."""
        begun = tuple(words)
        return any(len(phrase) > len(begun) and phrase[: len(begun)] == begun for phrase in self._phrases)

    def fill(self, words: Sequence[str]) -> bool:
        """Tell whether `words` are nothing but these phrases, one after the other."""
        rest = list(words)
        while rest and (length := self.at_start(rest)):
            rest = rest[length:]
        return not rest

    def after(self, words: Sequence[str]) -> list[str]:
        """Return `words` without the phrases at their beginning."""
        rest = list(words)
        while length := self.at_start(rest):
            rest = rest[length:]
        return rest

    def before(self, words: Sequence[str]) -> list[str]:
        """Return `words` without the phrases at their end."""
        rest = list(words)
        while length := self.at_end(rest):
            rest = rest[:-length]
        return rest


class Wording:
    """The phrases of one language by their key in its file."""

    def __init__(self, language: str) -> None:
        data = tomllib.loads(
            (files("services.voice.endpointing") / "turn_words" / f"{language}.toml").read_text("utf-8")
        )
        self._phrases = {key: Phrases(value) for key, value in data.items()}
        self.language = language

    def __getitem__(self, key: str) -> Phrases:
        return self._phrases[key]


@cache
def _all() -> dict[str, Wording]:
    folder = files("services.voice.endpointing") / "turn_words"
    names = (entry.name for entry in folder.iterdir())
    return {name[:-5]: Wording(name[:-5]) for name in names if name.endswith(".toml")}


def wording(language: str) -> Wording | None:
    """Return the words of a language ("ru", "en-GB"), None where there is no file for it."""
    return _all().get(language[:2].casefold())
