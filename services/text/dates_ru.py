"""Russian calendar and clock: dates, years, centuries, times of day, in the case their sentence asks for."""

import re

from services.text.context_ru import wanted_cases
from services.text.grammar_ru import cardinal, counted, inflected, noun, ordinal
from services.text.units_ru import MONTHS

_MONTH = "|".join(MONTHS)
_YEAR = r"(?:,?\s+(?P<year>\d{4})(?:\s+(?P<said>года)|\s?г(?P<dot>\.?)(?!\w))?)?"
_DAY_MONTH = re.compile(
    rf"(?<![\w.,])(?:(?P<first>\d{{1,2}})(?:-?(?:го|е|ое|му|м))?\s?(?P<link>[–—-]|по|до|и|или)\s?)?"
    rf"(?P<day>\d{{1,2}})(?:-?(?:го|е|ое|му|м))?\s+(?P<month>{_MONTH})\b{_YEAR}",
    re.I,
)
_NUMERIC = re.compile(
    r"(?<![\w.,-])(?:(?P<day>\d{1,2})\.(?P<month>0[1-9]|1[0-2])\.(?P<year>(?:19|20)\d\d)"
    r"|(?P<iso_year>(?:19|20)\d\d)-(?P<iso_month>0[1-9]|1[0-2])-(?P<iso_day>\d\d))(?![\w-])(?:\s?(?:года|г\.?(?!\w)))?"
)
_SHORT_NUMERIC = re.compile(
    r"(?P<lead>\b(?:с|со|до|от|на|к|по|после)\s+)(?P<day>\d{1,2})\.(?P<month>0[1-9]|1[0-2])(?![\w.,]\d|\w)"
)
_YEAR_ABBREVIATED = re.compile(r"(?<![\w.,])(?P<year>[12]\d{3})\s?г(?P<dot>\.)?(?!\w)")
_YEARS_RANGE = re.compile(
    r"(?<![\w.,])(?P<first>[12]\d{3})\s?[–—-]\s?(?P<last>[12]\d{3})\s?(?P<name>гг\.?|год[а-яё]*)(?!\w)"
)
_CENTURY = re.compile(
    r"\b(?P<roman>[IVXХ]+)(?:\s?[–—-]\s?(?P<last>[IVXХ]+))?\s+(?P<name>вв?\.|век[а-яё]*|столети[а-яё]+)"
)
_TIME = r"(?P<{0}h>[01]?\d|2[0-4]):(?P<{0}m>[0-5]\d)(?::[0-5]\d)?"
_TIME_RANGE = re.compile(
    rf"(?<![\w:.])(?P<from>(?<!\w)(?:с|от|в)\s+)?{_TIME.format('a')}\s?(?:до|[–—-])\s?{_TIME.format('b')}(?![\w:])(?:\s+час\w+)?",
    re.I,
)
_ONE_TIME = re.compile(rf"(?<![\w:.]){_TIME.format('a')}(?![\w:])(?:\s+(?:часов|часа|час|ч\.?)(?!\w))?")
_BETWEEN = re.compile(rf"(?<!\w)(?P<between>между)\s+{_TIME.format('a')}\s+и\s+{_TIME.format('b')}(?![\w:])", re.I)
_NOMINATIVE_CUE = re.compile(r"(?:сегодня|завтра|вчера|послезавтра|это|дата|даты|дату|день|—|–|:)[\s:—–-]*$", re.I)
_ROMAN = {"I": 1, "V": 5, "X": 10, "Х": 10}


def speak_dates(text: str) -> str:
    """Say dates, years and centuries."""
    text = _NUMERIC.sub(_say_numeric, text)
    text = _SHORT_NUMERIC.sub(_say_short, text)
    text = _DAY_MONTH.sub(_say_day_month, text)
    text = _YEARS_RANGE.sub(_say_years, text)
    text = _YEAR_ABBREVIATED.sub(_say_year, text)
    return _CENTURY.sub(_say_century, text)


def speak_times(text: str) -> str:
    """Say times of day: "с 9:00 до 18:00" is "с девяти до восемнадцати часов"."""
    text = _BETWEEN.sub(_say_between, text)
    text = _TIME_RANGE.sub(_say_time_range, text)
    return _ONE_TIME.sub(lambda found: _clock(int(found["ah"]), int(found["am"]), _case(found) or "a"), text)


def _case(found: re.Match[str]) -> str:
    return wanted_cases(found.string[: found.start()])[:1]


def _date_case(found: re.Match[str]) -> str:
    """Choose the case of a day: without a preposition it answers "when?", so it is genitive."""
    before = found.string[: found.start()]
    return _case(found) or ("n" if _NOMINATIVE_CUE.search(before) else "g")


def _day(day: int, case: str) -> str:
    return ordinal(day, case, "n")


def _year_tail(year: str | None) -> str:
    return f" {ordinal(int(year), 'g', 'm')} года" if year else ""


def _is_day(day: int) -> bool:
    return 1 <= day <= 31


def _stop(found: re.Match[str], dot: str | None) -> str:
    after = found.string[found.end() :]
    return "." if dot and (not after.strip() or re.match(r"\s+[«\"(]?[А-ЯЁA-Z]", after)) else ""


def _say_day_month(found: re.Match[str]) -> str:
    day, first = int(found["day"]), int(found["first"] or 1)
    if not (_is_day(day) and _is_day(first)):
        return found[0]
    case = _date_case(found)
    tail = f" {found['month']}{_year_tail(found['year'])}{_stop(found, found['dot'])}"
    if found["first"] is None:
        return _day(day, case) + tail
    link = found["link"]
    if link in ("и", "или"):
        return f"{_day(first, case)} {link} {_day(day, case)}{tail}"
    if link in ("по", "до"):
        return f"{_day(first, case)} {link} {_day(day, 'a' if link == 'по' else 'g')}{tail}"
    lead = "" if _case(found) else "с "
    return (
        f"{lead}{_day(first, 'g')} по {_day(day, 'a')}{tail}"
        if lead
        else f"{_day(first, case)} — {_day(day, case)}{tail}"
    )


def _say_numeric(found: re.Match[str]) -> str:
    day, month = int(found["day"] or found["iso_day"]), int(found["month"] or found["iso_month"])
    if not _is_day(day):
        return found[0]
    ending = "." if found[0].endswith(".") and _stop(found, ".") else ""
    return f"{_day(day, _date_case(found))} {MONTHS[month - 1]}{_year_tail(found['year'] or found['iso_year'])}{ending}"


def _say_short(found: re.Match[str]) -> str:
    day = int(found["day"])
    case = wanted_cases(found["lead"])[:1] or "g"
    return f"{found['lead']}{_day(day, case)} {MONTHS[int(found['month']) - 1]}" if _is_day(day) else found[0]


def _say_year(found: re.Match[str]) -> str:
    cases = wanted_cases(found.string[: found.start()])
    case = "p" if "p" in cases else cases[:1]
    if not case:
        word = re.search(r"([а-яё]+)\s+$", found.string[: found.start()].lower())
        case = "g" if word and inflected(word[1], "g") in MONTHS else "n"
    name = "году" if case == "p" else inflected("год", case)
    return f"{ordinal(int(found['year']), case, 'm')} {name}{_stop(found, found['dot'])}"


def _say_years(found: re.Match[str]) -> str:
    cases = wanted_cases(found.string[: found.start()])
    case = "p" if "p" in cases else cases[:1] or "n"
    name = {"n": "годы", "a": "годы", "g": "годов", "p": "годах", "d": "годам", "i": "годами"}[case]
    first, last = ordinal(int(found["first"]), case, "m"), ordinal(int(found["last"]), case, "m")
    return f"{first} — {last} {name}{_stop(found, '.' if found['name'].endswith('.') else None)}"


def _roman(figures: str) -> int:
    values = [_ROMAN[figure] for figure in figures]
    following = [*values[1:], 0]
    return sum(-value if value < after else value for value, after in zip(values, following, strict=True))


def _say_century(found: re.Match[str]) -> str:
    name, cases = found["name"], wanted_cases(found.string[: found.start()])
    read = noun(name) if not name.endswith(".") else None
    plural = bool(found["last"]) or name == "вв."
    if read is None:
        case = "p" if "p" in cases else cases[:1] or "n"
        name = inflected("век", case, plural=plural) + _stop(found, ".")
    else:
        case = next((case for case in [*cases, *"nagdip"] if (case, plural) in read.readings), "n")
    gender = read.gender if read else "m"
    numbers = [_roman(part) for part in (found["roman"], found["last"]) if part]
    return " — ".join(ordinal(number, case, gender) for number in numbers) + " " + name


def _clock(hour: int, minute: int, case: str, *, named: bool = True) -> str:
    """Say a time of day; `named` adds the word for hours to a full hour."""
    if minute == 0:
        if hour == 1 and named:
            return inflected("час", case)
        said = cardinal(hour, case)
        return f"{said} {counted('час', hour, case)}" if named else said
    minutes = cardinal(minute, case) if minute > 9 else f"ноль {cardinal(minute, case)}"
    return f"{cardinal(hour, case)} {minutes}"


def _say_between(found: re.Match[str]) -> str:
    first, last = (int(found["ah"]), int(found["am"])), (int(found["bh"]), int(found["bm"]))
    return f"{found['between']} {_clock(*first, 'i', named=False)} и {_clock(*last, 'i')}"


def _say_time_range(found: re.Match[str]) -> str:
    first, last = (int(found["ah"]), int(found["am"])), (int(found["bh"]), int(found["bm"]))
    case = _case(found)
    if case and not found["from"]:  # "на 10:00–11:00"
        return f"{_clock(*first, case, named=False)} — {_clock(*last, case)}"
    lead = "от" if (found["from"] or "").strip().lower() == "от" else "с"
    if (found["from"] or "")[:1].isupper():
        lead = lead.capitalize()
    return f"{lead} {_clock(*first, 'g', named=False)} до {_clock(*last, 'g')}"
