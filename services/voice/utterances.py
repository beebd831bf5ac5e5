"""What an utterance amounts to: noise or words, a turn of its own or a part of one."""

from dataclasses import replace

from services.dialogue.shapes import Utterance
from services.domain import AudioSpan
from services.voice.listener import PRE_ROLL

_BLIP = 0.5  # seconds: shorter sounds that held no words are coughs and clicks


def is_noise(utterance: Utterance) -> bool:
    """Tell whether ears that understood nothing of it heard a cough rather than unclear speech."""
    span = utterance.span
    return not utterance.understood and (span is None or span.end - span.start - 2 * PRE_ROLL < _BLIP)


def joined(first: Utterance | None, second: Utterance) -> Utterance:
    """Return both as one turn, from the beginning of the first to the end of the second."""
    if first is None:
        return second
    spans = [each.span for each in (first, second) if each.span]
    span = AudioSpan(spans[0].start, spans[-1].end) if spans else None
    whole = second if second.understood else first
    return replace(whole, text=f"{first.text} {second.text}".strip(), span=span)
