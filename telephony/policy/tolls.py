"""Toll fraud: which numbers the machine may dial, and which of them the owner must have named himself.

An intruder, or a model that was talked into it, earns by calls to premium services and to far countries. So "*" opens
ordinary numbers of the company's own country only; everything dearer needs a pattern that names it. Emergency numbers
are never dialled, by no pattern.
"""

import re
from collections.abc import Sequence
from typing import Literal

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumber, PhoneNumberType, shortnumberinfo

from services.errors import LineError
from services.text.phone_numbers import LONGEST_SHORT, is_whole, normal, parsed
from telephony.policy.numbers import matches, prefix_of

Need = Literal["", "short", "abroad", "costly"]

# 3GPP TS 22.101, 10.1: what a telephone takes for an emergency call, with or without a card; then the numbers of
# Russia and its neighbours, two digits from the wire lines and three from the mobile ones.
_EMERGENCY = frozenset({"112", "911", "999", "000", "110", "118", "119", "08"} | {f"{n:02}" for n in range(1, 5)})
_EMERGENCY_THREE = frozenset({"101", "102", "103", "104"})

_ORDINARY = frozenset(
    {
        PhoneNumberType.FIXED_LINE,
        PhoneNumberType.MOBILE,
        PhoneNumberType.FIXED_LINE_OR_MOBILE,
        PhoneNumberType.TOLL_FREE,
        PhoneNumberType.VOIP,
    }
)
_NAMED_DIGITS = 3
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_SHORT = re.compile(rf"[0-9]{{2,{LONGEST_SHORT}}}")


def is_emergency(number: str, region: str) -> bool:
    """Tell whether dialling `number`, normal or not, could reach an emergency service in `region`."""
    digits = re.sub(r"[^0-9]", "", number)
    if digits in _EMERGENCY or digits in _EMERGENCY_THREE:
        return True
    read = parsed(number, region) if number.startswith("+") else None
    if read is not None and phonenumbers.is_valid_number(read):
        return False
    return shortnumberinfo.connects_to_emergency_number(digits, region)


def dialable(to: str, region: str) -> str:
    """Return the number to dial: E.164, or a short number's digits.

    Raises LineError for an emergency number, and for what is no telephone number: a code with * and # could redirect
    all calls of the card, so it is never dialled either.
    """
    number = normal(to, region)
    if is_emergency(number, region):
        raise LineError(f"{to.strip()} is an emergency number: the machine never dials it.", "Dial it on a telephone.")
    # normal() leaves what it cannot read as it is, so that only plain digits may pass here: the rest of a text such as
    # "+79161234567;..." would be taken for commands by the modem.
    if _E164.fullmatch(number) and (read := parsed(number, region)) is not None and is_whole(read):
        return number
    if _SHORT.fullmatch(number):
        return number
    raise LineError(
        f"{to.strip()[:40]!r} is no whole telephone number.", "Write it with the country code, like +7 916 123-45-67."
    )


def need(number: str, region: str) -> Need:
    """Return why a dialable number must be named by the owner, "" for an ordinary one of the company's own country."""
    read = parsed(number, region) if number.startswith("+") else None
    if read is None:
        return "short"
    if phonenumbers.number_type(read) not in _ORDINARY:
        return "costly"
    return "" if phonenumbers.region_code_for_number(read) == region else "abroad"


def admitted(number: str, patterns: Sequence[str], region: str) -> bool:
    """Tell whether the owner's patterns let a dialable number be called, see the head of this file."""
    return any(matches(pattern, number, region) and _names(pattern, number, region) for pattern in patterns)


def _names(pattern: str, number: str, region: str) -> bool:
    """Tell whether a pattern that matches says enough about a number for it to be meant."""
    why = need(number, region)
    if not why or not pattern.endswith("*"):
        return True
    read = parsed(number, region)
    if why == "short" or read is None:
        return False
    code = str(read.country_code)
    said = prefix_of(pattern)[1:]
    if not said.startswith(code):
        return False
    area = said[len(code) :]
    if why == "costly":
        return len(area) >= _NAMED_DIGITS
    return _names_country(area, read, region)


def _names_country(area: str, number: PhoneNumber, region: str) -> bool:
    """Tell whether digits after a country code name the number's country, where several share the code (+1, +7)."""
    if number.country_code != phonenumbers.country_code_for_region(region):
        return True
    theirs = PhoneMetadata.metadata_for_region(phonenumbers.region_code_for_number(number) or "")
    leading = theirs.leading_digits if theirs is not None else None
    return bool(re.match(leading, area)) if leading else len(area) >= _NAMED_DIGITS
