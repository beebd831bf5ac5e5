"""A secretary with a script, who tells what she was asked, what she began on trial, and what became of it."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field

from services.dialogue.shapes import AnsweredBy, Conversation, EndCall, KeepAudio, ReplyEvent, ReplyText, Utterance

FILLERS = ("One moment, please.", "Just a second.")


@dataclass(slots=True)
class Asked:
    """A question put to the secretary at second `at` of the loop's clock.

    `certain` is None where it was no trial; `done` when the answer was written whole, `closed_at` when it was given up.
    """

    utterance: Utterance
    at: float
    certain: asyncio.Event | None
    done: bool = False
    closed_at: float | None = None

    @property
    def text(self) -> str:
        """The caller's words."""
        return self.utterance.text

    @property
    def sure(self) -> bool:
        """True when the answer was no trial, or none any longer."""
        return self.certain is None or self.certain.is_set()


@dataclass
class FakeSecretary:
    """Answers by a table of texts or events; what is not in it is answered with "You said ...".

    The first text comes `first_text` s after the question (`slow` knows other times for some questions), each further
    word `between` s after the one before: a language model in small. The next `broken` answers fail, those to questions
    in `hangs` never come. A trial changes the conversation's state at once, as nothing forbids, and stores when it is
    certain.
    """

    answers: Mapping[str, str | Sequence[ReplyEvent]] = field(default_factory=dict)
    first_text: float = 0.05
    between: float = 0.0
    broken: int = 0
    slow: Mapping[str, float] = field(default_factory=dict)
    hangs: tuple[str, ...] = ()
    begun: list[Asked] = field(default_factory=list)
    stored: list[str] = field(default_factory=list)
    last: Utterance | None = None
    fillers: list[str] = field(default_factory=list)
    expecting: str = ""

    @property
    def asked(self) -> list[str]:
        """The caller's turns that were answered for certain, in order."""
        return [each.text for each in self.begun if each.sure]

    @property
    def trials(self) -> list[str]:
        """The texts whose answers were begun on trial and overtaken."""
        return [each.text for each in self.begun if not each.sure]

    async def greet(self, conversation: Conversation) -> AsyncGenerator[ReplyEvent, None]:
        yield AnsweredBy("greeting")
        yield ReplyText("Hello, this is Emma.")

    def opening(self, conversation: Conversation) -> str:
        return conversation.opening or "Hello, this is Emma."

    async def reply(
        self, conversation: Conversation, utterance: Utterance, certain: asyncio.Event | None = None
    ) -> AsyncGenerator[ReplyEvent, None]:
        loop = asyncio.get_running_loop()
        asked = Asked(utterance, loop.time(), certain)
        self.begun.append(asked)
        try:
            async for event in self._write(conversation, asked):
                yield event
            asked.done = True
        finally:
            if not asked.done:
                asked.closed_at = loop.time()

    async def _write(self, conversation: Conversation, asked: Asked) -> AsyncGenerator[ReplyEvent, None]:
        utterance = asked.utterance
        conversation.state["count"] = conversation.state.get("count", 0) + 1
        await asyncio.sleep(self.slow.get(utterance.text, self.first_text))
        if utterance.text in self.hangs:
            await asyncio.Event().wait()
        if self.broken:
            self.broken -= 1
            raise RuntimeError("the mind broke")
        if not utterance.understood and utterance.span:
            await self._store(asked)
            yield KeepAudio("message", (utterance.span,))
            yield ReplyText("Your message is kept.")
            return
        yield AnsweredBy("faq", utterance.text, 0.9)
        answer = self.answers.get(utterance.text, f"You said {utterance.text}.")
        if isinstance(answer, str):
            for number, word in enumerate(answer.split(" ")):
                await asyncio.sleep(self.between if number else 0.0)
                yield ReplyText(word + " ")
        else:
            for event in answer:
                await asyncio.sleep(self.between)
                yield event
        if "goodbye" in utterance.text:
            yield EndCall()
        await self._store(asked)

    async def _store(self, asked: Asked) -> None:
        if asked.certain is not None:
            await asked.certain.wait()
        self.stored.append(asked.text)

    def expects(self, conversation: Conversation) -> str:
        return self.expecting

    def takes_key(self, conversation: Conversation) -> bool:
        return bool(conversation.menu)

    def filler(self, conversation: Conversation) -> str:
        phrase = FILLERS[len(self.fillers) % len(FILLERS)]
        self.fillers.append(phrase)
        return phrase

    async def no_input(self, conversation: Conversation, count: int) -> AsyncGenerator[ReplyEvent, None]:
        yield ReplyText("Are you there?" if count < 3 else "Goodbye.")
        if count >= 3:
            yield EndCall("no_input")

    async def apology(self, conversation: Conversation) -> AsyncGenerator[ReplyEvent, None]:
        yield ReplyText("Sorry, something broke.")

    async def not_connected(self, conversation: Conversation) -> AsyncGenerator[ReplyEvent, None]:
        yield ReplyText("Nobody is there.")

    async def time_is_up(self, conversation: Conversation) -> AsyncGenerator[ReplyEvent, None]:
        yield ReplyText("Time is up, goodbye.")
        yield EndCall("max_call")

    async def hung_up(
        self, conversation: Conversation, utterance: Utterance | None
    ) -> AsyncGenerator[ReplyEvent, None]:
        self.last = utterance
        if utterance is not None and utterance.span:
            yield KeepAudio("message", (utterance.span,))
