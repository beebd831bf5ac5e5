"""Russian spoken form: addresses, phones, dates, times, abbreviations, ordinals, then every number left."""

import re
from functools import partial

from services.text.addresses import speak_addresses
from services.text.context_ru import following_noun, wanted_cases
from services.text.dates_ru import speak_dates, speak_times
from services.text.grammar_ru import cardinal, inflected, ordinal
from services.text.numbers_ru import digits, speak_numbers
from services.text.phones import grouped, speak_phones
from services.text.units_ru import FIXED, NOUNS

_FIXED = tuple((re.compile(rf"(?<!\w){pattern}(?!\w)", re.I), words) for pattern, words in FIXED)
_NOUN = re.compile(
    rf"(?<![\w.])(?P<short>{'|'.join(sorted(map(re.escape, NOUNS), key=len, reverse=True))})\.?(?P<gap>\s*)"
    r"(?=(?P<next>[А-ЯЁ«\d]|\+))",
    re.I,
)
_BEFORE_FIGURE = frozenset("д корп кв стр оф каб эт тел доб".split())
_OBLAST = re.compile(r"(?<!\w)обл\.(?!\w)")
_NUMBER_SIGN = re.compile(r"№\s*(?=\d)")
_ORDINAL = re.compile(
    r"(?<![\w.,-])(\d{1,4})(?:-(й|я|е|го|му|м|ми|х|ю|ти|и|ой|ый|ий|ая|ое|ую|ого|ому|ым|ом|ые|ых|тых)"
    r"|(го|му|ый|ая|ое|ых))(?![\w-])"
)
_OR_MORE = re.compile(r"(?<=\d)()\+(?![\w+])")
_COMPOUND = re.compile(r"(?<![\w.,-])(\d{1,3})-([а-яё]{4,})")
_ENDINGS = {
    "й": "nm", "ый": "nm", "ий": "nm", "ой": "nm", "я": "nf", "ая": "nf", "е": "nn", "ое": "nn",
    "го": "gm", "ого": "gm",
    "му": "dm", "ому": "dm", "м": "im", "ым": "im", "ом": "pm", "ю": "af", "ую": "af",
}  # fmt: skip
_COMPOUND_STEMS = {1: "одно", 40: "сорока", 90: "девяноста", 100: "сто", 1000: "тысяче"}


def speak(text: str) -> str:
    """Give the spoken form of a Russian sentence."""
    text = speak_addresses(text, "ru")
    text = speak_phones(text, say_phone)
    text = speak_times(speak_dates(text))
    for pattern, words in _FIXED:
        text = pattern.sub(partial(_say_fixed, words=words), text)
    text = _NOUN.sub(_say_noun, text)
    text = _OBLAST.sub("область", text)
    text = _NUMBER_SIGN.sub(_say_number_sign, text)
    text = _OR_MORE.sub(r"\1 плюс", text)
    text = _ORDINAL.sub(_say_ordinal, text)
    text = _COMPOUND.sub(_say_compound, text)
    text = speak_numbers(text)
    return re.sub(r"(?<=\s)&(?=\s)", "и", text)


def say_phone(number: str) -> str:
    """Say a phone number in groups: "плюс семь, девятьсот девяносто девять, ..."."""
    plus, groups = grouped(number, "ru")
    said = [_group(group) for group in groups]
    return ("плюс " if plus else "") + ", ".join(said)


def _group(group: str) -> str:
    zeros = len(group) - len(group.lstrip("0"))
    if zeros == len(group):
        return digits(group)
    if len(group) > 3:
        return digits(group)
    return " ".join(["ноль"] * zeros + [cardinal(int(group))])


def _cased(written: str, words: str) -> str:
    return words[0].upper() + words[1:] if written[0].isupper() else words


def _say_fixed(found: re.Match[str], *, words: str) -> str:
    ends = re.match(r"\s*$|\s+[А-ЯЁ]", found.string[found.end() :]) if found[0].startswith("и ") else None
    return _cased(found[0], words) + ("." if ends else "")


def _say_number_sign(found: re.Match[str]) -> str:
    cases = wanted_cases(found.string[: found.start()])
    case = "i" if cases == "ai" else "d" if cases == "ad" else "p" if cases == "ap" else cases[:1] or "n"
    return inflected("номер", case) + " "


def _say_noun(found: re.Match[str]) -> str:
    short = found["short"].lower()
    dotted = found[0][len(found["short"]) :].startswith(".")
    figure = found["next"].isdigit() or found["next"] == "+"
    if not dotted and short not in ("пр-т",):
        return found[0]
    before = found.string[: found.start()]
    if figure and short not in _BEFORE_FIGURE and short != "ш":
        return found[0]
    if not figure and short in _BEFORE_FIGURE:
        return found[0]
    if short == "г" and re.search(r"\d\s*$", before):
        return found[0]
    cases = wanted_cases(before)
    case = "p" if "p" in cases else "d" if cases == "ad" else cases[:1] or "n"
    return _cased(found["short"], inflected(NOUNS[short], case)) + " "


def _say_ordinal(found: re.Match[str]) -> str:
    number, ending = int(found[1]), found[2] or found[3]
    before, after = found.string[: found.start()], found.string[found.end() :]
    decade = number >= 20 and number % 10 == 0
    if ending in ("ти", "и") or (ending == "х" and not decade):
        return cardinal(number, "g")
    if ending in ("х", "ых", "тых"):
        return ordinal(number, "g", plural=True)
    if ending in ("ми", "ые") or (ending == "е" and decade and not _is_singular(after)):
        return ordinal(number, "i" if ending == "ми" else "n", plural=True)
    case, gender = _ENDINGS[ending][0], _ENDINGS[ending][1]
    cases = wanted_cases(before)
    pair = following_noun(after)
    if pair is not None and pair[1].gender == "f" and ending in ("й", "ой"):
        case, gender = "g", "f"
    elif pair is not None and ending == "е":
        gender = "n"
    elif ending == "м" and "p" in cases:
        case = "p"
    return ordinal(number, case, gender)


def _is_singular(after: str) -> bool:
    pair = following_noun(after)
    return pair is not None and not any(plural for _, plural in pair[1].readings)


def _say_compound(found: re.Match[str]) -> str:
    number, rest = int(found[1]), found[2]
    if number in _COMPOUND_STEMS:
        return _COMPOUND_STEMS[number] + rest
    words = cardinal(number, "g").split()
    return "".join(_COMPOUND_STEMS[100] if word == "ста" else word for word in words) + rest
