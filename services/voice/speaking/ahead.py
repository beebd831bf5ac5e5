"""What a call of ours is opened with, spoken while the telephone rings: nobody who says hello waits for an engine."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager

import structlog

from services.dialogue.notice import notice_of
from services.errors import EngineError
from services.text.passages import passages
from services.tts.protocol import SpeechPiece, Voice
from services.voice.call import Call
from services.voice.ports import Mouth

log = structlog.get_logger()


class SpokenAhead:
    """A mouth that has the sound of some pieces of text in memory, for one call: they may be about the one called."""

    def __init__(self, mouth: Mouth, voice: Voice, rate: int) -> None:
        self._mouth = mouth
        self._voice = voice
        self._rate = rate
        self._ready: dict[str, list[SpeechPiece]] = {}

    async def prepare(self, texts: Iterator[str]) -> None:
        """Speak `texts`, one after the other; what cannot be spoken now is tried again when it is wanted."""
        try:
            for text in texts:
                async with aclosing(self._mouth.synthesize(text, self._voice, self._rate)) as pieces:
                    self._ready[text] = [piece async for piece in pieces]
        except EngineError as error:
            log.warning("the opening could not be spoken ahead", error=str(error))

    def voice_for(self, language: str, gender: str, wanted: str = "") -> Voice:
        """Choose a voice."""
        return self._mouth.voice_for(language, gender, wanted)

    async def synthesize(
        self, text: str, voice: Voice, rate: int, *, fixed: bool = False
    ) -> AsyncGenerator[SpeechPiece, None]:
        """Speak, out of memory where `text` is ready. Raises EngineError."""
        if (voice, rate) == (self._voice, self._rate) and text in self._ready:
            for piece in self._ready[text]:
                yield piece
            return
        async with aclosing(self._mouth.synthesize(text, voice, rate, fixed=fixed)) as pieces:
            async for piece in pieces:
                yield piece


@asynccontextmanager
async def opening_ahead(call: Call) -> AsyncIterator[None]:
    """Within the context, a call of ours has a mouth that is being made ready in the background; others stay as is."""
    conversation = call.conversation
    if conversation.direction == "in":
        yield
        return
    ahead = SpokenAhead(call.mouth, call.voice, call.line.rate)
    call.mouth = ahead
    texts = [text for text in (notice_of(conversation), call.secretary.opening(conversation)) if text]
    pieces = (piece for text in texts for piece in passages(text, conversation.language))
    preparing = asyncio.create_task(ahead.prepare(pieces), name="opening")
    try:
        yield
    finally:
        preparing.cancel()
        await asyncio.gather(preparing, return_exceptions=True)
