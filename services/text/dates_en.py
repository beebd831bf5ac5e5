"""English calendar and clock: dates, years, decades, times of day."""

import re

from services.text.numbers_en import cardinal, ordinal
from services.text.units_en import MONTH_FORMS, MONTHS

_MONTH = "|".join(sorted(MONTH_FORMS, key=len, reverse=True))
_MONTH_DAY = re.compile(
    rf"\b(?P<month>{_MONTH})\b\.?\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\b"
    rf"(?:\s?(?:[–—-]|to)\s?(?P<last>\d{{1,2}})\b)?(?!:\d)(?:,?\s+(?P<year>(?:1\d|20)\d\d)\b)?",
    re.I,
)
_DAY_MONTH = re.compile(
    rf"(?P<the>\bthe\s+)?(?<![\w.,])(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<month>{_MONTH})\b\.?"
    rf"(?:,?\s+(?P<year>(?:1\d|20)\d\d)\b)?",
    re.I,
)
_ISO = re.compile(r"(?<![\w.-])(?P<year>(?:19|20)\d\d)-(?P<month>0[1-9]|1[0-2])-(?P<day>\d\d)(?![\w-])")
_AMERICAN = re.compile(r"(?<![\w./])(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>(?:19|20)\d\d)(?![\w/])")
_DOTTED = re.compile(r"(?<![\w./])(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>(?:19|20)\d\d)(?![\w/])")
_YEAR = re.compile(
    rf"(?P<cue>\b(?:in|since|by|of|until|till|from|before|after|during|year|{_MONTH})\s+)(?P<year>(?:1[1-9]|20)\d\d)"
    r"(?![\w%°]|[.,:]\d|\s?[$€£₽]|\s+(?!and\b|or\b|to\b|we\b|the\b|it\b|with\b)[a-z]+s\b)",
    re.I,
)
_DECADE = re.compile(r"(?<![\w.,])(?P<year>(?:1[1-9]|20)\d0)['’]?s\b")
_TIME = re.compile(
    r"(?<![\w:.,])(?P<hour>[01]?\d|2[0-4])(?::(?P<minute>[0-5]\d)(?::[0-5]\d)?)?(?:\s?(?P<half>[ap])\.?\s?m\b(?P<dot>\.?))?"
    r"(?![\w:]|\.\d)",
    re.I,
)
_TWENTY_FOUR = re.compile(r"(?<!\d)(?:1[3-9]|2[0-3]):[0-5]\d")
_TIME_DASH = re.compile(r"(?<=\d)(\s?[ap]\.?m\.?)?\s?[–—-]\s?(?=\d{1,2}(?::\d\d|\s?[ap]\.?m))", re.I)


def speak_dates(text: str) -> str:
    """Say dates, years and decades."""
    text = _ISO.sub(_say_numeric, text)
    text = _AMERICAN.sub(_say_numeric, text)
    text = _DOTTED.sub(_say_numeric, text)
    text = _MONTH_DAY.sub(_say_month_day, text)
    text = _DAY_MONTH.sub(_say_day_month, text)
    text = _DECADE.sub(lambda found: _plural(say_year(int(found["year"]))), text)
    return _YEAR.sub(lambda found: found["cue"] + say_year(int(found["year"])), text)


def speak_times(text: str) -> str:
    """Say times of day; the 24-hour clock as people say it: 18:30 is "six thirty PM"."""
    return _TIME.sub(_say_time, _TIME_DASH.sub(lambda found: (found[1] or "") + " to ", text))


def say_year(year: int) -> str:
    """Say a year: "nineteen ninety-nine", "two thousand five", "twenty twenty-six"."""
    century, rest = divmod(year, 100)
    if rest == 0:
        return cardinal(year) if century % 10 == 0 else f"{cardinal(century)} hundred"
    if century == 20 and rest < 10:
        return f"two thousand {cardinal(rest)}"
    return f"{cardinal(century)} {'oh ' if rest < 10 else ''}{cardinal(rest)}"


def _plural(words: str) -> str:
    return words[:-1] + "ies" if words.endswith("y") else words + "s"


def _tail(year: str | None) -> str:
    return f", {say_year(int(year))}" if year else ""


def _say_numeric(found: re.Match[str]) -> str:
    month, day = int(found["month"]), int(found["day"])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return found[0]
    return f"{MONTHS[month - 1]} {ordinal(day)}{_tail(found['year'])}"


def _say_month_day(found: re.Match[str]) -> str:
    day = int(found["day"])
    if not 1 <= day <= 31 or found["month"].islower():  # "may 5 people come" is no date
        return found[0]
    last = f" to {ordinal(int(found['last']))}" if found["last"] else ""
    return f"{MONTH_FORMS[found['month'].lower()]} {ordinal(day)}{last}{_tail(found['year'])}"


def _say_day_month(found: re.Match[str]) -> str:
    day = int(found["day"])
    if not 1 <= day <= 31 or found["month"].islower():
        return found[0]
    return f"the {ordinal(day)} of {MONTH_FORMS[found['month'].lower()]}{_tail(found['year'])}"


def _say_time(found: re.Match[str]) -> str:
    if found["minute"] is None and found["half"] is None:
        return found[0]
    hour, minute = int(found["hour"]), int(found["minute"] or 0)
    half = found["half"].upper() if found["half"] else ""
    if not half and (hour > 12 or hour == 0):
        half = "P" if 12 < hour < 24 else "A"
    elif not half and _TWENTY_FOUR.search(found.string):  # beside 18:00 a bare 9:00 is in the morning
        half = "P" if hour == 12 else "A"
    hour = hour % 12 or 12
    said = cardinal(hour)
    if minute:
        said += f" {'oh ' if minute < 10 else ''}{cardinal(minute)}"
    elif not half:
        return said + " o'clock"
    ends = found["dot"] and re.match(r"\s*$|\s+[A-Z]", found.string[found.end() :])
    return f"{said} {half}M{'.' if ends else ''}" if half else said
