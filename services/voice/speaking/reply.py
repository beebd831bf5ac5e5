"""One answer of the secretary on a line: its speech, its effects, and the turn that is stored of it."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from services.dialogue.shapes import AnsweredBy, Effect, KeepAudio, ReplyEvent, ReplyText, Utterance
from services.domain import Turn
from services.voice.call import Call
from services.voice.latency import Trace
from services.voice.speaking.speech import Speech


class Reply:
    """A reply under way.

    `asked` is the caller's turn it answers (None where the secretary speaks of her own accord). Until `certain` is set
    it is on trial: it is thought of and made ready, and nothing of it is heard, done or kept. `effects` are performed
    after playout; sounds to keep go to `keep` at once, whatever happens to the reply; `begun` turns True with the
    secretary's first event: what the reply means for a message is stored then.
    """

    def __init__(
        self,
        call: Call,
        trace: Trace,
        asked: Utterance | None,
        keep: list[KeepAudio],
        line_free: Callable[[], Awaitable[None]],
    ) -> None:
        self.trace = trace
        self.asked = asked
        self.certain = asyncio.Event()
        self.effects: list[Effect] = []
        self.begun = False
        self._call = call
        self._keep = keep
        self._line_free = line_free
        self._answered = AnsweredBy("scripted")
        self.speech = Speech(call, trace, self._free)

    @property
    def audible(self) -> bool:
        """True when the caller has heard some of it."""
        return self.speech.audible_at is not None

    @property
    def asks(self) -> bool:
        """True when what was written so far ends with a question."""
        return self.speech.intended.rstrip(" \"'»)").endswith("?")

    async def perform(self, events: AsyncGenerator[ReplyEvent, None]) -> None:
        """Speak the reply; return, or raise what broke it, when its last word has been played."""
        try:
            await self.speech.run(self._texts(events))
            await self.certain.wait()  # a reply without a word
        except Exception:
            await self._call.line.drained()
            raise
        await self._call.line.drained()

    async def _free(self) -> None:
        await self.certain.wait()
        await self._line_free()

    async def _texts(self, events: AsyncGenerator[ReplyEvent, None]) -> AsyncGenerator[ReplyText, None]:
        async with aclosing(events):
            async for event in events:
                self.begun = True
                match event:
                    case ReplyText():
                        yield event
                    case AnsweredBy():
                        self._answered = event
                    case _:
                        await self.certain.wait()
                        self._take(event)

    def _take(self, effect: Effect) -> None:
        if isinstance(effect, KeepAudio):
            self._keep.append(effect)
        else:
            self.effects.append(effect)

    def turn(self, index: int, answered_at: float, interrupted_by: str = "") -> Turn:
        """Describe the reply as a stored turn; `answered_at` is the clock's second of the call's answer."""
        conversation, by = self._call.conversation, self._answered
        now = self._call.clock.monotonic() - answered_at
        audible_at = self.speech.audible_at
        intended = self.speech.intended
        return Turn(
            index=index,
            role="secretary",
            intended=intended,
            heard=self.speech.heard if interrupted_by else intended,
            language=conversation.language,
            start=now if audible_at is None else min(now, audible_at - answered_at),
            end=now,
            source=by.source,
            detail=by.detail,
            score=by.score,
            persona=conversation.persona.slug,
            persona_version=conversation.persona.version,
            model=by.model,
            tokens_in=by.tokens_in,
            tokens_out=by.tokens_out,
            stages=self.trace.stages(),
            playout=self.speech.playout,
            interrupted_by=interrupted_by,
        )
