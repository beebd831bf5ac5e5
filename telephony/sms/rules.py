"""When an incoming text message gets an answer, and how long the answer may be."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.storage.texts.records import TextMessage
from telephony.sms.settings import SmsSettings
from telephony.sms.submit import parts_needed, plain

TOO_OLD = timedelta(hours=12)
LOOK_BACK = timedelta(hours=24)
SAME_TEXTS = 3
"""So many times the same words within an hour are a machine's, not a person's."""
ANSWER = "answer"
"""The purpose of a message that answers another one."""

_PERSONAL = re.compile(r"\+?[0-9]{7,15}")
_SENTENCE_END = re.compile(r"[.!?…][\"')»]*(?=\s|$)")
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class SmsRules:
    """What the owner allows now for one number; asked anew for each message, so a change acts on the next one.

    `blocked` tells that the number gets no answer; `daily_cap` counts the parts of the whole line.
    """

    answer: bool = True
    answers_per_hour: int = 10
    answer_parts: int = 3
    daily_cap: int = 200
    reports: bool = True
    blocked: bool = False

    @classmethod
    def of(cls, settings: SmsSettings) -> "SmsRules":
        """Return the rules that the settings alone make."""
        return cls(
            settings.answer, settings.answers_per_hour, settings.answer_parts, settings.daily_cap, settings.reports
        )


def reason_for_silence(message: TextMessage, recent: Sequence[TextMessage], rules: SmsRules, now: datetime) -> str:
    """Return why `message` gets no answer, "" when it gets one.

    `recent` holds the messages from and to its number within the last day, itself included. Two machines that answer
    each other would go on for ever: hence the limit by hour, and no answer to one's own words or to repetitions.
    """
    hour = [each for each in recent if now - each.created_at <= timedelta(hours=1)]
    words = _words(message.text)
    if not rules.answer:
        return "Answering text messages is switched off."
    if not words:
        return "The message holds no words."
    if not _PERSONAL.fullmatch(message.number):
        return "It comes from a service, which reads no answers."
    if rules.blocked:
        return "The number is blocked."
    if now - min(message.sent_at or message.created_at, message.created_at) > TOO_OLD:
        return "The message is too old to be answered."
    if sum(each.direction == "out" and each.purpose == ANSWER for each in hour) >= rules.answers_per_hour:
        return f"The number has had {rules.answers_per_hour} answers within an hour."
    if any(each.direction == "out" and _words(each.text) == words for each in recent):
        return "The message repeats what was sent to this number."
    if sum(each.direction == "in" and _words(each.text) == words for each in hour) > SAME_TEXTS:
        return "The same words came again and again: a machine sends them."
    return ""


def fitting(text: str, parts: int) -> str:
    """Return `text` as it can be sent in so many parts: cut at the end of a sentence, or of a word ("...")."""
    text = plain(text.strip())
    if parts_needed(text) <= parts:
        return text
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    fits = [end for end in ends if parts_needed(text[:end]) <= parts]
    longest = _longest(text, parts)
    if fits and fits[-1] * 2 >= longest:  # a sentence's end is no use when it loses most of what fits
        return text[: fits[-1]]
    return text[:longest].rsplit(maxsplit=1)[0].rstrip(" ,;:-") + "..."


def _longest(text: str, parts: int) -> int:
    """Return how many characters fit into `parts` together with the dots, by bisection."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if parts_needed(text[:middle] + "...") <= parts:
            low = middle
        else:
            high = middle - 1
    return low


def _words(text: str) -> str:
    return _SPACES.sub(" ", text).strip().casefold()
