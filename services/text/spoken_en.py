"""English spoken form: addresses, phones, abbreviations, dates, times, then every number left."""

import re

from services.text.addresses import speak_addresses
from services.text.dates_en import speak_dates, speak_times
from services.text.numbers_en import digits, speak_numbers
from services.text.phones import grouped, speak_phones
from services.text.units_en import ABBREVIATIONS

_ABBREVIATIONS = tuple((re.compile(pattern), words) for pattern, words in ABBREVIATIONS)


def speak(text: str) -> str:
    """Give the spoken form of an English sentence."""
    text = speak_addresses(text, "en")
    text = speak_dates(text)
    text = speak_phones(text, say_phone, english=True)
    text = speak_times(text)
    for pattern, words in _ABBREVIATIONS:
        text = pattern.sub(words, text)
    return speak_numbers(text)


def say_phone(number: str) -> str:
    """Say a phone number figure by figure, with a pause between groups: "plus one, five five five, ..."."""
    plus, groups = grouped(number, "en")
    return ("plus " if plus else "") + ", ".join(digits(group) for group in groups)
