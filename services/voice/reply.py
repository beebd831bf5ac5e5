"""One answer of the secretary on a line: its speech, its effects, and the turn that is stored of it."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

from services.dialogue.shapes import AnsweredBy, Effect, KeepAudio, ReplyEvent, ReplyText
from services.domain import Persona, Turn
from services.voice.latency import Trace
from services.voice.line import AudioLine
from services.voice.speech import Speech


@dataclass(slots=True)
class Reply:
    """A reply under way.

    `effects` are performed after playout; sounds to keep go to `keep` at once, whatever happens to the reply; `begun`
    turns True with the secretary's first event: what the reply means for a message is stored then. `answered_at` is the
    clock's second at which the call was answered.
    """

    speech: Speech
    trace: Trace
    line: AudioLine
    keep: list[KeepAudio]
    answered_at: float
    effects: list[Effect] = field(default_factory=list)
    answered: AnsweredBy = field(default_factory=lambda: AnsweredBy("scripted"))
    begun: bool = False

    async def perform(self, events: AsyncGenerator[ReplyEvent, None]) -> None:
        """Speak the reply; return, or raise what broke it, when its last word has been played."""
        try:
            await self.speech.run(self._texts(events))
        except Exception:
            await self.line.drained()
            raise
        await self.line.drained()

    async def _texts(self, events: AsyncGenerator[ReplyEvent, None]) -> AsyncGenerator[str, None]:
        async with aclosing(events):
            async for event in events:
                self.begun = True
                match event:
                    case ReplyText(text):
                        yield text
                    case AnsweredBy():
                        self.answered = event
                    case KeepAudio():
                        self.keep.append(event)
                    case _:
                        self.effects.append(event)

    def turn(self, index: int, persona: Persona, language: str, now: float, interrupted_by: str = "") -> Turn:
        """Describe the reply as a stored turn; `now` is seconds since the answer."""
        intended = self.speech.intended
        heard = self.speech.heard if interrupted_by else intended
        start = now if self.speech.audible_at is None else min(now, self.speech.audible_at - self.answered_at)
        by = self.answered
        return Turn(
            index=index,
            role="secretary",
            intended=intended,
            heard=heard,
            language=language,
            start=start,
            end=now,
            source=by.source,
            detail=by.detail,
            score=by.score,
            persona=persona.slug,
            persona_version=persona.version,
            model=by.model,
            tokens_in=by.tokens_in,
            tokens_out=by.tokens_out,
            stages=self.trace.stages(),
            interrupted_by=interrupted_by,
        )
