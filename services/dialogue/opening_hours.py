"""A week of opening hours in words."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from itertools import groupby
from typing import Any

LANGUAGES = ("ru", "en")
_WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ALL_DAY = "00:00-24:00"


def hours_in_words(hours: Mapping[str, str], language: str) -> str:
    """Tell a week of hours such as {"monday": "09:00-13:00,14:00-18:00"}, days that are alike together.

    "" for a week without any hours, and for a language without words for it.
    """
    week = [hours.get(day, "") for day in _WEEK]
    if not any(week) or language not in LANGUAGES:
        return ""
    words = _words(language)
    runs = [(spans, [day for day, _ in run]) for spans, run in groupby(enumerate(week), key=lambda each: each[1])]
    opened = ", ".join(f"{_days(run, words)} {_spans(spans, words)}" for spans, run in runs if spans)
    closed = ", ".join(_days(run, words) for spans, run in runs if not spans)
    sentences = (words["open"].format(when=opened), words["closed"].format(when=closed) if closed else "")
    return " ".join(filter(None, sentences))


def _days(run: Sequence[int], words: Mapping[str, Any]) -> str:
    if len(run) == len(_WEEK):
        return str(words["every_day"])
    if len(run) == 1:
        return str(words["on"][run[0]])
    return str(words["days"].format(**{"from": words["from"][run[0]], "to": words["to"][run[-1]]}))


def _spans(spans: str, words: Mapping[str, Any]) -> str:
    return str(words["and"].join(_each(spans, words)))


def _each(spans: str, words: Mapping[str, Any]) -> Iterator[str]:
    for span in spans.split(","):
        begin, _, end = span.partition("-")
        if span == _ALL_DAY:
            yield words["all_day"]
        else:
            yield words["span"].format(begin=_time(begin), end=words["midnight"] if end == "24:00" else _time(end))


def _time(clock: str) -> str:
    """Return a time without the zero that nobody says: 09:00 is 9:00."""
    return f"{int(clock[:2])}{clock[2:]}"


@lru_cache(maxsize=4)
def _words(language: str) -> dict[str, Any]:
    return tomllib.loads((files("services.dialogue") / "hours" / f"{language}.toml").read_text("utf-8"))
