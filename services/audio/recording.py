"""Recording a call as it goes: stereo OGG/Opus, caller on the left, secretary on the right."""

import asyncio
import os
import queue
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from services.audio.align import StereoAligner
from services.audio.files import OPUS_RATES, write_audio
from services.audio.frame import Frame, Samples
from services.audio.opus import OpusWriter
from services.domain import AudioSpan
from services.errors import AudioError

HANDED_FRAMES = 20  # 0.2 s of both sides: a thread that is woken for each frame costs more than it encodes
QUEUE_HANDS = 50  # ten seconds: a disk may stop for that long without a loss
SEAL_SECONDS = 10.0
CUT_SECONDS = 60.0
PAUSE_SECONDS = 0.3

_CALLER, _SECRETARY = 0, 1


class StereoRecorder:
    """Writes one call to `path` from a thread of its own; never slows the line.

    `caller` and `secretary` take frames at `rate` (one that Opus knows: 8, 12, 16, 24, 48 kHz) and return at once;
    both sides are laid by their positions. Each second of sound is synced, so that a killed process leaves
    all but the last second or two (of which the encoder's pages hold one). A failure of the disk ends the recording and
    is told in `failed`; the call goes on. A call without a frame leaves no file.
    """

    def __init__(self, path: Path, rate: int) -> None:
        if rate not in OPUS_RATES:
            raise AudioError(f"A recording cannot hold {rate} Hz.", f"Use one of {', '.join(map(str, OPUS_RATES))}.")
        self.path = path
        self.rate = rate
        self.failed = ""
        self._overflowed = 0
        self._aligner = StereoAligner(rate)
        self._hand: list[tuple[int, Frame]] = []
        self._queue: queue.SimpleQueue[list[tuple[int, Frame]] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._sealed = False
        self._written = 0

    @property
    def seconds(self) -> float:
        """Seconds on the disk so far."""
        return self._written / self.rate

    @property
    def dropped(self) -> int:
        """Frames that are silence in the recording: the disk stood still too long, or they came too late."""
        return self._overflowed + self._aligner.dropped

    def caller(self, frame: Frame) -> None:
        """Record a frame of the caller. Raises AudioError for another rate."""
        self._accept(_CALLER, frame)

    def secretary(self, frame: Frame) -> None:
        """Record a frame of the secretary; fits PlayoutQueue.tap. Raises AudioError for another rate."""
        self._accept(_SECRETARY, frame)

    async def seal(self) -> float:
        """End the recording and return its length in seconds; idempotent, waits ten seconds at most."""
        if not self._sealed:
            self._sealed = True
            if self._thread:
                self._queue.put(self._hand)
                self._queue.put(None)
        if self._thread:
            await asyncio.to_thread(self._thread.join, SEAL_SECONDS)
            if self._thread.is_alive() and not self.failed:
                self.failed = f"The recording was not finished within {SEAL_SECONDS:.0f} seconds: the disk is too slow."
        return self.seconds

    async def cut_caller(self, spans: Sequence[AudioSpan], path: Path) -> None:
        """Write the caller's words in `spans` (seconds, in the given order), 0.3 s apart, to `path` (.ogg).

        Seals first. Spans beyond the recording are cut to it. Raises AudioError when nothing of them was recorded.
        """
        await self.seal()
        await asyncio.wait_for(asyncio.to_thread(_cut, self.path, tuple(spans), path), CUT_SECONDS)

    def _accept(self, side: int, frame: Frame) -> None:
        frame.expect_rate(self.rate)
        if self._sealed or self.failed:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._write_all, name=f"recorder {self.path.name}", daemon=True)
            self._thread.start()
        self._hand.append((side, frame))
        if len(self._hand) >= HANDED_FRAMES:
            hand, self._hand = self._hand, []
            if self._queue.qsize() >= QUEUE_HANDS:
                self._overflowed += len(hand)  # leaves silence at its place
            else:
                self._queue.put(hand)

    def _write_all(self) -> None:
        """Write from first frame to seal; runs in the thread. The file is only ever touched here."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
            try:
                with OpusWriter(handle, self.rate) as sound:
                    self._pump(sound, handle)
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            self.failed = f"The recording stopped at {self.seconds:.0f} s: {error.strerror or error}."

    def _pump(self, sound: OpusWriter, handle: int) -> None:
        unsynced = 0
        for block in self._blocks():
            sound.write(block)
            self._written += len(block)
            unsynced += len(block)
            if unsynced >= self.rate:
                os.fsync(handle)
                unsynced = 0

    def _blocks(self) -> Iterator[Samples]:
        while (hand := self._queue.get()) is not None:
            for side, frame in hand:
                yield from self._aligner.add(side, frame)
        yield from self._aligner.finish()


def _cut(recording: Path, spans: tuple[AudioSpan, ...], path: Path) -> None:
    import soundfile as sf

    pieces: list[Samples] = []
    try:
        with sf.SoundFile(recording) as sound:
            rate = int(sound.samplerate)
            pause = np.zeros(int(PAUSE_SECONDS * rate), np.int16)
            for span in spans:
                start, end = max(0, round(span.start * rate)), min(sound.frames, round(span.end * rate))
                if start >= end:
                    continue
                sound.seek(start)
                words = sound.read(end - start, dtype="int16", always_2d=True)[:, _CALLER]
                pieces.extend((pause, words) if pieces else (words,))
    except (OSError, sf.LibsndfileError) as error:
        raise AudioError(f"The recording {recording.name} cannot be read.", "Check the disk it lies on.") from error
    if not pieces:
        raise AudioError("Nothing was recorded of these words of the caller.")
    write_audio(path, np.concatenate(pieces), rate)
