"""Phone numbers as people say them: in groups, with a pause between groups."""

import re
from collections.abc import Callable

_PHONE = re.compile(r"(?<![\w.,])(?P<plus>\+)?(?P<body>\(?\d[\d()\s   -]{5,20}\d)(?![\w.,:/]\d|\w|%|\s?[₽$€])")
_RUSSIAN_LENGTH = 11
_SHORT = frozenset({6, 7})
_FOREIGN = range(9, 16)


def grouped(number: str, language: str) -> tuple[str, list[str]]:
    """Split a number as `language` writes it: "+79991234567" -> ("+", ["7", "999", "123", "45", "67"])."""
    plus = "+" if number.strip().startswith("+") else ""
    figures = re.sub(r"[^0-9]", "", number)
    american = language[:2].lower() == "en" and not (len(figures) == _RUSSIAN_LENGTH and figures[0] in "78")
    return plus, _split(figures, american=american)


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


def speak_phones(text: str, speak: Callable[[str], str]) -> str:
    """Replace every phone number of `text` by `speak(number)`; other long numbers stay."""

    def replace(found: re.Match[str]) -> str:
        return speak(found[0]) if _is_phone(found) else found[0]

    return _PHONE.sub(replace, text)


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
