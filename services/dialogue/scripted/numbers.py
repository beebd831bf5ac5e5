"""A phone number dictated in pieces, keyed, or corrected in its parts."""

import re

from services.dialogue.scripted.slots import Slots
from services.text.digits import group_digits, spoken_digits

LONGEST = 15  # figures, ITU-T E.164
PLAUSIBLE = 7  # from here on it may be a whole local number
_NATIONAL = 10
_READ_AS_PHONE = {"ru": (6, 7, 10, 11), "en": (7, 10, 11)}
_TRUNK = {"ru": "78", "en": "01"}  # a national number of ten figures does not begin with these


def is_whole(number: str, language: str) -> bool:
    """Tell whether no more figures are to be waited for."""
    figures = number.lstrip("+")
    if len(figures) > _NATIONAL:
        return True
    return len(figures) == _NATIONAL and not number.startswith("+") and figures[0] not in _TRUNK.get(language, "")


def may_be_whole(number: str, language: str) -> bool:
    """Tell whether to ask if this is all: a local number, but not one that has begun like a national one."""
    if number.startswith("+") or (language == "ru" and number[0] in _TRUNK["ru"]):
        return False
    return len(number) >= PLAUSIBLE


def echoed(figures: str, language: str) -> str:
    """Write the figures heard so far for an echo: they are no whole number, so nothing may read them as an amount.

    English says them one by one; Russian in groups with a pause between, the prefix of a number only begun by itself.
    """
    plus, plain = ("+", figures[1:]) if figures.startswith("+") else ("", figures)
    if language != "ru":
        return " ".join((["plus"] if plus else []) + list(plain))
    begun = plain[:1] in tuple(_TRUNK["ru"]) and (plus or len(plain) > 3)
    if begun:
        groups = [plain[:1], plain[1:4], plain[4:7], *(plain[at : at + 2] for at in range(7, len(plain), 2))]
    else:
        groups = group_digits(plain, language).split()
    return ("плюс " if plus else "") + ", ".join(filter(None, groups))


def read_back(number: str, language: str) -> str:
    """Write a finished number for the read-back: in the groups of a phone number, or as an echo where it is none."""
    if number.startswith("+") or len(number) in _READ_AS_PHONE.get(language, ()):
        return group_digits(number, language)
    return echoed(number, language)


def is_too_long(number: str, language: str) -> bool:
    """Tell whether this can be no phone number any more; 8 10 begins a Russian call abroad."""
    figures = number.lstrip("+")
    russian = language == "ru" and figures[:1] in tuple(_TRUNK["ru"]) and not figures.startswith("810")
    return len(figures) > (_NATIONAL + 1 if russian else LONGEST)


def corrected_part(number: str, text: str, slots: Slots) -> str | None:
    """Apply "the last two are 45" or "первые три 916" to `number`; None when `text` says nothing of the kind.

    `text` is folded. Without a count, as many figures are replaced as are given.
    """
    for pattern, at_end in ((slots.tail, True), (slots.head, False)):
        if found := pattern.search(text):
            count, rest = _count(text[found.end() :], slots)
            figures = spoken_digits(_after_contrast(rest), slots.language)
            if figures is None:  # "... is 45 at the end"
                figures = spoken_digits(_after_contrast(text[: found.start()]), slots.language)
            if figures:
                return _replaced(number, figures.lstrip("+"), count or len(figures.lstrip("+")), at_end=at_end)
    return None


def merged(partial: str, figures: str, *, denied: bool) -> str:
    """Add newly heard figures to those so far; after a "no" they replace the last group, or everything if as long."""
    if not denied or not partial:
        return partial + figures.lstrip("+") if partial else figures
    if len(figures) >= max(PLAUSIBLE, len(partial) - 1):
        return figures
    return partial[: -len(figures)] + figures if len(figures) < len(partial) else figures


def _count(text: str, slots: Slots) -> tuple[int, str]:
    """Read "two digits ..." or "2 цифры ...": how many, and what follows; 0 when no count is said."""
    words = text.split()
    count = 0
    if words:
        first = words[0].strip(",.")
        counted = slots.counts.get(first, int(first) if re.fullmatch(r"[1-9]", first) else 0)
        if counted and spoken_digits(" ".join(words[1:]), slots.language):
            count, words = counted, words[1:]
    return count, " ".join(words)


def _after_contrast(text: str) -> str:
    """Keep what is right in "not 44 but 45", "не 44 а 45"."""
    return re.split(r"\b(?:but|а)\b", text)[-1]


def _replaced(number: str, figures: str, count: int, *, at_end: bool) -> str:
    if count >= len(number.lstrip("+")):
        return figures
    if at_end:
        return number[:-count] + figures
    plus = "+" if number.startswith("+") else ""
    return plus + figures + number.lstrip("+")[count:]
