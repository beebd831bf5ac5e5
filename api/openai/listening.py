"""A sound file of any kind to what is said in it: decoded with bounds, cut at its pauses, understood by the ears.

Nothing is trusted of the file: only containers that hold sound themselves are opened (a playlist would make FFmpeg open
other files and addresses), and decoding ends at a duration, whatever the header says.
"""

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import IO, Any

import numpy as np

from services.audio.frame import Frame
from services.audio.framer import Framer
from services.errors import AudioError, EngineError
from services.stt.manager import Ears
from services.stt.protocol import Transcript, TranscriptStream, Word
from services.voice.hearing.vad import VadFactory, VoiceActivity

RATE = 16_000
LONGEST_SECONDS = 3600.0
CONTAINERS = (
    "aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,flac,flv,gsm,m4a,matroska,mov,mp3,mp4,mpeg,mpegts,ogg,opus,tta,"
    "w64,wav,webm,wv"
)
_BLOCK_SECONDS = 5.0  # decoded at a time
_PAUSE = 0.6  # seconds of silence that end a segment
_LONG, _SHORT_PAUSE = 15.0, 0.2  # a long segment ends at the next short pause
_LONGEST_SEGMENT = 25.0
_LEAD = 15  # frames before the first voice: 0.3 s


@dataclass(frozen=True, slots=True)
class Segment:
    """What was said between two pauses; times in seconds of the file, words too where the ears tell them."""

    start: float
    end: float
    text: str
    confidence: float | None
    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Listened:
    """All of a file."""

    seconds: float
    segments: tuple[Segment, ...]

    @property
    def text(self) -> str:
        """What was said."""
        return " ".join(each.text for each in self.segments if each.text)


class SoundFile:
    """An open sound file, read in blocks of 16 kHz frames. Blocking, for threads; close it in the end.

    Raises AudioError for what is no sound, or too long.
    """

    def __init__(self, source: IO[bytes]) -> None:
        import av

        self._lock = Lock()
        self._framer = Framer(RATE)
        self.seconds = 0.0
        try:
            self._container: Any = av.open(source, "r", options={"format_whitelist": CONTAINERS})
        except (av.FFmpegError, ValueError, UnicodeDecodeError) as error:
            raise _no_sound() from error
        self._samples = self._decoded()

    def block(self) -> list[Frame]:
        """Return the next five seconds or so, [] at the end."""
        with self._lock:
            frames: list[Frame] = []
            while len(frames) < _BLOCK_SECONDS * 50:
                samples = next(self._samples, None)
                if samples is None:
                    return [*frames, *self._framer.flush()]
                self.seconds += len(samples) / RATE
                if self.seconds > LONGEST_SECONDS:
                    raise AudioError(f"The sound is longer than {LONGEST_SECONDS / 60:g} minutes.", "Cut it.")
                frames += self._framer.push(samples)
            return frames

    def close(self) -> None:
        """Free the decoder, waiting for a thread that is at it."""
        with self._lock:
            self._samples.close()
            self._container.close()

    def _decoded(self) -> Any:
        import av

        if not self._container.streams.audio:
            raise _no_sound()
        resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
        broken = 0
        try:
            for packet in self._container.demux(self._container.streams.audio[0]):
                try:
                    decoded = packet.decode()
                except av.FFmpegError:
                    broken += 1
                    if broken > 100:
                        raise
                    continue
                for frame in decoded:
                    yield from _mono(resampler.resample(frame))
            yield from _mono(resampler.resample(None))
        except (av.FFmpegError, ValueError) as error:
            raise _no_sound() from error


def _mono(frames: Sequence[Any]) -> Iterator[Any]:
    for frame in frames:
        yield frame.to_ndarray().reshape(-1).astype(np.int16, copy=False)


def _no_sound() -> AudioError:
    return AudioError("This is not a sound file, or it is damaged.", "Save it again as WAV, FLAC, OGG or MP3.")


@dataclass(slots=True)
class _Stretch:
    """A stretch of speech while it is pushed: where it begins in the file and in what the ears were given."""

    begin: float
    pushed_before: float
    end: float = 0.0
    frames: int = 0


@dataclass(slots=True)
class Cutter:
    """Cuts frames into stretches of speech at the pauses; silence between them is left out."""

    activity: VoiceActivity
    now: _Stretch | None = None
    pushed: float = 0.0
    stretches: list[_Stretch] = field(default_factory=list)
    _lead: deque[Frame] = field(default_factory=lambda: deque(maxlen=_LEAD))

    def cut(self, frames: Sequence[Frame]) -> list[Frame | None]:
        """Return what to give to the ears; None ends a stretch. Blocking: some 10 ms a second of sound."""
        out: list[Frame | None] = []
        for frame in frames:
            state = self.activity.push(frame)
            if self.now is None:
                self._lead.append(frame)
                if state.speaking:
                    self._begin(out)
                continue
            self._take(frame, out)
            length = self.now.frames / 50
            pause = state.silence if not state.speaking else 0.0
            if pause >= (_SHORT_PAUSE if length > _LONG else _PAUSE) or length > _LONGEST_SEGMENT:
                self.finish(out)
        return out

    def finish(self, out: list[Frame | None]) -> None:
        """End the stretch that is open."""
        if self.now is not None:
            self.stretches.append(self.now)
            self.now = None
            out.append(None)

    def _begin(self, out: list[Frame | None]) -> None:
        self.now = _Stretch(self._lead[0].seconds, self.pushed)
        for frame in self._lead:
            self._take(frame, out)
        self._lead.clear()

    def _take(self, frame: Frame, out: list[Frame | None]) -> None:
        assert self.now is not None
        self.now.frames += 1
        self.now.end = frame.end / RATE
        self.pushed += len(frame.samples) / RATE
        out.append(frame)


async def listen(ears: Ears, vad: VadFactory, source: IO[bytes], language: str, hints: Sequence[str] = ()) -> Listened:
    """Write down what is said in a sound file. Raises AudioError, EngineError."""
    sound = await asyncio.to_thread(SoundFile, source)
    try:
        stream = await ears.open_stream(language, RATE, hints)
        cutter, heard = Cutter(VoiceActivity(vad(RATE), RATE)), _Heard()
        try:
            async with asyncio.TaskGroup() as tasks:  # where one half fails, the other is ended
                reading = tasks.create_task(heard.read(stream))
                await heard.wait_for(await _push(sound, cutter, stream))
                reading.cancel()
        except ExceptionGroup as group:
            raise group.exceptions[0] from None
        finally:
            await stream.aclose()
        return Listened(sound.seconds, _segments(cutter.stretches, heard.finals))
    finally:
        sound.close()


class _Heard:
    """The final transcripts as they come, one for each stretch."""

    def __init__(self) -> None:
        self.finals: list[Transcript] = []
        self._came = asyncio.Event()

    async def read(self, stream: TranscriptStream) -> None:
        async for transcript in stream:
            if transcript.final:
                self.finals.append(transcript)
                self._came.set()
        raise EngineError("The ears stopped before the end of the sound.")

    async def wait_for(self, count: int) -> None:
        while len(self.finals) < count:
            self._came.clear()
            await self._came.wait()


async def _push(sound: SoundFile, cutter: Cutter, stream: TranscriptStream) -> int:
    """Give the speech to the ears; return how many stretches there were."""
    while frames := await asyncio.to_thread(sound.block):
        for piece in await asyncio.to_thread(cutter.cut, frames):
            await (stream.end_utterance() if piece is None else stream.push(piece))
    rest: list[Frame | None] = []
    cutter.finish(rest)
    if rest:
        await stream.end_utterance()
    return len(cutter.stretches)


def _segments(stretches: Sequence[_Stretch], heard: Sequence[Transcript]) -> tuple[Segment, ...]:
    found = []
    for stretch, transcript in zip(stretches, heard, strict=False):
        shift = stretch.begin - stretch.pushed_before
        words = tuple(
            Word(each.text, round(each.start + shift, 3), round(each.end + shift, 3), each.confidence)
            for each in transcript.words
        )
        if transcript.text:
            found.append(Segment(stretch.begin, stretch.end, transcript.text, transcript.confidence, words))
    return tuple(found)
