"""From an utterance to the stems that carry its meaning, per language."""

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import snowballstemmer

LANGUAGES = {"ru": "russian", "en": "english"}
FUNCTION = 0.12  # of the weight of a word of content
QUESTION = 0.3
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_CLAUSE = re.compile(r"[.,;:?!…\n]+")


@dataclass(frozen=True, slots=True)
class Stem:
    """A word's stem, and how much such a word may weigh: 1 for content, less for function and question words."""

    text: str
    share: float = 1.0


class Words:
    """The vocabulary rules of one language."""

    def __init__(self, language: str) -> None:
        data = tomllib.loads((files("services.knowledge") / "words" / f"{language}.toml").read_text("utf-8"))
        self._stemmer = snowballstemmer.stemmer(LANGUAGES[language])
        self._share = dict.fromkeys(data["question"], QUESTION) | dict.fromkeys(data["function"], FUNCTION)
        self._same = self._canonical(data["same"])
        self._fillers = _any_of(data["fillers"])
        self._breaks = _any_of(data["breaks"])
        self._stem = lru_cache(maxsize=50_000)(self._stem_of)

    def stems(self, text: str) -> list[Stem]:
        """Return the stems of `text` in order, without fillers and greetings.

        When nothing but fillers is there, there is no question: the list is empty.
        """
        return [self._stem(word) for word in _WORD.findall(self._fillers.sub(" ", folded(text))) if word]

    def clauses(self, text: str) -> list[str]:
        """Split `text` where a new question may begin; the whole text is the first element."""
        plain = folded(text)
        parts = [
            piece.strip() for clause in _CLAUSE.split(plain) for piece in self._breaks.split(clause) if piece.strip()
        ]
        return [plain, *(part for part in parts if part != plain)]

    def _stem_of(self, word: str) -> Stem:
        stem = str(self._stemmer.stemWord(word))
        return Stem(self._same.get(stem, stem), self._share.get(word, 1.0))

    def _canonical(self, groups: list[str]) -> dict[str, str]:
        """Map the stems of words that callers use for one another to the first of their group."""
        stems = [[str(self._stemmer.stemWord(folded(word))) for word in group.split()] for group in groups]
        return {stem: group[0] for group in stems for stem in group}


def folded(text: str) -> str:
    """Lower-case, ё as е, typographic apostrophes plain, hyphens and contractions as recognisers write them."""
    plain = text.lower().replace("ё", "е").replace("’", "'")
    return plain.replace("'", " ").replace("-", " ")


def _any_of(phrases: list[str]) -> re.Pattern[str]:
    longest_first = sorted({folded(each) for each in phrases}, key=len, reverse=True)
    return re.compile(r"\b(?:" + "|".join(re.escape(each) for each in longest_first) + r")\b")


@lru_cache(maxsize=8)
def words_of(language: str) -> Words | None:
    """Return the rules of `language`, None for one that has none."""
    return Words(language) if language in LANGUAGES else None
