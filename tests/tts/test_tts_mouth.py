"""Choosing engines and voices, and never falling silent, with engines that fail on purpose."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing

import numpy as np
import pytest

from services.audio.frame import Frame
from services.engines import Availability, EngineContext, EngineInfo, Kind
from services.errors import EngineError, EngineOverloadedError, EngineUnavailableError
from services.parts import State
from services.tts import espeak, piper
from services.tts.manager import Mouth
from services.tts.protocol import SpeechPiece, TextToSpeech, TextToSpeechEngine, Voice, VoiceInfo, WordMark

TEXT = "Раз два три четыре пять"
FRAMES_A_WORD = 10
Start = Callable[..., Awaitable[Mouth]]


class Trial:
    """An engine for tests: ten frames a word (their value tells whose), with or without marks, failing when told to."""

    def __init__(
        self,
        name: str,
        rank: int,
        *,
        fail_at: int = -1,
        marks: bool = True,
        fault: str = "error",
        languages: str = "ru",
    ) -> None:
        self.info = EngineInfo(name, Kind.TTS, name.title(), "test", rank)
        self._fail_at, self._marks, self._fault, self._languages = fail_at, marks, fault, languages
        self.texts: list[str] = []
        self.closed = 0

    def availability(self, context: EngineContext) -> Availability:
        if self._fault == "missing":
            return Availability(reason=f"{self.info.title} is missing.", remedy="Bring it.")
        return Availability(tuple(self._languages.split(",")))

    async def load(self, context: EngineContext) -> TextToSpeech:
        if self._fault == "unloadable":
            raise EngineUnavailableError(f"{self.info.title} does not load.", "Mend it.")
        return self

    def voices(self) -> Sequence[VoiceInfo]:
        return [
            VoiceInfo(Voice(self.info.name, f"{each}-{sex}", each, parameters=(("gender", sex),)), sex, "test")
            for each in self._languages.split(",")
            for sex in ("female", "male")
        ]

    async def synthesize(self, text: str, voice: Voice, rate: int) -> AsyncGenerator[SpeechPiece, None]:
        if text != "1":
            self.texts.append(text)
        size = rate // 50
        count = 0
        at = 0
        for index, word in enumerate(text.split()):
            at = text.index(word, at)
            if self._marks:
                yield WordMark(at, len(word), index * FRAMES_A_WORD * size)
            at += len(word)
            for _ in range(FRAMES_A_WORD):
                if count == self._fail_at and text != "1":
                    await self._misbehave()
                yield Frame(np.full(size, self.info.rank, np.int16), rate, count * size)
                count += 1

    async def _misbehave(self) -> None:
        if self._fault == "hang":
            await asyncio.sleep(30)
        if self._fault == "full":
            raise EngineOverloadedError("Full.")
        raise EngineError("Broken on purpose.")

    async def close(self) -> None:
        self.closed += 1


async def speak(mouth: Mouth, text: str, voice: Voice, rate: int = 8000) -> tuple[list[Frame], list[WordMark]]:
    frames: list[Frame] = []
    marks: list[WordMark] = []
    async with aclosing(mouth.synthesize(text, voice, rate)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Frame):
                frames.append(piece)
            else:
                marks.append(piece)
    assert [each.position for each in frames] == [index * (rate // 50) for index in range(len(frames))]
    return frames, marks


def whose(frames: list[Frame]) -> list[int]:
    return [int(each.samples[0]) for each in frames]


async def test_the_next_engine_goes_on_from_the_last_word_begun(start: Start) -> None:
    good, bad = Trial("good", 20), Trial("bad", 30, fail_at=25)
    mouth = await start(good, bad)
    frames, marks = await speak(mouth, TEXT, mouth.voice_for("ru", "male"))
    assert good.texts == ["три четыре пять"]
    assert whose(frames) == [30] * 25 + [20] * 30
    assert [TEXT[each.start : each.start + each.length] for each in marks] == [*TEXT.split()[:3], *TEXT.split()[2:]]
    assert [each.position for each in marks] == [0, 1600, 3200, 4000, 5600, 7200]


async def test_a_word_announced_but_not_begun_is_not_where_to_go_on(start: Start) -> None:
    good, bad = Trial("good", 20), Trial("bad", 30, fail_at=20)
    mouth = await start(good, bad)
    await speak(mouth, TEXT, mouth.voice_for("ru", "male"))
    assert good.texts == ["два три четыре пять"]


async def test_without_words_only_an_unheard_text_is_begun_anew(start: Start) -> None:
    good, mute = Trial("good", 20), Trial("mute", 30, fail_at=0, marks=False)
    mouth = await start(good, mute)
    frames, _ = await speak(mouth, TEXT, mouth.voice_for("ru", "male"))
    assert whose(frames) == [20] * 50

    good, cut = Trial("good", 20), Trial("cut", 30, fail_at=7, marks=False)
    mouth = await start(good, cut)
    with pytest.raises(EngineError, match="on purpose"):
        await speak(mouth, TEXT, mouth.voice_for("ru", "male"))
    assert good.texts == []


@pytest.mark.parametrize("at", [0, 25])
async def test_a_silent_engine_is_replaced(start: Start, at: int) -> None:
    good, dumb = Trial("good", 20), Trial("dumb", 30, fail_at=at, fault="hang")
    mouth = await start(good, dumb, timeout=0.2)
    frames, _ = await speak(mouth, TEXT, mouth.voice_for("ru", "female"))
    assert whose(frames)[-1] == 20


async def test_a_failed_engine_rests_before_it_is_asked_again(start: Start) -> None:
    good, bad = Trial("good", 20), Trial("bad", 30, fail_at=0)
    mouth = await start(good, bad)
    voice = mouth.voice_for("ru", "female")
    for _ in range(3):
        await speak(mouth, TEXT, voice)
    assert (len(bad.texts), len(good.texts)) == (1, 3)


async def test_a_full_engine_is_asked_again_next_time(start: Start) -> None:
    good, full = Trial("good", 20), Trial("full", 30, fail_at=0, fault="full")
    mouth = await start(good, full)
    for _ in range(3):
        await speak(mouth, TEXT, mouth.voice_for("ru", "female"))
    assert (len(full.texts), len(good.texts)) == (3, 3)


async def test_when_nothing_can_speak_the_error_says_why(start: Start) -> None:
    mouth = await start(Trial("bad", 30, fail_at=0))
    with pytest.raises(EngineError, match="on purpose"):
        await speak(mouth, TEXT, mouth.voice_for("ru", "female"))
    with pytest.raises(EngineUnavailableError, match="language 'de'"):
        mouth.voice_for("de", "female")
    mouth = await start(Trial("gone", 30, fault="missing"))
    part = mouth.parts()[0]
    assert (part.state, part.required, part.remedy) == (State.DOWN, True, "Bring it.")
    with pytest.raises(EngineError, match="not loaded"):
        await speak(mouth, TEXT, Voice("gone", "x", "ru"))


async def test_a_fixed_engine_goes_before_a_better_one(start: Start) -> None:
    mouth = await start(Trial("low", 20), Trial("high", 30), engine="piper")
    assert mouth.voice_for("ru", "female").engine == "high"
    mouth = await start(espeak.ENGINE, Trial("high", 90), engine="espeak")
    assert mouth.voice_for("ru", "female").engine == "espeak"
    assert [each.state for each in mouth.parts()] == [State.READY]


@pytest.mark.parametrize(
    ("engine", "engines", "why"),
    [
        ("xtts", (), "xtts is not part of this installation"),
        ("piper", (piper.ENGINE,), "no Piper voice"),
        ("piper", (Trial("piper", 60, fault="unloadable"),), "Piper does not load"),
        ("auto", (Trial("better", 60, fault="unloadable"),), "Better does not load"),
    ],
)
async def test_an_engine_that_is_not_there_is_replaced_and_named(
    start: Start, engine: str, engines: tuple[TextToSpeechEngine, ...], why: str
) -> None:
    mouth = await start(Trial("good", 20), *engines, engine=engine)
    assert mouth.voice_for("ru", "female").engine == "good"
    part = mouth.parts()[0]
    assert part.state is State.DEGRADED
    assert why in part.detail
    assert "Good speaks instead" in part.detail
    assert part.remedy


async def test_voices_are_chosen_by_wish_then_gender(start: Start) -> None:
    best = Trial("best", 30, languages="ru,en")
    mouth = await start(best, Trial("low", 20), languages=("ru", "en"))
    assert mouth.voice_for("ru", "male").name == "ru-male"
    assert mouth.voice_for("ru", "female", "low:ru-male") == Trial("low", 20).voices()[1].voice
    assert mouth.voice_for("en", "female", "best:ru-male").name == "en-female"
    assert all(each.state is State.READY for each in mouth.parts())
    for wanted in ("nobody:x", "best:nothing", "junk", ":"):
        assert mouth.voice_for("ru", "female", wanted).name == "ru-female"
    assert "nobody:x" in mouth.parts()[-1].detail
    assert mouth.parts()[-1].state is State.DEGRADED
