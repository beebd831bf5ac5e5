"""A line in this process and in real time: a caller who is a sound track, and a far end that keeps what it heard."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.audio.files import read_audio
from services.audio.frame import FRAME_SECONDS, Frame, Samples, frame_samples
from services.audio.paced import AHEAD_SECONDS, PacedWriter
from services.errors import LineError
from services.voice.line import Capability, Closed, Digit, LineEvent, LineInfo
from services.voice.playout_line import PlayoutLine

RATE = 8000
SIZE = frame_samples(RATE)
SPEECH = Path(__file__).resolve().parents[1] / "speech"
AUDIBLE = 184  # -45 dBFS


def recorded(name: str) -> Samples:
    """Return a recorded sentence of tests/speech."""
    return read_audio(SPEECH / f"{name}.wav", RATE)


class Track:
    """What comes from a caller in `seconds`: sounds at their seconds, mixed where they overlap, silence between them.

    It holds the sounds and mixes by the frame: a crowd of callers is small in memory.
    """

    def __init__(self, seconds: float, *parts: tuple[float, Samples]) -> None:
        self.seconds = seconds
        self._parts = sorted(((round(at * RATE), samples) for at, samples in parts), key=lambda part: part[0])

    def frame(self, number: int) -> Samples:
        """Return frame `number` of 20 ms."""
        begin = number * SIZE
        mixed = np.zeros(SIZE, np.int32)
        while self._parts and self._parts[0][0] + len(self._parts[0][1]) <= begin:
            self._parts.pop(0)
        for at, samples in self._parts:
            if at >= begin + SIZE:
                break
            piece = samples[max(0, begin - at) : max(0, begin - at + SIZE)]
            offset = max(0, at - begin)
            mixed[offset : offset + len(piece)] += piece[: SIZE - offset]
        out: Samples = np.clip(mixed, -32768, 32767).astype(np.int16)
        return out


class PacedLine(PlayoutLine):
    """Plays `caller`, then hangs up; what the secretary says is paced as on a modem's port.

    `keys` are (second, key). `echo` is (seconds, decibels) of the line's own sound in what comes from the caller.
    Without `keeps` nothing of the sound is kept, for long runs.
    """

    capabilities = frozenset({Capability.DIGITS_IN, Capability.HANG_UP})

    def __init__(
        self,
        caller: Track,
        number: str = "+79991234567",
        *,
        keys: Sequence[tuple[float, str]] = (),
        echo: tuple[float, float] | None = None,
        keeps: bool = True,
        line: str = "",
    ) -> None:
        super().__init__(RATE, 1.0)
        self.info = LineInfo("test", "in", "default", number, language="en", line=line)
        self._caller = caller
        self._keys = sorted(keys)
        self._echo = echo
        self._writer = PacedWriter(self._playout.take, self._write, on_missed=self._playout.skip)
        self._task: asyncio.Task[None] | None = None
        self._closed = ""
        self._begin = 0.0
        self._output: NDArray[np.int16] = np.zeros(
            (round(caller.seconds / FRAME_SECONDS) + 1000) * SIZE if keeps or echo else 0, np.int16
        )
        self.hung_up_at: float | None = None

    async def answer(self) -> None:
        if self._closed:
            raise LineError("gone")
        self._begin = asyncio.get_running_loop().time()
        if len(self._output):
            self._playout.tap(self._keep)
        self._task = asyncio.create_task(self._writer.run(), name="paced line")

    async def events(self) -> AsyncIterator[LineEvent]:
        loop, keys = asyncio.get_running_loop(), list(self._keys)
        for number in itertools.count():
            now = (number + 1) * FRAME_SECONDS
            await asyncio.sleep(max(0.0, self._begin + now - loop.time()))
            if self._closed:
                break
            if now > self._caller.seconds:
                self._closed = "caller_hangup"
                break
            while keys and keys[0][0] <= now:
                yield Digit(keys.pop(0)[1])
            yield self._frame(number)
        await self._end()
        yield Closed(self._closed)

    def _frame(self, number: int) -> Frame:
        begin = number * SIZE
        samples = self._caller.frame(number)
        if self._echo is not None:
            start = begin - round(self._echo[0] * RATE)
            if start >= 0:
                gain = 10 ** (self._echo[1] / 20)
                mixed = samples + gain * self._output[start : start + SIZE].astype(np.float64)
                samples = np.clip(mixed, -32768, 32767).astype(np.int16)
        return Frame(samples, RATE, begin)

    async def _write(self, frame: Frame) -> None:
        pass

    def _keep(self, frame: Frame) -> None:
        self._output[frame.position : frame.end] = frame.samples[: max(0, len(self._output) - frame.position)]

    async def _end(self) -> None:
        self._playout.close()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    # -- what the conversation asks of it -----------------------------------------------------------------------------

    async def drained(self) -> None:
        await super().drained()
        if not self._closed:
            await asyncio.sleep(AHEAD_SECONDS)

    async def send_digits(self, digits: str) -> None:
        pass

    async def transfer(self, to: str) -> None:
        raise LineError(f"This line cannot connect the caller with {to}.")

    async def hangup(self) -> None:
        if not self._closed:
            self._closed = "own_hangup"
            self.hung_up_at = asyncio.get_running_loop().time() - self._begin
        await self._end()

    # -- what the far end heard ---------------------------------------------------------------------------------------

    def loudness(self) -> NDArray[np.int32]:
        """Peak of each 20 ms that the far end heard, from the answer on."""
        peaks: NDArray[np.int32] = np.abs(self._output.astype(np.int32)).reshape(-1, SIZE).max(axis=1)
        return peaks

    def sounds(self, start: float, end: float) -> float:
        """Seconds of sound of the secretary between two seconds of the call."""
        audible = self.loudness()[round(start / FRAME_SECONDS) : round(end / FRAME_SECONDS)] >= AUDIBLE
        return float(audible.sum()) * FRAME_SECONDS

    def first_sound(self, since: float) -> float:
        """Seconds from `since` to the secretary's next sound."""
        begin = round(since / FRAME_SECONDS)
        found = np.flatnonzero(self.loudness()[begin:] >= AUDIBLE)
        assert len(found), f"nothing was heard after {since} s"
        return float(found[0]) * FRAME_SECONDS

    def last_sound(self) -> float:
        """The second at which the secretary's last sound was over."""
        return (float(np.flatnonzero(self.loudness() >= AUDIBLE)[-1]) + 1) * FRAME_SECONDS
