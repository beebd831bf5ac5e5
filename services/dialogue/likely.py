"""What a caller is likely to hear, known before anybody calls: the texts whose sound is worth making ahead."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from services.dialogue.fillers import fillers_of
from services.dialogue.scripted import answers, greetings
from services.dialogue.scripted.facts import FACTS, fact_text
from services.dialogue.scripted.scene import Reply, Scene
from services.dialogue.shapes import Conversation, LikelyTexts

_PHRASES = ("not_heard", "anything_else", "thanks", "goodbye", "fallback", "no_fact")
"""The script's own sentences that hardly a call does without; each in its first variant."""


def likely_texts(conversation: Conversation, told: Sequence[str], now: datetime) -> LikelyTexts:
    """Return what a new caller hears in a conversation like this one, the likeliest first; only fixed texts.

    `told` are the answers of the FAQ. The conversation itself stays as it is.
    """

    def scene() -> Scene:  # every text as if it were the first of the call
        return Scene.of(replace(conversation, returning=False, history=[], state={}), None, now)

    replies = [greetings.greeting(scene()), answers.silence(scene(), 1), answers.apology(scene())]
    replies += [Reply.of("scripted", scene().say(phrase)) for phrase in _PHRASES]
    texts = [each.text for reply in replies for each in reply.spoken if each.fixed]
    facts = [item.value for item in conversation.menu if item.action == "say"]
    facts += [fact_text(scene(), key) for key in FACTS]
    return LikelyTexts(tuple(filter(None, [*texts, *facts, *told])), tuple(fillers_of(conversation)))
