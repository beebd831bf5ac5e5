"""What an utterance amounts to: noise or words, a turn of its own or a part of one."""

from dataclasses import replace

from services.dialogue.shapes import Utterance
from services.domain import AudioSpan
from services.voice.backchannel import is_farewell
from services.voice.hearing.listener import PRE_ROLL

_BLIP = 0.5  # seconds: shorter sounds that held no words are coughs and clicks
_ANSWER = 0.2  # the same where a yes or a no is waited for: said plainly it is a voice of 0.3 to 0.5 seconds


def is_noise(utterance: Utterance, expects: str = "") -> bool:
    """Tell whether ears that understood nothing of it heard a cough rather than unclear speech.

    `expects` is what the secretary has asked for (see TurnSoFar): who waits for a yes asks again rather than take a
    short voice for a cough, after which both sides would wait.
    """
    span = utterance.span
    shortest = _ANSWER if expects == "yes_no" else _BLIP
    return not utterance.understood and (span is None or span.end - span.start - 2 * PRE_ROLL < shortest)


def asks_nothing(utterance: Utterance) -> bool:
    """Tell whether it is no reason to stay on the line after the goodbye: a noise, an uh-huh, "thank you, bye"."""
    return not utterance.understood or is_farewell(utterance.text, utterance.language)


def joined(first: Utterance | None, second: Utterance) -> Utterance:
    """Return both as one turn, from the beginning of the first to the end of the second."""
    if first is None:
        return second
    spans = [each.span for each in (first, second) if each.span]
    span = AudioSpan(spans[0].start, spans[-1].end) if spans else None
    whole = second if second.understood else first
    return replace(whole, text=f"{first.text} {second.text}".strip(), span=span)
