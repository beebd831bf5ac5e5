"""Finding a name, a message and a number in what a caller answers. The words that give them away are data."""

import re
import tomllib
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files

from services.knowledge.words import folded
from services.text.digits import spoken_digits

LONGEST_NAME = 3  # words
PLAUSIBLE_FIGURES = 5  # fewer behind "number" are of an order or a house
LONG_ENOUGH = 3  # words that make what follows "I want to leave a message" the message itself
_WORD = re.compile(r"[^\W\d_][^\W_]*(?:[-'’.]?[^\W\d_][^\W_]*)*|(?<=[^\W\d_] )\d{1,3}(?!\w)")  # "R2D2", "K 9"


class Slots:
    """The giveaway words of one language."""

    def __init__(self, language: str) -> None:
        data = tomllib.loads((files("services.dialogue.scripted") / "slots" / f"{language}.toml").read_text("utf-8"))
        self.language = language
        self._matter_after = leading(data["matter_after"])
        self._name_after = leading(data["name_after"])
        self._name_surely = leading(data["name_surely_after"])
        self._around = leading(data["around"])
        self._number_before = leading(data["number_before"])
        self._asking = leading(data["asking"])
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

    def after_asking(self, text: str) -> str:
        """Return what follows "I want to leave a message" in one breath, name and number apart; "" for a few words."""
        found = self._asking.search(folded(text))
        rest = self.without_contact(text[found.end() :]) if found else ""
        return rest if self.length(rest) >= LONG_ENOUGH else ""

    def length(self, text: str) -> int:
        """Count the words of `text`, manners apart."""
        return len(self._without_manners(text).split())

    def without_contact(self, text: str) -> str:
        """Cut "my name is Olga" and "my number is 07912 345678" out of `text`."""
        if name := self.sure_name(text):
            introduced = self._name_surely.search(folded(text))
            assert introduced is not None
            rest = text[introduced.end() :]
            said = r"\s+".join(map(re.escape, name.split()))
            text = text[: introduced.start()] + re.sub(said, " ", rest, count=1, flags=re.IGNORECASE)
        if found := self._number_before.search(folded(text)):
            words = text[found.end() :].split()
            count = next((at for at, word in enumerate(words) if not self._is_figure(word)), len(words))
            if len(spoken_digits(" ".join(words[:count]), self.language) or "") >= PLAUSIBLE_FIGURES:
                text = " ".join([text[: found.start()], *words[count:]])
        return " ".join(text.split()).strip(" ,.:;—-")

    def _is_figure(self, word: str) -> bool:
        return word.strip("+()-,.").isdigit() or spoken_digits(word, self.language) is not None

    def content(self, text: str) -> list[str]:
        """Return the words of `text` that are neither manners nor figures nor otherwise known to say little."""
        return [each for each in _WORD.findall(self._without_manners(text)) if not self.never_a_name(each)]

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

    def without_figures(self, text: str) -> str:
        """Return `text` without the words of a number, however it is said."""
        return " ".join(word for word in text.split() if not self._is_figure(word))

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
