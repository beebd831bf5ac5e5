"""The speaking half: text as it is written -> clauses -> spoken form -> frames, and what was really heard."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

from services.audio.frame import Frame
from services.audio.levels import peak_dbfs
from services.clock import Clock
from services.text.chunker import SpeechChunker
from services.text.clean import strip_markup
from services.text.spoken import to_spoken
from services.tts.protocol import Voice, WordMark
from services.voice.latency import Stage, Trace
from services.voice.line import AudioLine
from services.voice.ports import Mouth

_CHUNKS_AHEAD = 32
_AUDIBLE_DBFS = -60.0
_CHARS_PER_SECOND = 14.0  # of ordinary speech, where an engine gives no marks and has not finished the chunk


@dataclass(slots=True)
class SpokenChunk:
    """A chunk on its way: `start` and `sent` are samples in the line's count of played audio."""

    text: str
    spoken: str
    start: int
    sent: int = 0
    complete: bool = False
    announced: bool = False
    marks: list[WordMark] = field(default_factory=list)

    def heard(self, samples: int, rate: int) -> str:
        """Return the words of `text` that lie wholly within the first `samples` of the chunk."""
        if self.complete and samples >= self.sent:
            return self.text
        if self.marks:
            reached = [
                mark for mark, after in zip(self.marks, self.marks[1:], strict=False) if after.position <= samples
            ]
            end = reached[-1].start + reached[-1].length if reached else 0
        else:
            total = self.sent if self.complete else max(self.sent, len(self.spoken) / _CHARS_PER_SECOND * rate)
            end = round(len(self.spoken) * min(1.0, samples / max(1.0, total)))
        if self.spoken != self.text:  # numbers grew into words: keep the same share of the written text
            end = round(end / max(1, len(self.spoken)) * len(self.text))
        return _whole_words(self.text, end)


class Speech:
    """One reply being spoken on a line.

    `run` reads pieces of text until they end and returns when all frames are queued; cancelling it stops the writer of
    the text and the engine. `cut` silences the line at once. `heard` is what was really played, at any time.
    """

    def __init__(
        self,
        line: AudioLine,
        mouth: Mouth,
        voice: Voice,
        trace: Trace,
        clock: Clock,
        announce: Callable[[str], None],
    ) -> None:
        self._line = line
        self._mouth = mouth
        self._voice = voice
        self._trace = trace
        self._clock = clock
        self._announce = announce
        self._written: list[str] = []
        self._chunks: list[SpokenChunk] = []
        self._next = line.played
        self.audible_at: float | None = None

    @property
    def intended(self) -> str:
        """All the text that was written so far, also what has not come to be spoken."""
        return " ".join(self._written)

    @property
    def heard(self) -> str:
        """The text whose sound has been played so far."""
        played = self._line.played
        parts = [each.heard(played - each.start, self._line.rate) for each in self._chunks if played > each.start]
        return " ".join(part for part in parts if part)

    async def run(self, pieces: AsyncGenerator[str, None]) -> None:
        """Speak `pieces`. Raises what the writer of the text raises, or EngineError when no voice could speak."""
        chunks: asyncio.Queue[str | None] = asyncio.Queue(_CHUNKS_AHEAD)
        writer = asyncio.create_task(self._cut_into_chunks(pieces, chunks), name="chunks")
        try:
            while (chunk := await chunks.get()) is not None:
                await self._speak(chunk)
            await writer
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)

    def cut(self) -> None:
        """Silence the line now: what is queued will not be played."""
        self._line.discard_unsent()

    def on_played(self, frame: Frame) -> None:
        """Take note of a frame that was handed on (the line's tap): the truth about when something was heard."""
        if self.audible_at is None and self._chunks and peak_dbfs(frame.samples) > _AUDIBLE_DBFS:
            self.audible_at = self._clock.monotonic()
            self._trace.mark(Stage.FIRST_SOUND)
        for chunk in self._chunks:
            if not chunk.announced and self._line.played > chunk.start:
                chunk.announced = True
                self._announce(chunk.text)

    async def _cut_into_chunks(self, pieces: AsyncGenerator[str, None], chunks: asyncio.Queue[str | None]) -> None:
        chunker = SpeechChunker(self._voice.language)
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    self._trace.mark(Stage.FIRST_TEXT)
                    await self._hand_on(chunker.push(piece), chunks)
            await self._hand_on(chunker.flush(), chunks)
        except asyncio.CancelledError:
            raise
        except BaseException:
            await chunks.put(None)
            raise
        await chunks.put(None)

    async def _hand_on(self, texts: list[str], chunks: asyncio.Queue[str | None]) -> None:
        for text in filter(None, map(strip_markup, texts)):
            self._written.append(text)
            await chunks.put(text)

    async def _speak(self, text: str) -> None:
        spoken = to_spoken(text, self._voice.language)
        if not spoken.strip():
            return
        self._trace.mark(Stage.FIRST_CLAUSE)
        chunk = SpokenChunk(text, spoken, self._next)
        self._chunks.append(chunk)
        async with aclosing(self._mouth.synthesize(spoken, self._voice, self._line.rate)) as pieces:
            async for piece in pieces:
                if isinstance(piece, WordMark):
                    chunk.marks.append(piece)
                    continue
                self._trace.mark(Stage.FIRST_FRAME)
                chunk.sent += len(piece.samples)
                self._next += len(piece.samples)
                await self._line.send(piece)
        chunk.complete = True


def _whole_words(text: str, end: int) -> str:
    """Cut `text` at `end` characters, back to the end of the last whole word."""
    if end >= len(text):
        return text
    cut = text[:end]
    if end and not text[end].isspace() and not cut[-1].isspace():
        cut = cut.rpartition(" ")[0] if text[end].isalnum() else cut
    return cut.rstrip()
