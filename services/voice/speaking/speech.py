"""The speaking half: text as it is written -> clauses -> spoken form -> frames, and what was really heard."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

from services.audio.frame import FRAME_SECONDS, Frame
from services.audio.levels import peak_dbfs
from services.dialogue.shapes import ReplyText
from services.text.chunker import SpeechChunker
from services.text.clean import strip_markup
from services.text.spoken import to_spoken
from services.tts.protocol import WordMark
from services.voice.call import Call
from services.voice.latency import Stage, Trace
from services.voice.speaking.spoken_chunk import SpokenChunk

_CHUNKS_AHEAD = 32
_AUDIBLE_DBFS = -60.0
_GAP = 0.06  # seconds: a shorter silence inside the speech is not heard as a gap


@dataclass(frozen=True, slots=True)
class _Passage:
    """A piece of speakable text and the flags of the text it came from; one without text ends the notice."""

    text: str
    fixed: bool
    interruptible: bool


class Speech:
    """One reply being spoken on a line.

    `run` reads pieces of text until they end and returns when all frames are queued; cancelling it stops the writer of
    the text and the engine. `free` is awaited before the first frame is sent: until then everything is made ready and
    nothing is heard. `heard` is what was really played, at any time.
    """

    def __init__(self, call: Call, trace: Trace, free: Callable[[], Awaitable[None]]) -> None:
        self._line = call.line
        self._mouth = call.mouth
        self._voice = call.voice
        self._clock = call.clock
        self._announce = call.journal.saying
        self._notice_sent = call.notice_sent
        self._trace = trace
        self._free = free
        self._written: list[str] = []
        self._chunks: list[SpokenChunk] = []
        self._coming: _Passage | None = None  # asked of the voice, and no sound of it is there yet
        self._last_played = 0
        self._hole = 0
        self._held = False
        self._gaps = 0
        self._longest = 0
        self.audible_at: float | None = None
        self.bound_until = 0.0  # the clock's second at which a passage ends, or ended, that must be heard to its end

    @property
    def on_line(self) -> bool:
        """True when some of its sound has been sent: whatever else is sent now would lie inside it."""
        return bool(self._chunks)

    @property
    def intended(self) -> str:
        """All the text that was written so far, also what has not come to be spoken."""
        return " ".join(self._written)

    @property
    def heard(self) -> str:
        """The text whose sound has been played so far."""
        played = self._line.played
        parts = [each.heard(played, self._line.rate) for each in self._chunks if each.begun(played)]
        return " ".join(part for part in parts if part)

    @property
    def whole(self) -> bool:
        """True when all the sound that was made has been played: a line that closes drops what is queued."""
        played = self._line.played
        return not any(each.start + each.sent > played for each in self._chunks)

    @property
    def interruptible(self) -> bool:
        """False while a passage is played, or comes next, that must be heard to its end."""
        played = self._line.played
        following = self.audible_at is None or self._coming is None or self._coming.interruptible
        return next((each.interruptible for each in self._chunks if each.under_way(played)), following)

    @property
    def hole(self) -> float | None:
        """Seconds of silence, which nobody meant, since the last sound; None before the first."""
        return None if self.audible_at is None else self._hole * FRAME_SECONDS

    @property
    def playout(self) -> dict[str, float]:
        """How the sound came out: `gaps` nobody meant, `longest_gap` in milliseconds."""
        return {"gaps": self._gaps, "longest_gap": round(self._longest * FRAME_SECONDS * 1000)}

    def since_word(self) -> int:
        """Return how many samples ago the word began that is being played."""
        played = self._line.played
        begun = [each for each in self._chunks if each.begun(played)]
        return played - begun[-1].word_start(played) if begun else 0

    async def run(self, pieces: AsyncGenerator[ReplyText, None]) -> None:
        """Speak `pieces`. Raises what the writer of the text raises, or EngineError when no voice could speak."""
        passages: asyncio.Queue[_Passage | None] = asyncio.Queue(_CHUNKS_AHEAD)
        writer = asyncio.create_task(self._cut_into_chunks(pieces, passages), name="chunks")
        try:
            while (passage := await passages.get()) is not None:
                if passage.text:
                    await self._speak(passage)
                else:
                    self._end_notice()
            await writer
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)

    def cut(self) -> None:
        """Silence the line now: what is queued will not be played."""
        self._line.discard_unsent()

    def on_played(self, frame: Frame) -> None:
        """Take note of a frame that was handed on (the line's tap): the truth about when something was heard."""
        played = self._line.played
        if played == self._last_played:
            self._hole += self.audible_at is not None and not self._held
            return
        self._last_played = played
        if self.audible_at is None:
            self._note_first_sound(frame, played)
        elif self._hole:
            self._note_gap()
        for chunk in self._chunks:
            if not chunk.announced and chunk.begun(played):
                chunk.announced = True
                self._announce(chunk.text)

    def hold(self, held: bool) -> None:
        """Take note that the line is held for the caller: silence is then meant, and no gap."""
        self._held = held

    def _end_notice(self) -> None:
        queued = self._line.queued
        self.bound_until = self._clock.monotonic() + queued / self._line.rate
        if self._notice_sent is not None:
            self._notice_sent(self._line.played + queued)

    def _note_first_sound(self, frame: Frame, played: int) -> None:
        if self._chunks and self._chunks[0].begun(played) and peak_dbfs(frame.samples) > _AUDIBLE_DBFS:
            self.audible_at = self._clock.monotonic()
            self._trace.mark(Stage.FIRST_SOUND)

    def _note_gap(self) -> None:
        self._gaps += self._hole * FRAME_SECONDS > _GAP
        self._longest = max(self._longest, self._hole)
        self._hole = 0

    async def _cut_into_chunks(
        self, pieces: AsyncGenerator[ReplyText, None], passages: asyncio.Queue[_Passage | None]
    ) -> None:
        chunker = SpeechChunker(self._voice.language)
        flags = (False, True)
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    self._trace.mark(Stage.FIRST_TEXT)
                    if flags != (piece.fixed, piece.interruptible):
                        await self._end_run(chunker, flags, passages)
                        flags = (piece.fixed, piece.interruptible)
                    await self._hand_on(chunker.push(piece.text), flags, passages)
            await self._end_run(chunker, flags, passages)
        except asyncio.CancelledError:
            raise
        except BaseException:
            await passages.put(None)
            raise
        await passages.put(None)

    async def _end_run(
        self, chunker: SpeechChunker, flags: tuple[bool, bool], passages: asyncio.Queue[_Passage | None]
    ) -> None:
        """Cut what is left of a run of text with the same flags."""
        await self._hand_on(chunker.flush(), flags, passages)
        if not flags[1]:
            await passages.put(_Passage("", *flags))

    async def _hand_on(
        self, texts: list[str], flags: tuple[bool, bool], passages: asyncio.Queue[_Passage | None]
    ) -> None:
        for text in filter(None, map(strip_markup, texts)):
            self._written.append(text)
            await passages.put(_Passage(text, *flags))

    async def _speak(self, passage: _Passage) -> None:
        spoken = to_spoken(passage.text, self._voice.language)
        if not spoken.strip():
            return
        self._trace.mark(Stage.FIRST_CLAUSE)
        self._coming = passage
        chunk = SpokenChunk(passage.text, spoken, passage.interruptible)
        line = self._line
        async with aclosing(self._mouth.synthesize(spoken, self._voice, line.rate, fixed=passage.fixed)) as pieces:
            async for piece in pieces:
                if isinstance(piece, WordMark):
                    chunk.marks.append(piece)
                    continue
                if chunk.start < 0:
                    self._trace.mark(Stage.FIRST_FRAME)
                    await self._free()
                    chunk.start = line.played + line.queued
                    self._chunks.append(chunk)
                    self._coming = None
                chunk.sent += len(piece.samples)
                await line.send(piece)
        chunk.complete = True
