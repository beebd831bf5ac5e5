"""A person who phones: listens to the greeting, speaks, listens to the answer, speaks again, hangs up."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from telephony.simulator.log import SimulatorError
from telephony.simulator.person.call import SimulatedCall
from telephony.simulator.person.farend import CHUNK_SECONDS, HeardChunk, first_audible, speech_end
from telephony.simulator.person.resample import Samples
from telephony.simulator.person.tones import KEY_PAUSE, RATE

DIGIT_PAUSE = 0.15


Kind = Literal["answered", "heard", "quiet", "speaks", "spoke", "no answer", "hangs up", "ended"]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One turn of the caller and the answer to it; times are seconds of `time.monotonic()`.

    `speech_ended_at` is the end of the last sample above -45 dBFS (and above -40 dB of the turn's own peak), so the
    silence at the end of a recording does not count; for digits it is the end of the last tone. `first_sound_at` is the
    first sample above -45 dBFS that the far end hears after that, None when nothing came within `patience`.
    `response_seconds` is the difference. `spoke_over` tells that the secretary made a sound while the caller spoke; if
    that sound went on, the response is 0.
    """

    turn: int
    speech_ended_at: float
    first_sound_at: float | None
    response_seconds: float | None
    answered: bool
    spoke_over: bool = False


@dataclass(frozen=True, slots=True)
class CallerEvent:
    """For printing as it happens. `turn` counts from 0, -1 for the greeting; `seconds` is the response, when known."""

    at: float
    kind: Kind
    turn: int = -1
    seconds: float | None = None


class ScriptedCaller:
    """Plays `turns` (int16 at 8 kHz, or a string of keys such as "123#") on `call`, one after each answer.

    An answer is over after `pause` seconds of quiet; nothing within `patience` seconds is no answer, and the caller
    goes on, as a person says "hello?". An answer longer than `longest` is not heard out. At the end the caller hangs
    up, or with `hang_up=False` waits `patience` seconds more for the secretary to do it.
    """

    def __init__(
        self,
        call: SimulatedCall,
        turns: Sequence[Samples | str],
        patience: float = 8.0,
        pause: float = 0.6,
        *,
        hang_up: bool = True,
        ring_patience: float = 30.0,
        longest: float = 60.0,
        on_event: Callable[[CallerEvent], None] | None = None,
    ) -> None:
        self._call = call
        self._turns = turns
        self._patience = patience
        self._pause = pause
        self._hang_up = hang_up
        self._ring_patience = ring_patience
        self._longest = longest
        self._on_event = on_event
        self._sound_first: float | None = None
        self._sound_last = 0.0
        self._since = 0.0

    async def run(self) -> list[Exchange]:
        """Hold the whole call and return one exchange for each turn; a turn never spoken counts as not answered.

        Raises SimulatorError when the call ends unanswered, TimeoutError when nobody takes it in `ring_patience` s.
        """
        self._call.listen(self._hear)
        try:
            await self._call.answered(self._ring_patience)
        except TimeoutError:
            await self._call.give_up()
            raise
        self._tell("answered")
        await self._listen(-1, None)
        exchanges = [await self._exchange(number, turn) for number, turn in enumerate(self._turns)]
        if self._hang_up and self._call.is_active:
            self._tell("hangs up")
            await self._call.hang_up()
        try:
            await self._call.ended(self._patience)
        except TimeoutError:
            await self._call.hang_up()
        self._tell("ended")
        return exchanges

    async def _exchange(self, number: int, turn: Samples | str) -> Exchange:
        self._forget(time.monotonic())
        self._tell("speaks", number)
        try:
            ended_at = await self._speak(turn)
        except SimulatorError:
            # The other side has hung up: what was not said was not answered.
            self._tell("no answer", number)
            return Exchange(number, time.monotonic(), None, None, answered=False)
        self._tell("spoke", number)
        spoke_over = self._sound_first is not None and self._sound_first < ended_at
        going_on = spoke_over and self._sound_last >= ended_at - CHUNK_SECONDS
        # Sound that began in the chunk of the last sample or since is the answer; older sound is not.
        if spoke_over:
            self._forget(ended_at)
        await self._listen(number, ended_at)
        first = ended_at if going_on else self._sound_first
        if first is None:
            return Exchange(number, ended_at, None, None, answered=False, spoke_over=spoke_over)
        return Exchange(number, ended_at, first, first - ended_at, answered=True, spoke_over=spoke_over)

    async def _speak(self, turn: Samples | str) -> float:
        if isinstance(turn, str):
            end = 0
            for key in turn:
                end = await self._call.press(key)
                await asyncio.sleep(DIGIT_PAUSE)
            return self._call.time_of(end) - KEY_PAUSE
        begins = self._call.speak(turn)
        ended_at = self._call.time_of(begins + speech_end(turn))
        try:
            await self._call.ended(max(0.0, ended_at - time.monotonic()))
        except TimeoutError:
            pass  # all was said
        return ended_at

    async def _listen(self, number: int, spoke_until: float | None) -> None:
        """Wait for sound, then for `pause` seconds without; or for `patience` seconds without any."""
        began = time.monotonic()
        told = False
        while self._call.is_active:
            now = time.monotonic()
            if self._sound_first is None:
                if now - began > self._patience:
                    self._tell("no answer", number)
                    return
            elif not told:
                told = True
                self._tell("heard", number, None if spoke_until is None else self._sound_first - spoke_until)
            elif now - self._sound_last > self._pause or now - began > self._longest:
                self._tell("quiet", number)
                return
            await asyncio.sleep(CHUNK_SECONDS)

    def _forget(self, since: float) -> None:
        self._sound_first = None
        self._since = since

    def _hear(self, chunk: HeardChunk) -> None:
        first = first_audible(chunk.samples)
        if first is None:
            return
        self._sound_last = chunk.at + speech_end(chunk.samples) / RATE
        if self._sound_first is None and self._sound_last > self._since:
            self._sound_first = max(chunk.at + first / RATE, self._since)

    def _tell(self, kind: Kind, turn: int = -1, seconds: float | None = None) -> None:
        if self._on_event is not None:
            self._on_event(CallerEvent(time.monotonic(), kind, turn, seconds))
