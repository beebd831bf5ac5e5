"""Phone numbers as people say them: in groups, with a pause between groups."""

import re
from collections.abc import Callable

_PHONE = re.compile(r"(?<![\w.,])(?P<plus>\+)?(?P<body>\(?\d[\d()\s   -]{5,20}\d)(?![\w.,:/]\d|\w|%|\s?[₽$€])")
_RUSSIAN_LENGTH = 11
_SHORT = frozenset({6, 7})
_FOREIGN = range(9, 16)
_ENGLISH = range(7, 16)
_CODES = ("375", "380", "373", "374", "992", "993", "994", "995", "996", "998")  # of Russia's neighbours, by ITU E.164D


def grouped(number: str, language: str) -> tuple[str, list[str]]:
    """Split a number as `language` writes it: "+79991234567" -> ("+", ["7", "999", "123", "45", "67"])."""
    plus = "+" if number.strip().startswith("+") else ""
    figures = re.sub(r"[^0-9]", "", number)
    english = language[:2].lower() == "en"
    if plus and (code := next((code for code in _CODES if figures.startswith(code)), "")) and len(figures) > 10:
        return plus, [code, figures[3:5], *_split(figures[5:], american=False)]
    if english and (british := _british(figures, international=bool(plus))):
        return plus, british
    american = english and not (len(figures) == _RUSSIAN_LENGTH and figures[0] in "78")
    return plus, _split(figures, american=american)


def _british(figures: str, *, international: bool) -> list[str]:
    """Split "02079460012" and "+447912345678" as Ofcom writes them; [] for a number of another country."""
    if international and figures.startswith("44") and len(figures) == 12:
        return ["44", *_british_rest(figures[2:], 2 if figures[2] == "2" else 4)]
    if not international and figures.startswith("0") and len(figures) == 11:
        return _british_rest(figures, 3 if figures[1] == "2" else 5)
    return []


def _british_rest(figures: str, area: int) -> list[str]:
    middle = area + (len(figures) - area) // 2
    return [figures[:area], figures[area:middle], figures[middle:]]


def _split(figures: str, *, american: bool) -> list[str]:
    if len(figures) == _RUSSIAN_LENGTH and figures[0] in "781":
        return [figures[0], *_split(figures[1:], american=american)]
    if len(figures) == 10:
        last = [figures[6:]] if american else [figures[6:8], figures[8:]]
        return [figures[:3], figures[3:6], *last]
    if len(figures) == 7:
        return [figures[:3], figures[3:]] if american else [figures[:3], figures[3:5], figures[5:]]
    if len(figures) < 4:
        return [figures] if figures else []
    lead = 2 + len(figures) % 2
    return [figures[:lead], *(figures[at : at + 2] for at in range(lead, len(figures), 2))]


def speak_phones(text: str, speak: Callable[[str], str], *, english: bool = False) -> str:
    """Replace every phone number of `text` by `speak(number)`; other long numbers stay.

    In English a space never groups thousands, so figures in groups are a phone number there.
    """

    def replace(found: re.Match[str]) -> str:
        phone = _is_phone(found) or (english and _is_english_phone(found["body"]))
        return speak(found[0]) if phone else found[0]

    return _PHONE.sub(replace, text)


def _is_english_phone(body: str) -> bool:
    groups = body.split(" ")
    plain = len(groups) > 1 and all(group.isdigit() and len(group) < 6 for group in groups)
    return plain and len("".join(groups)) in _ENGLISH and (len(groups) > 2 or len(groups[0]) < 4 or body[0] == "0")


def _is_phone(found: re.Match[str]) -> bool:
    body = found["body"]
    figures = re.sub(r"[^0-9]", "", body)
    if found["plus"]:
        return len(figures) in _FOREIGN
    if len(figures) == _RUSSIAN_LENGTH:
        return figures[0] in "781"
    if len(figures) == 10 and ("-" in body or "(" in body):
        return re.search(r"\d{3}", body) is not None
    if len(figures) in _FOREIGN:  # groups of two at the end: no number is written so
        return re.search(r"[ -]\d\d[ -]\d\d$", body) is not None
    # "123-45-67", never "1 500 000"
    return len(figures) in _SHORT and re.fullmatch(r"\d{2,3}([ -])\d{2}\1\d{2}|\d{3}[-]\d{4}", body) is not None
