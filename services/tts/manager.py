"""The mouth: chooses the engine and the voice, and goes on with the next engine when one fails in mid-sentence."""

import asyncio
import statistics
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import structlog

from services.audio.frame import Frame
from services.engines import EngineContext
from services.errors import EngineError, EngineOverloadedError, EngineUnavailableError
from services.parts import Part, State
from services.tts.cache import SpeechCache, key_of
from services.tts.cache_shared import SharedBytes, SharedTier
from services.tts.protocol import SpeechPiece, TextToSpeech, TextToSpeechEngine, Voice, VoiceInfo, WordMark
from services.tts.roster import Roster, base, discovered, voices_of
from services.tts.settings import TtsSettings
from services.tts.warmer import Warmer

log = structlog.get_logger()

REST_SECONDS = 10.0
"""An engine that failed is asked last for this long, so that each sentence does not wait for it anew."""

KEPT_FIGURES = 100
KEPT_NOTES = 20
_WARM_UP_RATE = 8000
_MB = 1_000_000


class Mouth:
    """Text to speech with the engines of this installation.

    `engines` replaces the discovered ones. Call `start` once before anything else and `close` at the end.
    """

    def __init__(
        self,
        context: EngineContext,
        settings: TtsSettings,
        engines: Mapping[str, TextToSpeechEngine] | None = None,
        shared: SharedBytes | None = None,
    ) -> None:
        """`shared` is a cache that other processes see, None where there is none."""
        self._context = context
        self._timeout = settings.first_audio_timeout
        self._roster = Roster(discovered() if engines is None else engines, settings.engine)
        self._resting: dict[str, float] = {}
        self._figures: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=KEPT_FIGURES))
        self._notes: dict[str, str] = {}
        memory, disk = settings.cache_memory_mb * _MB, settings.cache_disk_mb * _MB
        self._cache = SpeechCache(context.data_dir, memory, disk, SharedTier(shared) if shared else None)
        self._speaking = 0
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._warmer = Warmer(lambda text, voice, rate: self.synthesize(text, voice, rate, fixed=True), self._quiet)

    async def start(self, languages: Sequence[str]) -> None:
        """Load the best engine of each language (ISO 639-1) and the one that stands in for it.

        An engine that is missing or cannot be loaded is replaced by the next, never raised; `parts` says so.
        """
        await self._cache.open()
        await self._roster.load(self._context, languages)
        for language in languages:
            await self._warm_up(language)

    def voices(self) -> Sequence[VoiceInfo]:
        """List the voices of the started languages, those of the best engine first."""
        return self._roster.voices()

    def voice_for(self, language: str, gender: str, wanted: str = "") -> Voice:
        """Choose a voice: `wanted` ("engine:name") when it is there and speaks `language`, else the best that does.

        An unknown `wanted` is noted in `parts` and the log, never an error. Among the best engine's voices one of
        `gender` ("female", "male") is preferred. Raises EngineUnavailableError when nothing speaks `language`.
        """
        if wanted:
            voice = self._roster.find(wanted)
            if voice is not None and voice.language == base(language):
                return voice
            if voice is None:
                self._note(wanted, f"The voice {wanted} is not there; the best voice of the language speaks instead.")
        chain = self._roster.chain(language)
        if not chain:
            raise EngineUnavailableError(
                f"No speech engine here speaks the language {language!r}.", "`secretary doctor` says what is missing."
            )
        return _suitable(chain[0], language, gender)

    async def synthesize(
        self, text: str, voice: Voice, rate: int, *, fixed: bool = False
    ) -> AsyncGenerator[SpeechPiece, None]:
        """Speak `text`: frames of `rate` Hz from position 0 and word marks; see TextToSpeech.

        When an engine fails or falls silent, the next one of the language speaks on from the last word begun; where
        the engine gives no words, only a text of which nothing was heard is begun anew. Raises EngineError when no
        engine could speak it all.

        A `fixed` text is the same for every caller: its speech is kept in memory and on the disk, and comes from there
        the next time, in the same pieces and as fast as they are taken. No other text is kept anywhere.
        """
        own = self._roster.engine(voice.engine)
        key = key_of(text, voice, rate, own) if fixed and own is not None else None
        if key is not None and (kept := await self._cache.find(key)) is not None:
            for piece in kept:
                yield piece
            return
        spoken: list[SpeechPiece] = []
        progress = _Progress()
        error = EngineError(f"The speech engine {voice.engine} is not loaded.")
        for engine, attempt in self._attempts(voice):
            if engine is not own:
                key = None  # another engine's speech is not this voice's
            pieces = self._attempt(engine, text, attempt, rate, progress)
            try:
                async for piece in pieces:
                    if key is not None:
                        spoken.append(piece)
                    yield piece
                if key is not None:
                    self._cache.keep(key, spoken)
                return
            except EngineError as failure:
                error = failure
                key = None  # and what was mended in the middle is nobody's
                self._rest(engine.info.name, failure)
            finally:
                await pieces.aclose()
            if progress.lost:
                break
        raise error

    def warm(self, texts: Sequence[str], voice: Voice, rate: int) -> None:
        """Speak `texts` ahead in the background, one at a time while no caller is being spoken to.

        They are found again only when they are asked for as they are here: `fixed`, each in the piece and the spoken
        form in which it goes to `synthesize`, with the same voice and rate. Texts that are kept already cost nothing.
        """
        self._warmer.add(texts, voice, rate)

    async def warmed(self) -> None:
        """Wait until nothing is left to be spoken ahead."""
        await self._warmer.finished()

    async def stop_warming(self) -> None:
        """Speak nothing more ahead."""
        await self._warmer.stop()

    def cache_figures(self) -> dict[str, int]:
        """Return how many `fixed` texts were found in the cache since the start ("hits") and how many were not."""
        return {"hits": self._cache.hits, "misses": self._cache.misses}

    def first_audio_ms(self) -> dict[str, float]:
        """Return the median time from the request to the first frame of each engine, over its last requests."""
        return {name: statistics.median(figures) for name, figures in self._figures.items() if figures}

    def parts(self) -> list[Part]:
        """Say how each language is spoken, for `/readyz`, `doctor` and the start message."""
        parts = self._roster.parts() + self._cache.parts()
        if self._notes:
            remedy = "Choose another voice for the persona, or bring this one."
            parts.append(Part("speech voices", State.DEGRADED, " ".join(self._notes.values()), remedy))
        return parts

    async def close(self) -> None:
        """Unload the engines and end their processes; what is on its way to the cache is written first."""
        await self._warmer.stop()
        await self._roster.close()
        await self._cache.close()

    async def _attempt(
        self, engine: TextToSpeech, text: str, voice: Voice, rate: int, progress: "_Progress"
    ) -> AsyncGenerator[SpeechPiece, None]:
        """Speak with one engine what `progress` says is left. Raises EngineError."""
        loop = asyncio.get_running_loop()
        began, heard_nothing = loop.time(), True
        progress.resume()
        start, offset = progress.start, progress.samples
        pieces = engine.synthesize(text[start:], voice, rate)
        self._speaking += 1
        self._quiet.clear()
        try:
            while True:
                piece = await self._next(engine, pieces)
                if piece is None:
                    return
                if isinstance(piece, Frame):
                    if heard_nothing:
                        heard_nothing = False
                        self._figures[engine.info.name].append((loop.time() - began) * 1000)
                    piece = replace(piece, position=piece.position + offset)
                else:
                    piece = WordMark(piece.start + start, piece.length, piece.position + offset)
                progress.note(piece)
                yield piece
        finally:
            self._speaking -= 1
            if not self._speaking:
                self._quiet.set()
            await pieces.aclose()

    async def _next(self, engine: TextToSpeech, pieces: AsyncGenerator[SpeechPiece, None]) -> SpeechPiece | None:
        try:
            async with asyncio.timeout(self._timeout):
                return await anext(pieces, None)
        except TimeoutError:
            raise EngineError(f"{engine.info.title} gave no sound for {self._timeout:g} s.") from None

    def _attempts(self, voice: Voice) -> list[tuple[TextToSpeech, Voice]]:
        """The engines to try: the voice's own, then the others of its language, the last one twice.

        The second time is for a worker that died: it is back within a moment, and silence is worse than a pause.
        """
        own = self._roster.engine(voice.engine)
        gender = dict(voice.parameters).get("gender", "")
        attempts = [(own, voice)] if own is not None else []
        for engine in self._roster.chain(voice.language):
            if engine is not own:
                substitute = _suitable(engine, voice.language, gender)
                attempts.append((engine, replace(substitute, speed=voice.speed)))
        now = asyncio.get_running_loop().time()
        attempts.sort(key=lambda each: self._resting.get(each[0].info.name, 0.0) > now)
        return attempts + attempts[-1:]

    def _rest(self, engine: str, failure: EngineError) -> None:
        log.warning("The speech engine %s failed: %s", engine, failure)
        if not isinstance(failure, EngineOverloadedError):
            self._resting[engine] = asyncio.get_running_loop().time() + REST_SECONDS

    def _note(self, key: str, sentence: str) -> None:
        if key not in self._notes and len(self._notes) < KEPT_NOTES:
            log.warning("%s", sentence)
            self._notes[key] = sentence

    async def _warm_up(self, language: str) -> None:
        """Speak a word to nobody: dictionaries, filters and models are then loaded when the first caller comes."""
        for engine in self._roster.chain(language):
            pieces = engine.synthesize("1", _suitable(engine, language, ""), _WARM_UP_RATE)
            try:
                async with asyncio.timeout(self._timeout):
                    async for _ in pieces:
                        pass
            except (EngineError, TimeoutError) as error:
                self._rest(engine.info.name, EngineError(str(error) or f"{engine.info.title} does not warm up."))
            finally:
                await pieces.aclose()


@dataclass(slots=True)
class _Progress:
    """How far a text has been spoken, over all engines that took part."""

    samples: int = 0
    start: int = 0
    _marks: list[WordMark] = field(default_factory=list)

    @property
    def lost(self) -> bool:
        """True when something was heard and nobody knows which words."""
        return self.samples > 0 and not self._marks

    def note(self, piece: SpeechPiece) -> None:
        """Take what was just given out."""
        if isinstance(piece, Frame):
            self.samples = piece.end
        else:
            self._marks.append(piece)

    def resume(self) -> None:
        """Set `start` to the last word whose sound has begun; the text's beginning when nothing was heard."""
        begun = [mark for mark in self._marks if mark.position < self.samples]
        self.start = begun[-1].start if begun else 0
        # What a failed engine announced and did not say no longer holds.
        self._marks = begun


def _suitable(engine: TextToSpeech, language: str, gender: str) -> Voice:
    """The engine's first voice of `language` and `gender`; its first of the language where none is of that gender."""
    voices = [info.voice for info in voices_of(engine, base(language))]
    return next((each for each in voices if dict(each.parameters).get("gender") == gender), voices[0])
