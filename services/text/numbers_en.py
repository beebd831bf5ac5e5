"""English numbers in their sentence: counts, ordinals, decimals, ranges, money, units, codes."""

import re
from functools import lru_cache

from services.text.units_en import MONEY, UNITS

_INT = r"\d{1,3}(?:,\d{3})+(?!\d)|\d+"
_UNIT = "|".join(re.escape(unit) for unit in sorted(UNITS, key=len, reverse=True))
_SIGN = r"(?P<sign>(?:(?<=\s)|(?<=\()|^)[-−+])?"
_MONEY = re.compile(
    rf"(?P<mark>[$€£₽])\s?(?P<a>{_INT})(?:\.(?P<f>\d+))?(?:\s?[–—-]\s?[$€£₽]?(?P<b>{_INT}))?(?!\d)"
    r"(?:\s?(?P<scale>thousand|million|billion|[KkMB](?!\w)))?"
)
_MONEY_AFTER = re.compile(rf"(?<![\w.,])(?P<number>(?:{_INT})(?:\.\d+)?)\s?(?P<mark>[$€£₽])")
_ORDINAL = re.compile(r"(?<![\w.,])(\d+)(?:st|nd|rd|th)\b")
_FRACTION = re.compile(r"(?<![\w/.,-])(\d{1,2})/(\d{1,2})(?![\w/])")
_NUMBER = re.compile(
    rf"(?<![\w.,/]){_SIGN}(?P<a>{_INT})(?:\.(?P<fa>\d+))?(?:\s?[–—-]\s?(?P<b>{_INT})(?:\.(?P<fb>\d+))?)?(?![\d/])"
    rf"(?:\s?(?P<unit>{_UNIT})(?![\w²³])(?:\.(?=\s+[a-z]))?)?"
)
_CODE_CUE = re.compile(r"\b(?:code|pin|password|extension|order number)(?:\s+is)?\s*:?\s*$", re.I)
_CALL_CUE = re.compile(r"\b(?:call|dial|ring|phone)\s+$", re.I)
_EMERGENCY = frozenset({"911", "999", "112", "111", "101"})
_SCALES = {"k": "thousand", "m": "million", "b": "billion"}
_CODE_DIGITS = 8
_GREATEST = 10**15


@lru_cache(maxsize=8192)
def cardinal(number: int) -> str:
    """Say a whole number: "one thousand five hundred and one"; digits stay as they are above 10**15."""
    from num2words import num2words

    return str(num2words(number)).replace(",", "") if abs(number) < _GREATEST else str(number)


@lru_cache(maxsize=8192)
def ordinal(number: int) -> str:
    """Say an ordinal: "twenty-first"."""
    from num2words import num2words

    return str(num2words(number, to="ordinal")).replace(",", "") if number < _GREATEST else str(number)


def digits(figures: str) -> str:
    """Say a code figure by figure."""
    return " ".join(cardinal(int(figure)) for figure in figures)


def speak_numbers(text: str) -> str:
    """Say every number that is still in figures."""
    text = _MONEY_AFTER.sub(r"\g<mark>\g<number>", text)
    text = _MONEY.sub(_say_money, text)
    text = _ORDINAL.sub(lambda found: ordinal(int(found[1])), text)
    text = _FRACTION.sub(_say_fraction, text)
    text = re.sub(r"(?<=\d)(?=[A-D](?!\w))", " ", text)  # a house "12A"
    return _NUMBER.sub(_say, text)


def _whole(figures: str) -> int:
    return int(figures.replace(",", ""))


def _decimal(figures: str, fraction: str | None) -> str:
    return cardinal(_whole(figures)) + (f" point {digits(fraction)}" if fraction else "")


def _say_money(found: re.Match[str]) -> str:
    one, many, small_one, small_many = MONEY[found["mark"]]
    whole, fraction = _whole(found["a"]), found["f"]
    if found["scale"]:
        scale = _SCALES.get(found["scale"].lower(), found["scale"])
        return f"{_decimal(found['a'], fraction)} {scale} {many}"
    if found["b"]:
        return f"{_decimal(found['a'], fraction)} to {cardinal(_whole(found['b']))} {many}"
    if fraction and len(fraction) > 2:
        return f"{_decimal(found['a'], fraction)} {many}"
    parts = [f"{cardinal(whole)} {one if whole == 1 else many}"] if whole or not fraction else []
    minor = int(fraction.ljust(2, "0")) if fraction else 0
    if minor or not parts:
        parts.append(f"{cardinal(minor)} {small_one if minor == 1 else small_many}")
    return " and ".join(parts)


def _say_fraction(found: re.Match[str]) -> str:
    top, bottom = int(found[1]), int(found[2])
    if (top, bottom) == (24, 7):
        return "twenty-four seven"
    if not 0 < top < bottom:
        return found[0]
    name = {2: "half", 4: "quarter"}.get(bottom) or ordinal(bottom)
    return f"{cardinal(top)} {name if top == 1 else 'halves' if bottom == 2 else name + 's'}"


def _say(found: re.Match[str]) -> str:
    figures, unit = found["a"], found["unit"]
    plain = not (found["fa"] or found["b"] or unit)
    leading_zero = len(figures) > 1 and figures.startswith("0")
    before = found.string[: found.start()]
    if plain and figures in _EMERGENCY and _CALL_CUE.search(before):
        return digits(figures)
    if plain and (leading_zero or (figures.isdigit() and len(figures) >= _CODE_DIGITS) or _CODE_CUE.search(before)):
        return digits(figures)
    said = {"-": "minus ", "−": "minus ", "+": "plus "}.get(found["sign"] or "", "") + _decimal(figures, found["fa"])
    if found["b"]:
        said += f" to {_decimal(found['b'], found['fb'])}"
    if unit:
        one = _whole(figures) == 1 and not found["fa"] and not found["b"]
        said += " " + UNITS[unit][0 if one else 1]
    return said
