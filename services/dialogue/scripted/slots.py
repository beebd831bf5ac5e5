"""Finding a name, a message and a number in what a caller answers. The words that give them away are data."""

import re
import tomllib
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files

from services.knowledge.words import folded
from services.text.digits import spoken_digits

LONGEST_NAME = 3  # words
_WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")


class Slots:
    """The giveaway words of one language."""

    def __init__(self, language: str) -> None:
        data = tomllib.loads((files("services.dialogue.scripted") / "slots" / f"{language}.toml").read_text("utf-8"))
        self.language = language
        self._matter_after = leading(data["matter_after"])
        self._name_after = leading(data["name_after"])
        self._name_surely = leading(data["name_surely_after"])
        self._around = leading(data["around"])
        self.same_number = leading(data["same_number"])
        self.tail, self.head = leading(data["tail"]), leading(data["head"])
        self.units = leading(data["units"])
        self.counts: dict[str, int] = data["counts"]
        self.not_this_but = [re.compile(each) for each in data["not_this_but"]]
        self.no_this = re.compile(data["no_this"])
        self._not_names = frozenset(data["not_names"])

    def matter(self, text: str) -> str:
        """Return the message inside "please tell them that ...", "" when there is none of at least two words."""
        found = self._matter_after.search(folded(text))
        rest = text[found.end() :].strip(" ,.:;—-") if found else ""
        return rest if len(rest.split()) >= 2 else ""

    def sure_name(self, text: str) -> str:
        """Return a name introduced beyond doubt ("my name is ..."), "" when there is none."""
        found = self._name_surely.search(folded(text))
        return self._first_words(text[found.end() :]) if found else ""

    def name(self, text: str) -> str:
        """Return the name in an answer to "what is your name", "" when the answer holds none."""
        if sure := self.sure_name(text):
            return sure
        found = self._name_after.search(folded(text))
        if found and (after := self._first_words(text[found.end() :])):
            return after
        words = _WORD.findall(self._without_manners(text))
        if not 1 <= len(words) <= LONGEST_NAME or any(self.never_a_name(each) for each in words):
            return ""
        return titled(words)

    def never_a_name(self, word: str) -> bool:
        """Tell whether a word is known not to be a name."""
        if folded(word) in self._not_names:
            return True
        return word.isalpha() and spoken_digits(word, self.language) is not None  # but O'Neil is no zero

    def _first_words(self, text: str) -> str:
        """Return the leading words that may be a name, up to the first that cannot, or to a comma after one."""
        taken: list[str] = []
        for word in _WORD.findall(re.split(r"[.,;!?]", self._without_manners(text).strip(" ,"))[0]):
            if self.never_a_name(word) or len(taken) == LONGEST_NAME:
                break
            taken.append(word)
        return titled(taken)

    def _without_manners(self, text: str) -> str:
        """Blank out polite words; `folded` keeps every character's place, so the rest keeps its letters."""
        result = text
        for found in reversed(list(self._around.finditer(folded(text)))):
            result = result[: found.start()] + " " + result[found.end() :]
        return result


def titled(words: Sequence[str]) -> str:
    """Write a name with capitals, however the ears wrote it: "анна-мария петрова" -> "Анна-Мария Петрова"."""
    return " ".join("-".join(part[:1].upper() + part[1:] for part in word.split("-")) for word in words)


def leading(phrases: Sequence[str]) -> re.Pattern[str]:
    """Compile phrases into one pattern over folded text, longest first."""
    ordered = sorted(phrases, key=len, reverse=True)
    return re.compile(r"\b(?:" + "|".join(re.escape(each).replace(r"\ ", r"[\s,]+") for each in ordered) + r")\b")


@lru_cache(maxsize=8)
def slots_of(language: str) -> Slots:
    """Return the slots of a language in `phrases.LANGUAGES`."""
    return Slots(language)
