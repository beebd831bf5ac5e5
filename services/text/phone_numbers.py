"""Telephone numbers as they are compared: one spelling for each, whatever a modem, an account or a person writes.

A number is kept in E.164 ("+79991234567"). A short number ("900") and a name that is no number (an SMS sender, a SIP
user) are kept as they are, and a withheld number is "". What a spelling without country code means depends on the
region (ISO 3166) that the company calls from.
"""

import re
from functools import cache, lru_cache
from importlib.resources import files

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumber, ValidationResult

WITHHELD = "withheld"
LONGEST_SHORT = 6
"""Digits of the longest service number (ITU-T E.164 leaves them to each country; six are the most in use)."""

_WITHHELD = frozenset({"", WITHHELD, "anonymous", "private", "restricted", "unavailable", "unknown"})
_SPELLED = re.compile(r"\+?[0-9()\s.\-/\u00a0\u2010-\u2013]+")
_NOT_DIGITS = re.compile(r"[^0-9]")
_REGION_OF_LANGUAGE = {"ru": "RU", "en": "US"}
_HOME = "RU"


def region_of(time_zone: str, language: str) -> str:
    """Return the region a company calls from: that of its IANA zone, else the usual one of its language, else RU."""
    return _regions().get(time_zone) or _REGION_OF_LANGUAGE.get(language, _HOME)


def normal(number: str, region: str) -> str:
    """Return the one spelling of `number`, dialled or shown in `region`; a spelling nobody can read stays as it is.

    A full number whose "+" was lost on the way ("79991234567") gets it back.
    """
    text = number.strip()
    if text.casefold() in _WITHHELD:
        return ""
    digits = digits_of(text)
    if not digits or not _SPELLED.fullmatch(text):
        return text
    if text.startswith("+"):
        readings = [parsed(text, region)]
    elif len(digits) <= LONGEST_SHORT:
        return digits
    else:
        readings = [parsed(digits, region), parsed(f"+{digits}", region)]
    known = [each for each in readings if each is not None]
    for fits in (phonenumbers.is_valid_number, is_whole):
        for each in known:
            if fits(each):
                return phonenumbers.format_number(each, phonenumbers.PhoneNumberFormat.E164)
    return f"+{digits}" if text.startswith("+") else digits


def digits_of(text: str) -> str:
    """Return the digits of a spelling."""
    return _NOT_DIGITS.sub("", text)


@lru_cache(maxsize=4096)
def parsed(number: str, region: str) -> PhoneNumber | None:
    """Return what `number` says when it is read in `region`, None when it is no number at all."""
    try:
        return phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return None


def is_whole(number: PhoneNumber) -> bool:
    """Tell whether a number has as many digits as a subscriber's in its country, area code included."""
    return phonenumbers.is_possible_number_with_reason(number) == ValidationResult.IS_POSSIBLE


def spellings(number: str, region: str) -> tuple[str, ...]:
    """Return the ways in which a modem or an account may have told a normal number: what is stored may be any."""
    read = parsed(number, region) if number.startswith("+") else None
    if read is None:
        return (number,)
    national = phonenumbers.national_significant_number(read)
    home = PhoneMetadata.metadata_for_region(region)
    told = [number, number[1:]]
    if home is not None and read.country_code == home.country_code:
        told += [f"{home.national_prefix or ''}{national}", national]
    return tuple(dict.fromkeys(told))


@cache
def _regions() -> dict[str, str]:
    """Return the region of each IANA zone that lies in one country, its older names included."""
    folder = files("tzdata") / "zoneinfo"
    lines = [line.split("\t") for line in (folder / "zone.tab").read_text("utf-8").splitlines()]
    found = {line[2]: line[0] for line in lines if len(line) > 2 and not line[0].startswith("#")}
    for line in (folder / "tzdata.zi").read_text("utf-8").splitlines():
        kind, *names = line.split(" ")
        if kind == "L" and names[0] in found:
            found.setdefault(names[1], found[names[0]])
    return found
