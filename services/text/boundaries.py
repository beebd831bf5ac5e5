"""Is this stop the end of a sentence? Rules over the text so far: certain, impossible, or what to wait for."""

import re
from enum import Enum, auto

from services.text import chunk_rules as rules

_WORD = re.compile(r"[\w'’-]+(?:\.[\w-]+)*$")
_LIST_MARKER = re.compile(r"[\s>*_#-]*(?:\d{1,3}|[A-Za-zА-Яа-яЁё])[.)]")
_ADDRESS_LIKE = re.compile(r"(?:://|www\.|@|/)\S*$")
_CYRILLIC_WORD = re.compile(r"[А-ЯЁа-яё][а-яё]*(?:-[а-яё]+)*")
_LATIN_WORD = re.compile(r"[a-z]+(?:['’-][a-z]+)*")
_ENOUGH_LETTERS = 4
_CLAUSE_CONTEXT_WORDS = 4


class Stop(Enum):
    """What a stop is, seen from what stands before it."""

    CERTAIN = auto()  # the end, whatever comes
    NEVER = auto()  # no end, whatever comes
    WORD = auto()  # an end when a space follows
    SHORT = auto()  # an end when a space and no small letter follow
    CAPITAL = auto()  # an end when a space and a capital follow
    NUMBER = auto()  # an end when a space and a capital or a figure follow
    QUOTED = auto()  # "Really?" may be followed by the sentence around it


def has_open_pair(text: str) -> bool:
    """Tell whether a bracket or a quotation mark of `text` is still open."""
    opened = sum(map(text.count, rules.OPENERS))
    closed = sum(map(text.count, rules.CLOSERS)) - text.count("’")
    if "„" in text:  # „these“ close with what opens an English quotation
        opened -= 2 * text.count("“")
    return opened > closed or text.count('"') % 2 == 1


def is_list_marker(text: str) -> bool:
    """Tell whether all of `text` is the "1." or "а)" before a list item."""
    return _LIST_MARKER.fullmatch(text) is not None


def classify_stop(text: str, language: str) -> Stop:
    """Judge the stop that is the last character of `text`, the chunk so far."""
    mark, before = text[-1], text[:-1]
    if not any(map(str.isalnum, before)) or is_list_marker(text):
        return Stop.NEVER
    if mark == "…" or before.endswith("."):
        return Stop.SHORT
    if mark in "?!":
        if _ADDRESS_LIKE.search(before):
            return Stop.WORD
        return Stop.QUOTED if has_open_pair(before) else Stop.CERTAIN
    return _classify_period(before, language)


def _classify_period(before: str, language: str) -> Stop:
    found = _WORD.search(before)
    if found is None:  # "(as agreed)." or "50 %."
        return Stop.SHORT
    word, rest = found.group(), before[: found.start()]
    small = word.lower()
    if _ADDRESS_LIKE.search(before):
        return Stop.WORD
    if len(word.rsplit(".", 1)[-1]) == 1 and word[-1].isalpha():
        return _classify_letter(word, rest)
    if small.rsplit(".", 1)[-1].isdigit():
        return Stop.NUMBER
    special = _classify_abbreviation(word, small, rest)
    if special is not None:
        return special
    return _classify_word(word, rest, language)


def _classify_letter(word: str, rest: str) -> Stop:
    """Judge a single letter: an initial, "г.", "т. д.", "5 м.", "a.m.", "I."."""
    *first, letter = word.split(".")
    previous = rest.rstrip().lower()
    before_letter = first[-1] if first else re.sub(r".*?(\w*)\W*$", r"\1", previous[-20:], flags=re.S)
    if (before_letter.lower(), letter) in rules.SECOND_LETTERS_THAT_MAY_END:
        return Stop.CAPITAL
    if letter.isupper():
        if word == "I" or before_letter.lower() in rules.LETTER_NAMES:
            return Stop.SHORT
        return Stop.CAPITAL if len(first) > 0 and letter.isascii() else Stop.NEVER
    if letter.isascii():
        return Stop.NEVER if word.lower() in rules.NEVER_ENDS else Stop.CAPITAL
    # "в 2026 г. Мы", "18 ч. Звоните", "XIX в. Это": after a figure the letter is a unit and may be the last word
    after_figure = previous[-1:].isdigit() or (letter == "в" and bool(re.search(r"[ivxlc]$", previous)))
    if after_figure or previous.endswith("кв."):
        return Stop.CAPITAL
    return Stop.SHORT if letter == "я" else Stop.NEVER


def _classify_abbreviation(word: str, small: str, rest: str) -> Stop | None:
    last = small.rsplit(".", 1)[-1]
    if small == "no":
        return Stop.WORD if not rest.strip() else Stop.CAPITAL
    if small == "st":  # "Main St." may be the end, "St. John" never
        return Stop.CAPITAL if rest.split()[-1:] and rest.split()[-1][0].isupper() else Stop.NEVER
    if re.search(r"\bи\s*$", rest) and last in ("др", "пр", "проч"):
        return Stop.CAPITAL
    if re.search(r"\d\s*$", rest) and last in rules.MAY_END:
        return Stop.CAPITAL
    if small in rules.NEVER_ENDS or last in rules.NEVER_ENDS:
        return Stop.NEVER
    if small in rules.MAY_END and (word[0].isupper() or small not in ("may", "mar", "sat", "sun")):
        return Stop.CAPITAL
    return None


def _classify_word(word: str, rest: str, language: str) -> Stop:
    small = word.lower()
    cyrillic = _CYRILLIC_WORD.fullmatch(word) is not None
    own = cyrillic or (language == "en" and _LATIN_WORD.fullmatch(word) is not None)
    long_enough = len(word) >= _ENOUGH_LETTERS or small in rules.SHORT_WORDS
    if not long_enough and len(word) < _ENOUGH_LETTERS:
        return Stop.SHORT
    nearby = re.findall(r"[\w-]+", rest[-40:].lower())[-3:]
    may_be_site = small in rules.SITE_NAMES or small in rules.SITE_CUES or not rules.SITE_CUES.isdisjoint(nearby)
    if not own or may_be_site or has_open_pair(rest):
        return Stop.WORD
    return Stop.CERTAIN


def ends_before(stop: Stop, *, spaced: bool, after_closer: bool, following: str) -> bool:
    """Decide a waiting stop by the first character `following` it that is neither a space nor a closing mark."""
    if not spaced:
        return following.isupper() and stop in (Stop.WORD, Stop.QUOTED)
    if stop is Stop.CAPITAL:
        return following.isupper()
    if stop is Stop.NUMBER:
        return following.isupper() or following.isdigit()
    if stop is Stop.WORD and not after_closer:
        return True
    return not following.islower() and following not in ",;:—–-"


def is_clause_end(text: str) -> bool:
    """Tell whether the comma, dash, colon or semicolon that ends `text` is surely a place to breathe.

    It is not between figures, in an address, a date or a list of numbers, nor inside brackets or quotation marks.
    """
    mark, before = text[-1], text[:-1]
    if mark in "—–":
        if not before.endswith(" "):
            return False
        before = before.rstrip()
    if not before or not (before[-1].isalpha() or before[-1] in CLOSING_MARKS) or has_open_pair(before):
        return False
    words = re.findall(r"\w+", before[-60:].lower())[-_CLAUSE_CONTEXT_WORDS:]
    if mark == ":" and words and words[-1] in rules.SCHEMES:
        return False
    if _ADDRESS_LIKE.search(before):
        return False
    return not any(word in rules.NO_CLAUSE_AFTER or any(map(str.isdigit, word)) for word in words)


CLOSING_MARKS = rules.CLOSERS + '"'
