"""Russian numbers in their sentence: counts, decimals, ranges, money, units, percentages, codes."""

import re

from services.text.context_ru import choose_case, following_noun, is_numbered, lemma, singular_case, wanted_cases
from services.text.grammar_ru import agrees, cardinal, counted, decimal, inflected, noun, ordinal
from services.text.units_ru import SCALES, UNITS

_INT = r"\d{1,3}(?:[   ]\d{3})+(?!\d)|\d+"
_UNIT = "|".join(re.escape(unit) for unit in sorted(UNITS, key=len, reverse=True))
_NUMBER = re.compile(
    rf"(?<![\w.,/])(?P<sign>(?:(?<=\s)|(?<=\()|^)[-−+])?(?P<a>{_INT})(?:[.,](?P<fa>\d+))?"
    rf"(?:\s?(?P<dash>[–—-])\s?(?P<b>{_INT})(?:[.,](?P<fb>\d+))?)?(?![\d/])"
    rf"(?:\s?(?P<scale>тыс|млн|млрд)\b\.?)?(?:\s?(?P<unit>{_UNIT})(?![\w²³])(?P<dot>\.?))?"
)
_PREFIXED_MONEY = re.compile(rf"(?P<sign>[$€£₽])\s?(?P<number>(?:{_INT})(?:[.,]\d+)?)")
_CODE_CUE = re.compile(r"(?:код[а-яё]*|пин(?:-код[а-яё]*)?|pin|парол[а-яё]*)\s*[:—–-]?\s*$", re.I)
_MINOR = {"рубль": "копейка", "доллар": "цент", "евро": "цент", "фунт": "пенс"}
_FRACTION = re.compile(r"(?<![\w/.,-])(\d{1,2})/(\d{1,3})(?![\w/])")
_MONEY = frozenset("рубль доллар евро фунт".split())
# These nouns are numbered, not counted: "на 1 этаже" is the first floor.
_ORDERED = frozenset("этаж подъезд класс курс".split())
_CLOSE = 5
_CODE_DIGITS = 8
# "в 2 ночи", "до 7 вечера": a time of day, no count.
_PARTS_OF_DAY = frozenset("утра дня вечера ночи".split())
_DISTANCES = frozenset({"км", "м"})
_YEARS = range(1000, 2101)


def speak_numbers(text: str) -> str:
    """Say every number that is still in figures, in the case its sentence asks for."""
    text = _PREFIXED_MONEY.sub(r"\g<number> \g<sign>", text)
    text = _FRACTION.sub(_say_fraction, text)
    text = re.sub(r"(?<=\d)(?=[абвАБ](?!\w))", " ", text)  # a house "12а"
    return _NUMBER.sub(_say, text)


def _whole(figures: str) -> int:
    return int(re.sub(r"\D", "", figures))


def digits(figures: str) -> str:
    """Say a code figure by figure."""
    return " ".join(cardinal(int(figure)) for figure in figures)


def _say(found: re.Match[str]) -> str:
    before, after = found.string[: found.start()], found.string[found.end() :]
    figures = found["a"]
    plain = not (found["fa"] or found["b"] or found["unit"] or found["scale"])
    leading_zero = len(figures) > 1 and figures.startswith("0")
    if plain and (leading_zero or (figures.isdigit() and len(figures) >= _CODE_DIGITS) or _CODE_CUE.search(before)):
        return digits(figures)
    cases = "" if is_numbered(before) else wanted_cases(before)
    sign = {"-": "минус ", "−": "минус ", "+": "плюс "}.get(found["sign"] or "", "")
    if found["unit"] in _DISTANCES and re.search(r"(?<!\w)[вВ]о?\s+$", before) and re.match(r"\s+от\b", after):
        cases = "p"  # "в трёх километрах от центра"
    if found["unit"] or found["scale"]:
        return sign + _with_unit(found, cases) + _stop_after(found, after)
    if found["b"]:
        return sign + _range(found, cases, following_noun(after))
    if found["fa"]:
        read = following_noun(after)
        case = cases[:1] or "n"
        return sign + decimal(_whole(figures), found["fa"], case, read[1].gender if read else "m")
    return sign + _counted(_whole(figures), cases, None if is_numbered(before) else after)


def _counted(number: int, cases: str, after: str | None) -> str:
    """Say a bare whole number with the noun written behind it."""
    pair = following_noun(after) if after is not None else None
    if pair is None:
        return cardinal(number, cases[:1] or "n")
    word, read = pair
    if word in _PARTS_OF_DAY and cases and (word in ("утра", "ночи") or not agrees(read, number, cases[0])):
        return cardinal(number, cases[0])
    case = choose_case(cases, number, read)
    single = singular_case(cases, read)
    base = lemma(word)
    numbered = (base == "год" and number in _YEARS) or (base in _ORDERED and number % 10 == 1)
    if single is not None and (case is None or numbered):
        return ordinal(number, single, read.gender)
    case = case or cases[:1] or "n"
    if base == "год" and number not in _YEARS:
        read = read._replace(gender="m")
    return cardinal(number, case, read.gender, animate=read.animate)


def _with_unit(found: re.Match[str], cases: str) -> str:
    name, _, tail = UNITS.get(found["unit"] or "", "").partition("|")
    case = cases[:1] or "n"
    whole, fraction = _whole(found["a"]), found["fa"] or ""
    if found["b"]:
        return _unit_range(found, cases, name, tail)
    if found["scale"]:
        amount = _amount(whole, fraction, case, SCALES[found["scale"]][1])
        return " ".join(filter(None, [amount, _genitive_plural(name), tail]))
    if name in _MONEY and 0 < len(fraction) <= 2:
        return _money(whole, int(fraction.ljust(2, "0")), case, name)
    return " ".join(filter(None, [_amount(whole, fraction, case, name), tail]))


def _money(whole: int, minor: int, case: str, name: str) -> str:
    parts = [_amount(whole, "", case, name)] if whole else []
    if minor or not parts:
        parts.append(_amount(minor, "", case, _MINOR[name]))
    return " ".join(parts)


def _gender(name: str) -> str:
    read = noun(name.split()[-1]) if name else None
    return read.gender if read else "m"


def _genitive_plural(name: str) -> str:
    return counted(name, 5) if name else ""


def _amount(whole: int, fraction: str, case: str, name: str) -> str:
    """Say a number with a unit's name: 22 рубля, 1,5 километра, двух с половиной миллионов."""
    gender = _gender(name)
    if not fraction.strip("0"):
        return f"{cardinal(whole, case, gender)} {counted(name, whole, case)}"
    said = decimal(whole, fraction, case, gender)
    if said.endswith("с половиной"):
        return f"{said} {counted(name, whole, case)}"
    if said == "полутора":
        return f"{said} {counted(name, 5, case)}"
    return f"{said} {' '.join(inflected(word, 'g') for word in name.split())}"


def _range(found: re.Match[str], cases: str, pair: object) -> str:
    case = cases[:1] or "n"
    gender = pair[1].gender if isinstance(pair, tuple) else "m"
    first, last = _whole(found["a"]), _whole(found["b"])
    if found["fa"] or found["fb"]:
        return f"от {_plain(first, found['fa'], 'g', gender)} до {_plain(last, found['fb'], 'g', gender)}"
    if not cases and isinstance(pair, tuple):
        case = choose_case("", last, pair[1]) or "n"
    if cases or not first < last or last - first <= _CLOSE or not isinstance(pair, tuple):
        return f"{cardinal(first, case, gender)}-{cardinal(last, case, gender)}"
    return f"от {cardinal(first, 'g', gender)} до {cardinal(last, 'g', gender)}"


def _plain(whole: int, fraction: str | None, case: str, gender: str) -> str:
    return decimal(whole, fraction, case, gender) if fraction else cardinal(whole, case, gender)


def _unit_range(found: re.Match[str], cases: str, name: str, tail: str) -> str:
    first, last = _whole(found["a"]), _whole(found["b"])
    scale = SCALES[found["scale"]][1] if found["scale"] else ""
    counted_name = scale or name
    gender = _gender(counted_name)
    rest = _genitive_plural(name) if scale else ""
    if cases or (last - first <= _CLOSE and not found["fa"] and not found["fb"]):
        case = cases[:1] or "n"
        said = f"{_plain(first, found['fa'], case, gender)}-{_amount(last, found['fb'] or '', case, counted_name)}"
    else:
        said = f"от {_plain(first, found['fa'], 'g', gender)} до {_amount(last, found['fb'] or '', 'g', counted_name)}"
    return " ".join(filter(None, [said, rest, tail]))


def _stop_after(found: re.Match[str], after: str) -> str:
    """Keep the stop of "5 руб." where it also ends the sentence."""
    ends = not after.strip() or re.match(r"\s+[«\"(]?[А-ЯЁA-Z]", after) is not None
    return "." if found["dot"] and ends else ""


def _say_fraction(found: re.Match[str]) -> str:
    top, bottom = int(found[1]), int(found[2])
    if (top, bottom) == (24, 7):
        return "двадцать четыре на семь"
    if not 0 < top < bottom:
        return found[0]
    case = wanted_cases(found.string[: found.start()])[:1] or "n"
    if (top, bottom) == (1, 2):
        return {"g": "половины", "d": "половине", "a": "половину", "i": "половиной", "p": "половине"}.get(
            case, "половина"
        )
    if bottom in (3, 4):
        name = {3: "треть", 4: "четверть"}[bottom]
        return f"{cardinal(top, case, 'f')} {counted(name, top, case)}"
    if top % 10 == 1 and top != 11:
        return f"{cardinal(top, case, 'f')} {ordinal(bottom, case, 'f')}"
    plural_case = "g" if case in "na" else case
    return f"{cardinal(top, case, 'f')} {ordinal(bottom, plural_case, 'f', plural=True)}"
