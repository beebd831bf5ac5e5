"""Corrections while a message is read back: "no, the last two are 45", "нет, не Иванов, а Петров"."""

import re

from rapidfuzz import fuzz

from services.dialogue.scripted.draft import Draft
from services.dialogue.scripted.numbers import PLAUSIBLE, corrected_part
from services.dialogue.scripted.slots import Slots, titled
from services.knowledge.words import folded
from services.text.digits import spoken_digits

ALIKE = 60.0  # percent of letters: what the caller calls wrong is seldom spelt as the ears wrote it
LONGEST_NAME = 3


def correct(draft: Draft, text: str, slots: Slots) -> bool:
    """Change the draft as `text` asks; False when `text` corrects nothing by itself."""
    return _number(draft, text, slots) or _contrast(draft, text, slots) or _name(draft, text, slots)


def _number(draft: Draft, text: str, slots: Slots) -> bool:
    part = corrected_part(draft.number, folded(text), slots) if draft.number else None
    if part:
        draft.number = part
        return True
    figures = spoken_digits(text, slots.language)
    if figures and len(figures.lstrip("+")) >= PLAUSIBLE:
        draft.number, draft.refused_number = figures, False
        return True
    return False


def _contrast(draft: Draft, text: str, slots: Slots) -> bool:
    """Apply "not X but Y" to the field that holds X."""
    plain = _unpunctuated(folded(text))
    for pattern in slots.not_this_but:
        found = pattern.search(plain)
        if not found:
            continue
        wrong, right = found["wrong"].strip(" ,"), _original(text, found["right"].strip(" ,"))
        return _swap_figures(draft, wrong, right, slots) or _swap_words(draft, wrong, right, slots)
    return False


def _swap_figures(draft: Draft, wrong: str, right: str, slots: Slots) -> bool:
    old, new = spoken_digits(wrong, slots.language), spoken_digits(right, slots.language)
    if not old or not new or old not in draft.number:
        return False
    place = draft.number.rfind(old)
    draft.number = draft.number[:place] + new + draft.number[place + len(old) :]
    return True


def _swap_words(draft: Draft, wrong: str, right: str, slots: Slots) -> bool:
    if draft.name and (place := _alike(draft.name.split(), wrong)) is not None:
        words = draft.name.split()
        words[place] = titled(right.split())
        draft.name = " ".join(words)
        return True
    if draft.matter and (swapped := _swapped(draft.matter, wrong, right)):
        draft.matter = swapped
        return True
    words = right.split()
    if len(words) <= LONGEST_NAME and not any(slots.never_a_name(word) for word in words):
        draft.name = titled(words)
        return True
    return False


def _alike(words: list[str], wrong: str) -> int | None:
    """Return the place of the word most like `wrong`, None when none is like it."""
    scores = [fuzz.ratio(folded(word), wrong) for word in words]
    best = max(range(len(words)), key=lambda place: scores[place])
    return best if scores[best] >= ALIKE else None


def _swapped(matter: str, wrong: str, right: str) -> str:
    """Replace `wrong` in the message, as said or as the most alike word; "" when it is not there."""
    place = folded(matter).find(wrong)
    if place >= 0:
        return matter[:place] + right + matter[place + len(wrong) :]
    words = matter.split()
    best = _alike(words, wrong) if " " not in wrong else None
    if best is None:
        return ""
    words[best] = right
    return " ".join(words)


def _name(draft: Draft, text: str, slots: Slots) -> bool:
    """Apply "my name is Y" and "no, Y"."""
    name = slots.sure_name(text)
    if not name and (found := slots.no_this.search(_unpunctuated(folded(text)))):
        name = slots.name(_original(text, found["right"]))
        if " " in draft.name and name and " " not in name:
            # one word against a full name: the word it sounds like, else the surname
            words = draft.name.split()
            place = _alike(words, folded(name))
            words[place if place is not None else -1] = name
            name = " ".join(words)
    if name:
        draft.name = name
    return bool(name)


def _unpunctuated(text: str) -> str:
    return re.sub(r"[.!?;:]", " ", text).strip()


def _original(text: str, piece: str) -> str:
    """Return `piece` of the folded text as the caller's text spells it."""
    place = _unpunctuated(folded(text)).find(piece)
    start = len(text) - len(text.lstrip(" .!?;:"))
    return text[start + place : start + place + len(piece)] if place >= 0 else piece
