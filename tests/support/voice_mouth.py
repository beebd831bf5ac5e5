"""A voice whose every sample is known, and which can be slow, break or hang."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from voice_line import voice_samples

from services.audio.frame import FRAME_SECONDS, Frame, frame_samples
from services.errors import EngineError
from services.tts.protocol import SpeechPiece, Voice, WordMark

CHARACTER_SECONDS = 0.05


@dataclass(slots=True)
class Spoken:
    """A text that the voice was asked for: `begin` and `end` are samples of its endless sound.

    `end` grows as it is made; `done` is set when it was made whole, `closed_at` when it was given up before that.
    """

    text: str
    language: str
    fixed: bool
    asked_at: float
    begin: int
    end: int
    done: bool = False
    closed_at: float | None = None
    voice: str = ""


class FakeMouth:
    """Says a character in 50 ms, with word marks; its first 20 ms come `first` s after the text, then `speed` times
    faster than they sound.

    `fails` texts in a row are refused. `breaks` gives, by the number of the text, the frame after which its voice
    breaks; `stalls` the frame before which it rests and for how long; `hangs` are the texts of which nothing comes.
    """

    def __init__(
        self,
        fails: int = 0,
        *,
        first: float = 0.002,
        speed: float = 10.0,
        breaks: dict[int, int] | None = None,
        stalls: dict[int, tuple[int, float]] | None = None,
        hangs: tuple[int, ...] = (),
    ) -> None:
        self.fails = fails
        self.first = first
        self.speed = speed
        self.breaks = breaks or {}
        self.stalls = stalls or {}
        self.hangs = hangs
        self.spoken: list[Spoken] = []
        self._made = 0

    def voice_for(self, language: str, gender: str, wanted: str = "") -> Voice:
        return Voice("fake", gender, language)

    async def synthesize(
        self, text: str, voice: Voice, rate: int, *, fixed: bool = False
    ) -> AsyncGenerator[SpeechPiece, None]:
        number, loop = len(self.spoken), asyncio.get_running_loop()
        spoken = Spoken(text, voice.language, fixed, loop.time(), self._made, self._made, voice=voice.name)
        self.spoken.append(spoken)
        try:
            if self.fails:
                self.fails -= 1
                raise EngineError("The voice broke.")
            start = 0
            for word in text.split(" "):
                yield WordMark(start, len(word), round(start * CHARACTER_SECONDS * rate))
                start += len(word) + 1
            async for frame in self._frames(spoken, number, rate):
                yield frame
            spoken.done = True
        finally:
            if not spoken.done:
                spoken.closed_at = loop.time()

    async def _frames(self, spoken: Spoken, number: int, rate: int) -> AsyncGenerator[Frame, None]:
        size, count = frame_samples(rate), round(len(spoken.text) * CHARACTER_SECONDS / FRAME_SECONDS)
        self._made += count * size
        for index in range(count):
            if number in self.hangs:
                await asyncio.Event().wait()
            if index == self.breaks.get(number):
                raise EngineError("The voice broke.")
            at, seconds = self.stalls.get(number, (-1, 0.0))
            if index == at:
                await asyncio.sleep(seconds)
            await asyncio.sleep(FRAME_SECONDS / self.speed if index else self.first)
            samples = voice_samples(spoken.end, size)
            spoken.end += size
            yield Frame(samples, rate, index * size)

    def text(self, *texts: str) -> Spoken:
        """The last thing said that begins with one of `texts`."""
        return next(each for each in reversed(self.spoken) if each.text.startswith(texts))
