"""Russian inflection: number words in every case and gender, nouns after numbers, what a written noun tells."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any, NamedTuple

# num2words' own letters for the cases: nominative, genitive, dative, accusative, instrumental, prepositional.
_GRAMMEMES = {"n": "nomn", "g": "gent", "d": "datv", "a": "accs", "i": "ablt", "p": "loct"}
_OBLIQUE = "gdip"
_GENDERS = {"masc": "m", "femn": "f", "neut": "n"}
_GREATEST = 10**15
# Genitive plurals after a number that differ from, or are stricter than, the dictionary's.
_COUNT_FORMS = {"человек": "человек", "килограмм": "килограммов", "грамм": "граммов"}


class Noun(NamedTuple):
    """What a written noun tells of itself: gender (m, f, n), its possible (case, is plural) readings, if it lives."""

    gender: str
    readings: frozenset[tuple[str, bool]]
    animate: bool


@cache
def analyzer() -> Any:
    """Load the dictionary once, about 0.1-0.3 s: never on the event loop."""
    import pymorphy3

    return pymorphy3.MorphAnalyzer(lang="ru")


def cardinal(number: int, case: str = "n", gender: str = "m", *, animate: bool = False) -> str:
    """Say a whole number, as 22, "a", "f" -> "двадцать две"; digits stay as they are above 10**15."""
    return _cardinal(number, case, gender, animate) if abs(number) < _GREATEST else str(number)


@lru_cache(maxsize=8192)
def _cardinal(number: int, case: str, gender: str, animate: bool) -> str:
    from num2words import num2words

    # "вижу двадцать два человека": only the bare numbers 1-4 take the animate accusative, compounds only in 1
    animate = animate and (number % 10 == 1 or number < 5)
    words = str(num2words(number, lang="ru", case=case, gender=gender, animate=animate))
    return re.sub(r"^(минус )?од(?:на|ной|ну) (тысяч)", lambda found: (found[1] or "") + found[2], words)


@lru_cache(maxsize=8192)
def ordinal(number: int, case: str = "n", gender: str = "m", *, plural: bool = False) -> str:
    """Say an ordinal, as 21, "g", "n" -> "двадцать первого"."""
    from num2words import num2words

    if number >= _GREATEST:
        return str(number)
    words = num2words(number, lang="ru", to="ordinal", case=case, gender=gender, plural=plural, animate=False)
    return re.sub(r"^одна (тысяча)", r"\1", str(words))


@lru_cache(maxsize=4096)
def counted(lemma: str, number: int, case: str = "n") -> str:
    """Inflect a noun, or "adjective noun", after a number: "рубль", 22 -> "рубля"."""
    last, teens = number % 10, 10 < number % 100 < 20
    one = last == 1 and not teens
    few = 1 < last < 5 and not teens
    if one:
        return " ".join(inflected(word, case, plural=False) for word in lemma.split())
    if case in _OBLIQUE:
        return " ".join(_after_many(word, case) for word in lemma.split())
    *adjectives, noun = lemma.split()
    ending = inflected(noun, "g", plural=False) if few else _after_many(noun, "g")
    return " ".join([*(inflected(word, "g", plural=True) for word in adjectives), ending])


def _after_many(word: str, case: str) -> str:
    if word == "год":
        return {"g": "лет", "d": "годам", "i": "годами", "p": "годах"}[case]
    if case == "g" and word in _COUNT_FORMS:
        return _COUNT_FORMS[word]
    return inflected(word, case, plural=True)


@lru_cache(maxsize=8192)
def inflected(word: str, case: str, *, plural: bool = False) -> str:
    """Put a dictionary word into a case; a word that does not bend stays as it is."""
    readings = [reading for reading in analyzer().parse(word) if {"NOUN", "ADJF"} & set(reading.tag.grammemes)]
    readings.sort(key=lambda reading: reading.normal_form != word)
    wanted = {_GRAMMEMES[case], "plur" if plural else "sing"}
    for reading in readings:
        form = reading.inflect(wanted | ({"inan"} if case == "a" and "ADJF" in reading.tag else set()))
        if form is None:
            form = reading.inflect(wanted)
        if form is not None:
            return str(form.word)
    return word


@lru_cache(maxsize=8192)
def noun(word: str) -> Noun | None:
    """Read a written noun; None for a word that is none."""
    parsed = [reading for reading in analyzer().parse(word.lower()) if "NOUN" in reading.tag]
    if not parsed or "NOUN" not in analyzer().parse(word.lower())[0].tag:
        return None
    best = parsed[0].normal_form
    same = [reading for reading in parsed if reading.normal_form == best]
    cases = {name: letter for letter, name in _GRAMMEMES.items()} | {"loc2": "p", "gen2": "g", "acc2": "a"}
    readings = frozenset((cases.get(str(r.tag.case), "n"), str(r.tag.number) == "plur") for r in same)
    return Noun(_GENDERS.get(str(parsed[0].tag.gender), "m"), readings, "anim" in parsed[0].tag)


@lru_cache(maxsize=8192)
def is_adjective(word: str) -> bool:
    """Tell whether a word stands between a number and its noun: "2 новые услуги"."""
    first = analyzer().parse(word.lower())[0].tag
    return "ADJF" in first or "PRTF" in first


def agrees(form: Noun, number: int, case: str) -> bool:
    """Tell whether a written noun can follow `number` in `case`."""
    last, teens = number % 10, 10 < number % 100 < 20
    if last == 1 and not teens:
        return (case, False) in form.readings
    if case in _OBLIQUE:
        return (case, True) in form.readings
    if 1 < last < 5 and not teens:
        return ("g", False) in form.readings
    return ("g", True) in form.readings


def decimal(whole: int, fraction: str, case: str = "n", gender: str = "m") -> str:
    """Say "3,14": three wholes fourteen hundredths; halves as people say them."""
    if fraction.rstrip("0") == "5" and whole:
        if whole == 1:
            halves = "полторы" if gender == "f" else "полтора"
            return halves if case in "na" else "полутора"
        return cardinal(whole, case, gender) + " с половиной"
    left = f"{cardinal(whole, case, 'f')} {_feminine('цел', whole, case)}"
    names = {1: "десят", 2: "сот", 3: "тысячн"}
    if len(fraction) not in names:
        return left + " " + " ".join(cardinal(int(digit), "n") for digit in fraction)
    part = int(fraction)
    return f"{left} {cardinal(part, case, 'f')} {_feminine(names[len(fraction)], part, case)}"


def _feminine(stem: str, number: int, case: str) -> str:
    """Inflect "целая", "десятая", "сотая" after a number."""
    if number % 10 == 1 and number % 100 != 11:
        return stem + {"n": "ая", "a": "ую"}.get(case, "ой")
    return stem + {"d": "ым", "i": "ыми"}.get(case, "ых")
