"""What stands around a number in Russian: the preposition before it, the noun after it, the case both ask for."""

import re
from functools import lru_cache

from services.text.grammar_ru import Noun, agrees, analyzer, is_adjective, noun
from services.text.units_ru import PREPOSITIONS

_LAST_WORDS = re.compile(r"([а-яё-]+)\s+$")
_CHAIN = re.compile(r"\d[\d\s]*(?:и|или|либо|,|-|–|—)\s*$")
_ADVERBS = re.compile(r"(?:примерно|приблизительно|почти|ровно|всего|где-то|целых|аж|минимум|максимум)\s+$")
_NEXT_WORDS = re.compile(r"\s+([а-яёА-ЯЁ-]+)(?:\s+([а-яё-]+))?(?:\s+([а-яё-]+))?")
_NUMBERED = re.compile(
    r"(?:дом|корпус|квартир|офис|кабинет|строени|номер|телефон|вариант|пункт|стать|глав|страниц|рейс|заказ|договор|маршрут"
    r"|комнат|кнопк|цифр|клавиш|добавочн|лини|аудитори|палат)[а-яё]*\s+$"
)
_ORDER = "nagdip"


def wanted_cases(before: str) -> str:
    """List the cases that the preposition at the end of `before` may ask for, likeliest first; "" without one."""
    tail = before[-60:].lower()
    for _ in range(3):
        chain, adverb = _CHAIN.search(tail), _ADVERBS.search(tail)
        shorter = chain or adverb
        if shorter is None:
            break
        tail = tail[: shorter.start()]
    found = _LAST_WORDS.search(tail)
    return PREPOSITIONS.get(found[1], "") if found else ""


def is_numbered(before: str) -> bool:
    """Tell whether `before` ends with a thing that has a number: "дом 5", "кабинет 12"."""
    return _NUMBERED.search(before[-40:].lower()) is not None


def following_noun(after: str) -> tuple[str, Noun] | None:
    """Find the noun counted by a number: the next word, or the one behind its adjectives."""
    found = _NEXT_WORDS.match(after)
    for word in found.groups() if found else ():
        if word is None:
            return None
        read = noun(word)
        if read is not None:
            return word, read
        if not is_adjective(word):
            return None
    return None


def choose_case(cases: str, number: int, read: Noun | None) -> str | None:
    """Pick the case in which preposition, number and noun agree; None when a cardinal cannot stand there."""
    if read is None:
        return cases[:1] or "n"
    return next((case for case in [*cases, *_ORDER] if agrees(read, number, case)), None)


def singular_case(cases: str, read: Noun) -> str | None:
    """Pick the case of a singular noun that an ordinal would share: "на 3 этаже", "в 2026 году"."""
    return next((case for case in [*cases, *_ORDER] if (case, False) in read.readings), None)


@lru_cache(maxsize=4096)
def lemma(word: str) -> str:
    """Give the dictionary form of a word."""
    return str(analyzer().parse(word.lower())[0].normal_form)
