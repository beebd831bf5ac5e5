"""The secretary's answer to something written, in the order of a call: the FAQ first, then the model, else the script.

Nothing of the conversation is stored here: whoever keeps it gives its history and the secretary's `state`, and keeps
the state again. Only a message that is left for the owner goes where all such messages go.
"""

import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

from services.chats.patient import PatientModel
from services.chats.stopping import StopCutter
from services.clock import Clock
from services.dialogue.ports import ConversationMemory, MessageBook
from services.dialogue.secretary import Secretary
from services.dialogue.shapes import Abilities, AnsweredBy, Conversation, ReplyText, Utterance
from services.domain import CompanyProfile, PastTurn, Persona
from services.errands import Errands
from services.knowledge.faq import FaqMatcher
from services.llm.protocol import LanguageModel

WRITTEN_TOKENS = 1000
"""What an answer in writing may hold, where nobody says: a persona's own bound is for what is spoken."""

_TOKEN = re.compile(r"\w+|[^\w\s]")
ABILITIES = Abilities(ears=True, hang_up=False)


@dataclass(slots=True)
class Written:
    """How an answer came out; `finish` is stop, length or content_filter.

    The tokens are the provider's where it counted them (`counted` False), else words and marks.
    """

    source: str = "scripted"
    detail: str = ""
    model: str = ""
    finish: str = "stop"
    tokens_in: int = 0
    tokens_out: int = 0
    counted: bool = True


@dataclass(frozen=True, slots=True)
class Wishes:
    """What may be asked of an answer beside its content; `extra` goes to the model's server as it is."""

    temperature: float | None = None
    max_tokens: int | None = None
    stops: Sequence[str] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


class Writer:
    """Answers in writing with the language model of the moment, or with the script alone."""

    def __init__(
        self,
        faq: FaqMatcher,
        memory: ConversationMemory,
        messages: MessageBook,
        clock: Clock,
        errands: Errands,
    ) -> None:
        self._faq = faq
        self._memory = memory
        self._messages = messages
        self._clock = clock
        self._errands = errands

    async def answer(
        self,
        conversation: Conversation,
        text: str,
        model: LanguageModel | None,
        written: Written,
        wishes: Wishes = Wishes(),
        faq_revision: str = "",
    ) -> AsyncGenerator[str, None]:
        """Yield the answer to `text` piece by piece; `written` and `conversation.state` are complete at the end.

        Closing the generator cancels the model's request. `faq_revision` is the company's, where it has just been read.
        """
        asked = None if model is None else PatientModel(model, wishes.extra)
        conversation.persona = _as_wished(conversation.persona, wishes)
        faq = self._faq.at(faq_revision) if faq_revision else self._faq
        secretary = Secretary(faq, asked, self._memory, self._messages, self._clock, self._errands)
        cutter, said = StopCutter(wishes.stops), 0
        utterance = Utterance(text, conversation.language, "typed")
        async with aclosing(secretary.reply(conversation, utterance)) as events:
            async for event in events:
                if isinstance(event, AnsweredBy):
                    _note(written, event)
                elif isinstance(event, ReplyText) and (piece := cutter.push(event.text)):
                    said += counted(piece)
                    yield piece
                if cutter.stopped:
                    break
        if rest := cutter.flush():
            said += counted(rest)
            yield rest
        if asked is not None and asked.finish is not None and written.source == "model" and not cutter.stopped:
            written.finish = asked.finish.reason
        if written.counted:
            written.tokens_in = counted(text) + sum(counted(turn.text) for turn in conversation.history)
            written.tokens_out = said


def conversation_in_writing(
    channel: str,
    company: CompanyProfile,
    persona: Persona,
    history: Sequence[PastTurn],
    state: Mapping[str, Any],
) -> Conversation:
    """Set up a conversation that nobody stores; it has no id. `channel` is one of WRITTEN_CHANNELS."""
    return Conversation(
        "",
        company,
        persona,
        persona.language,
        channel,
        returning=bool(history),
        abilities=ABILITIES,
        history=list(history),
        state=dict(state),
    )


def counted(text: str) -> int:
    """Count words and marks: what stands for tokens where no model has counted any."""
    return len(_TOKEN.findall(text))


def _as_wished(persona: Persona, wishes: Wishes) -> Persona:
    warmth = persona.temperature if wishes.temperature is None else wishes.temperature
    return replace(persona, temperature=warmth, max_tokens=wishes.max_tokens or max(persona.max_tokens, WRITTEN_TOKENS))


def _note(written: Written, by: AnsweredBy) -> None:
    written.source, written.detail, written.model = by.source, by.detail, by.model
    if by.tokens_in or by.tokens_out:
        written.tokens_in, written.tokens_out, written.counted = by.tokens_in, by.tokens_out, False
