"""Speaks ahead, to nobody: what will be said often is then in the cache when the first caller comes."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, suppress

import structlog

from services.errors import EngineError
from services.tts.protocol import SpeechPiece, Voice

log = structlog.get_logger()

MAX_WAITING = 500
"""Texts; those beyond are spoken when they are needed."""
YIELD_SECONDS = 5.0
"""So long a text waits for callers who are being spoken to: in a house that is never quiet it still gets its turn."""

Speak = Callable[[str, Voice, int], AsyncGenerator[SpeechPiece, None]]


class Warmer:
    """One text after another, each begun while nobody is being spoken to (`quiet` is set), in a task of its own.

    A text that was begun is finished: most are one sentence, which engines make in one piece anyhow.
    """

    def __init__(self, speak: Speak, quiet: asyncio.Event) -> None:
        self._speak = speak
        self._quiet = quiet
        self._waiting: dict[tuple[str, Voice, int], None] = {}
        self._task: asyncio.Task[None] | None = None

    def add(self, texts: Sequence[str], voice: Voice, rate: int) -> None:
        """Speak `texts` too, after those that wait; one that waits already is not added."""
        for text in texts:
            if text.strip() and len(self._waiting) < MAX_WAITING:
                self._waiting[text, voice, rate] = None
        self._begin()

    async def finished(self) -> None:
        """Wait until nothing is left to speak."""
        while self._task is not None:
            await asyncio.wait([self._task])

    async def stop(self) -> None:
        """Drop what waits and end the text that is being spoken."""
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def _begin(self) -> None:
        if self._waiting and self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="speech warmer")
            self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._task = None
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("A text could not be spoken ahead.", exc_info=error)
        self._begin()  # what was added in its last moment

    async def _run(self) -> None:
        while self._waiting:
            with suppress(TimeoutError):
                async with asyncio.timeout(YIELD_SECONDS):
                    await self._quiet.wait()
            text, voice, rate = next(iter(self._waiting))
            del self._waiting[text, voice, rate]
            try:
                async with aclosing(self._speak(text, voice, rate)) as pieces:
                    async for _ in pieces:
                        pass
            except EngineError as error:
                log.info("A text could not be spoken ahead.", problem=str(error))
            await asyncio.sleep(0)
