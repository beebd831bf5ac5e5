"""The short phrase that bridges a slow answer ("One moment, please."): spoken at once, never part of the answer."""

import asyncio
from contextlib import aclosing

import structlog

from services.audio.frame import Frame
from services.errors import EngineError
from services.text.spoken import to_spoken
from services.voice.call import Call

log = structlog.get_logger()


class Filler:
    """At most one phrase at a time, on its way to the line. A voice that cannot say it costs the phrase only."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._task: asyncio.Task[None] | None = None
        self._text = self._language = ""
        self._begin: int | None = None  # of the phrase's sound, in samples of the line's count; None: not heard
        self._end = 0

    @property
    def speaking(self) -> bool:
        """True from the moment a phrase is wanted until its last sound was handed on."""
        return self._task is not None and (not self._task.done() or self._call.line.played < self._end)

    def choose(self) -> str:
        """Return the phrase to say now: one that was dropped before it sounded has its turn still."""
        if self._text and self._begin is None and self._language == self._call.conversation.language:
            return self._text
        return self._call.secretary.filler(self._call.conversation)

    def say(self, text: str) -> None:
        """Begin to speak; nothing else may be on its way to the line."""
        self._text, self._language, self._begin = text, self._call.conversation.language, None
        self._task = asyncio.create_task(self._speak(text), name="filler")

    async def queued(self) -> None:
        """Wait until the phrase is all on the line's queue: the answer follows it without a hole."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def drop(self) -> None:
        """Stop making it; what is queued is the line's to discard."""
        task, self._task = self._task, None
        if self._begin is not None and self._begin >= self._call.line.played:
            self._begin = None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _speak(self, text: str) -> None:
        call = self._call
        call.journal.saying(text)
        spoken = to_spoken(text, call.voice.language)
        try:
            async with aclosing(call.mouth.synthesize(spoken, call.voice, call.line.rate, fixed=True)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Frame):
                        if self._begin is None:
                            self._begin = call.line.played + call.line.queued
                        await call.line.send(piece)
                        self._end = call.line.played + call.line.queued
        except EngineError as error:
            log.warning("a filler could not be spoken", call=call.journal.call_id, error=str(error))
