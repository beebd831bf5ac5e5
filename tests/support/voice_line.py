"""A line in (virtual) real time that keeps every sample the caller heard, and when."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from voice_script import Act, is_loud

from services.audio.frame import FRAME_SECONDS, Frame, Samples, frame_samples, silence
from services.errors import LineError
from services.voice.line import Capability, Closed, Digit, LineEvent, LineInfo, TypedText
from services.voice.playout_line import PlayoutLine

RATE = 8000
SIZE = frame_samples(RATE)
VOICE_LEVEL = 5000
"""Amplitude of the fake voice as it is made."""
CALLER_LEVEL = 8000

# Two sequences of random signs: what is made of them tells by itself which sample it is, however quiet it is played.
_SIGNS = np.where(np.random.default_rng(1).random(400 * RATE) < 0.5, -1, 1).astype(np.int8)
_CALLER_SIGNS = np.where(np.random.default_rng(2).random(RATE) < 0.5, -1, 1).astype(np.int16)
_SEARCHED = _SIGNS.tobytes()
_PROBE = 64


def voice_samples(begin: int, size: int) -> Samples:
    """Return samples `begin` to `begin + size` of the fake voice's endless sound."""
    samples: Samples = (VOICE_LEVEL * _SIGNS[begin : begin + size].astype(np.int32)).astype(np.int16)
    return samples


@dataclass(frozen=True, slots=True)
class Echo:
    """The line's own sound in what comes from the caller: `seconds` later, at `decibels` of what was played."""

    seconds: float
    decibels: float


class FakeLine(PlayoutLine):
    """Hands on a frame every 20 ms and hears the caller act; the caller's frames come when they are whole.

    With `held` the other side hears everything so much later, as a modem's buffer does; what is still held when the
    line is hung up is never heard. `slow_end` is how much longer than needed `drained` takes.
    """

    capabilities = frozenset({Capability.DIGITS_IN, Capability.HANG_UP})

    def __init__(
        self,
        acts: Sequence[Act],
        longest: float = 120.0,
        *,
        held: float = 0.0,
        slow_end: float = 0.0,
        echo: Echo | None = None,
    ) -> None:
        super().__init__(RATE)
        self.info = LineInfo("test", "in", "default", "+79991234567", language="en")
        self._acts = sorted(acts, key=lambda act: act.at)
        self._ticks = round(longest / FRAME_SECONDS)
        self._held = held
        self._slow_end = slow_end
        self._echo = echo
        self._closed = ""
        self._begin = 0.0
        self.output: Samples = np.zeros((self._ticks + 1) * SIZE, np.int16)
        """What the caller heard, from the answer on."""
        self.heard: list[tuple[float, bool]] = []
        self.hung_up_at: float | None = None

    async def answer(self) -> None:
        if self._closed:
            raise LineError("gone")

    async def events(self) -> AsyncIterator[LineEvent]:
        loop = asyncio.get_running_loop()
        self._begin = loop.time()
        keys = [act for act in self._acts if act.key or act.typed]
        held = deque(silence(RATE) for _ in range(round(self._held / FRAME_SECONDS)))
        for number in range(self._ticks):
            now = number * FRAME_SECONDS
            await asyncio.sleep(max(0.0, self._begin + now - loop.time()))
            if self._closed:
                break
            held.append(self._playout.take())
            self._hear(number, held.popleft())
            if any(act.hang_up and act.at <= now for act in self._acts):
                self._closed = "caller_hangup"
                break
            while keys and keys[0].at <= now:
                act = keys.pop(0)
                yield Digit(act.key) if act.key else TypedText(act.typed)
            if number:
                yield self._caller(number - 1)
        self._playout.close()
        yield Closed(self._closed or "line_lost")

    def _hear(self, number: int, frame: Frame) -> None:
        self.output[number * SIZE : (number + 1) * SIZE] = frame.samples
        self.heard.append((number * FRAME_SECONDS, bool(frame.samples.any())))

    def _caller(self, number: int) -> Frame:
        """Return the caller's frame of the 20 ms from tick `number`, which are over now."""
        samples = np.zeros(SIZE, np.int32)
        if is_loud(self._acts, number * FRAME_SECONDS + FRAME_SECONDS / 2):
            begin = number * SIZE % RATE
            samples += CALLER_LEVEL * _CALLER_SIGNS[begin : begin + SIZE].astype(np.int32)
        if self._echo is not None:
            begin = number * SIZE - round(self._echo.seconds * RATE)
            if begin >= 0:
                gain = 10 ** (self._echo.decibels / 20)
                samples += (self.output[begin : begin + SIZE] * gain).astype(np.int32)
        return Frame(np.clip(samples, -32768, 32767).astype(np.int16), RATE, number * SIZE)

    async def drained(self) -> None:
        await super().drained()
        if not self._playout.closed:
            await asyncio.sleep(self._held + self._slow_end)

    async def send_digits(self, digits: str) -> None:
        pass

    async def transfer(self, to: str) -> None:
        pass

    async def hangup(self) -> None:
        if not self._closed:
            self._closed = "own_hangup"
            self.hung_up_at = asyncio.get_running_loop().time() - self._begin
        self._playout.close()

    # -- what the caller heard --------------------------------------------------------------------------------------

    def first_sound(self, since: float) -> float:
        """Seconds from `since` to the first sound of the secretary, in steps of 20 ms."""
        return next(at for at, sound in self.heard if sound and at >= since - 1e-9) - since

    def last_sound(self, until: float = 1e9) -> float:
        """The second at which the last sound of the secretary before `until` was over."""
        return max((at for at, sound in self.heard if sound and at < until), default=0.0) + FRAME_SECONDS

    def sounds_between(self, start: float, end: float) -> bool:
        return any(sound for at, sound in self.heard if start <= at < end)

    def silences(self, start: float, end: float) -> list[float]:
        """The lengths of all silences between the first and the last sound from `start` to `end`."""
        at = [at for at, sound in self.heard if sound and start <= at < end]
        steps = (after - before - FRAME_SECONDS for before, after in pairwise(at))
        return [round(step, 3) for step in steps if step > 1e-6]

    def level(self, at: float) -> float:
        """Decibels of the 20 ms at second `at` of what was heard, against the voice as it was made."""
        begin = round(at / FRAME_SECONDS) * SIZE
        loudness = float(np.abs(self.output[begin : begin + SIZE].astype(np.int32)).mean())
        return 20 * float(np.log10(max(loudness, 1e-3) / VOICE_LEVEL))

    def voice_positions(self, start: float = 0.0, end: float = 1e9) -> list[int]:
        """Which samples of the fake voice were heard, in the order of hearing; each entry begins a frame of 20 ms.

        Found by their signs, so also in a lowered frame; a frame that fades is found by its louder half.
        """
        found: list[int] = []
        for at, sound in self.heard:
            if sound and start <= at < end:
                begin = round(at / FRAME_SECONDS) * SIZE
                found.append(_position(self.output[begin : begin + SIZE], found[-1] + SIZE if found else 0))
        return found


def _position(samples: Samples, expected: int) -> int:
    """Return which sample of the fake voice `samples` begins with; it is probably `expected`."""
    signs = np.sign(samples).astype(np.int8)
    if 0 <= expected <= len(_SIGNS) - len(signs) and np.all((signs == 0) | (signs == _SIGNS[expected:][: len(signs)])):
        return expected
    for offset in (0, len(signs) - _PROBE):
        probe = signs[offset : offset + _PROBE]
        if np.all(probe != 0):
            position = _SEARCHED.find(probe.tobytes())
            if position >= 0:
                return position - offset
    raise AssertionError("this sound was never made")
