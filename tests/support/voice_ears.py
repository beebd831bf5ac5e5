"""Ears that understand the words whose sound they were given, and voice detection by loudness."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from voice_line import RATE
from voice_script import Act, TimedWord, is_loud

from services.audio.frame import FRAME_SECONDS, Frame, Samples
from services.errors import EngineError
from services.stt.protocol import Transcript, Word

_LOUD = 1000
_ECHO_FRAMES = 15  # of the secretary's own voice, after which ears would make words of it


class LoudnessDetector:
    """Speech is what is loud."""

    window = 256

    def probability(self, samples: Samples) -> float:
        return 1.0 if np.abs(samples.astype(np.int32)).mean() > _LOUD else 0.0


@dataclass(slots=True)
class _Utterance:
    """What has been pushed since the last end: frames by number, and the words understood of them."""

    number: int
    frames: dict[int, float] = field(default_factory=dict)
    understood: list[tuple[int, TimedWord]] = field(default_factory=list)
    foreign: int = 0


class FakeEars:
    """Understands each word of the acts of which it was given at least half, and says so.

    An interim transcript comes `lag` seconds after the end of each word (None: no interim ones), the final transcript
    `delay` seconds after the end of the utterance. `fails_at` is the utterance whose end is refused, `breaks_at` the
    second of the loop's clock at which reading fails; `silent` ears owe every final transcript. Loud sound that is not
    the caller's is the secretary's own: it is understood as "echo".
    """

    def __init__(
        self,
        acts: Sequence[Act],
        delay: float = 0.1,
        fails_at: int = -1,
        silent: bool = False,
        lag: float | None = 0.06,
        breaks_at: float | None = None,
    ) -> None:
        self._acts = sorted((act for act in acts if act.seconds), key=lambda act: act.at)
        self._words = sorted(
            ((number, word) for number, act in enumerate(self._acts) for word in act.words()),
            key=lambda each: each[1].end,
        )
        self._delay = delay
        self._lag = lag
        self._fails_at = fails_at
        self._breaks_at = breaks_at
        self._silent = silent
        self.languages: list[str] = []
        self.opened = 0
        self.closed = 0
        self.ended = 0
        self.pushed = 0
        self.interims: list[tuple[float, str]] = []
        self.finals: list[tuple[float, str]] = []

    @property
    def streams(self) -> bool:
        """True where words come while they are spoken."""
        return self._lag is not None

    async def open(self) -> "FakeEars":
        self._out: asyncio.Queue[Transcript | EngineError | None] = asyncio.Queue()
        self._stream_frames = 0
        self._until = -1.0
        self._next = 0
        self._utterance = _Utterance(self.ended)
        self.opened += 1
        if self._breaks_at is not None and self.opened == 1:
            asyncio.get_running_loop().call_at(self._breaks_at, self._out.put_nowait, EngineError("The ears broke."))
        return self

    async def push(self, frame: Frame) -> None:
        frame.expect_rate(RATE)
        self.pushed += 1
        utterance, begin, end = self._utterance, frame.position / RATE, frame.end / RATE
        utterance.frames[round(begin / FRAME_SECONDS)] = self._stream_frames * FRAME_SECONDS
        self._stream_frames += 1
        if np.abs(frame.samples.astype(np.int32)).mean() > _LOUD:
            utterance.foreign += not is_loud(self._acts, begin + FRAME_SECONDS / 2)
        while self._next < len(self._words) and self._words[self._next][1].end <= end + 1e-6:
            act, word = self._words[self._next]
            self._next += 1
            if self._was_given(word):
                utterance.understood.append((act, word))
                self._tell_later(utterance)
        if utterance.foreign == _ECHO_FRAMES:
            self._tell_later(utterance)

    def _was_given(self, word: TimedWord) -> bool:
        first, last = round(word.start / FRAME_SECONDS), max(1, round(word.end / FRAME_SECONDS))
        given = sum(number in self._utterance.frames for number in range(first, last))
        return given * 2 >= max(1, last - first)

    def _tell_later(self, utterance: _Utterance) -> None:
        if self._lag is not None:
            asyncio.get_running_loop().call_later(self._lag, self._tell, utterance, len(utterance.understood))

    def _tell(self, utterance: _Utterance, words: int) -> None:
        if self._utterance is utterance:  # the final transcript of one that is over says more
            transcript = self._transcript(utterance, utterance.understood[:words], final=False)
            self.interims.append((asyncio.get_running_loop().time(), transcript.text))
            self._out.put_nowait(transcript)

    async def end_utterance(self) -> None:
        number, utterance = self.ended, self._utterance
        self.ended += 1
        for act, word in self._words[self._next :]:  # a word that was cut short
            if self._was_given(word):
                utterance.understood.append((act, word))
        self._utterance = _Utterance(self.ended)
        if number == self._fails_at:
            raise EngineError("The ears broke.")
        if not self._silent:
            final = self._transcript(utterance, utterance.understood, final=True)
            self.answer(number, final, self._out)

    def answer(self, number: int, final: Transcript, out: "asyncio.Queue[Transcript | EngineError | None]") -> None:
        """Give out the final transcript of utterance `number` when it is time."""
        asyncio.get_running_loop().call_later(self._delay, self._give, final, out)

    def _give(self, final: Transcript, out: "asyncio.Queue[Transcript | EngineError | None]") -> None:
        self.finals.append((asyncio.get_running_loop().time(), final.text))
        out.put_nowait(final)

    def _transcript(self, utterance: _Utterance, words: list[tuple[int, TimedWord]], *, final: bool) -> Transcript:
        if not words:
            text = "echo" if utterance.foreign >= _ECHO_FRAMES else ""
            return Transcript(text, "en", final, 0.9 if text else None)
        acts = sorted({act for act, _ in words})
        texts = []
        for act in acts:
            said = [word.text for number, word in words if number == act]
            whole = len(said) == len(self._acts[act].words())
            spoken = self._acts[act].final
            texts.append(spoken if final and whole and spoken is not None else " ".join(said))
        return Transcript(
            " ".join(filter(None, texts)),
            self._acts[acts[-1]].language,
            final,
            0.9,
            tuple(self._word(utterance, word) for _, word in words),
        )

    def _word(self, utterance: _Utterance, word: TimedWord) -> Word:
        number = round(word.start / FRAME_SECONDS)
        begin = min((at for frame, at in utterance.frames.items() if frame >= number), default=0.0)
        return Word(word.text, round(begin, 3), round(begin + word.end - word.start, 3), 0.9)

    def __aiter__(self) -> AsyncIterator[Transcript]:
        return self._read(self._out)

    async def _read(self, out: "asyncio.Queue[Transcript | EngineError | None]") -> AsyncIterator[Transcript]:
        while (item := await out.get()) is not None:
            if isinstance(item, EngineError):
                raise item
            yield item

    async def aclose(self) -> None:
        self.closed += 1
        self._out.put_nowait(None)
