"""The real espeak-ng in its real process."""

import asyncio
import gc
import itertools
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from workers_here import workers_here

from services.audio.frame import Frame
from services.engines import EngineContext
from services.errors import EngineError
from services.tts.espeak import ENGINE
from services.tts.espeak_library import EspeakLibrary, SpokenWord
from services.tts.espeak_worker import Piece
from services.tts.protocol import TextToSpeech, Voice, WordMark

RUSSIAN = "Здравствуйте, меня зовут Анна. Чем я могу вам помочь?"
ENGLISH = "Hello, this is Anna speaking. How can I help you today?"


@pytest.fixture
async def espeak(tmp_path: Path) -> AsyncIterator[TextToSpeech]:
    engine = await ENGINE.load(EngineContext(tmp_path, tmp_path))
    yield engine
    await engine.close()
    gc.collect()


@pytest.fixture
def context(tmp_path: Path) -> EngineContext:
    return EngineContext(tmp_path, tmp_path)


def voice(name: str, speed: float = 1.0) -> Voice:
    return Voice("espeak", name, name[:2], speed)


async def spoken(engine: TextToSpeech, text: str, name: Voice, rate: int) -> tuple[list[Frame], list[WordMark]]:
    frames: list[Frame] = []
    marks: list[WordMark] = []
    async for piece in engine.synthesize(text, name, rate):
        if isinstance(piece, Frame):
            frames.append(piece)
        else:
            assert piece.position >= (frames[-1].position if frames else 0), "a mark came after its frame"
            marks.append(piece)
    return frames, marks


async def spoken_while_killing(engine: TextToSpeech, text: str) -> None:
    pieces = engine.synthesize(text, voice("ru+f3"), 8000)
    await anext(pieces)
    for child in workers_here():
        child.kill()
    async for _ in pieces:
        pass


def level(frames: list[Frame]) -> float:
    sound = np.concatenate([each.samples for each in frames]).astype(np.float64)
    return float(np.sqrt(np.mean(sound**2)))


def seconds(frames: list[Frame]) -> float:
    return sum(len(each.samples) for each in frames) / frames[0].rate


def test_availability_needs_no_loading(context: EngineContext) -> None:
    available = ENGINE.availability(context)
    assert {"ru", "en", "de", "fr", "es"} <= set(available.languages)
    assert all(len(each) == 2 for each in available.languages)
    assert available.labelled


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 24000])
@pytest.mark.parametrize(("text", "name"), [(RUSSIAN, "ru+f3"), (RUSSIAN, "ru+m3"), (ENGLISH, "en+f3")])
async def test_speech_has_a_sane_length_and_level(espeak: TextToSpeech, text: str, name: str, rate: int) -> None:
    frames, _ = await spoken(espeak, text, voice(name), rate)
    assert 2.0 < seconds(frames) < 6.0
    assert 1000 < level(frames) < 8000
    assert [each.position for each in frames] == [index * (rate // 50) for index in range(len(frames))]
    assert {(each.rate, len(each.samples)) for each in frames} == {(rate, rate // 50)}


@pytest.mark.parametrize(("text", "name"), [(RUSSIAN, "ru+f3"), (ENGLISH, "en-us+m3")])
async def test_marks_name_the_words_in_order(espeak: TextToSpeech, text: str, name: str) -> None:
    frames, marks = await spoken(espeak, text, voice(name), 8000)
    words = [text[each.start : each.start + each.length] for each in marks]
    assert words == "".join(each if each.isalnum() or each == " " else "" for each in text).split()
    positions = [each.position for each in marks]
    assert positions == sorted(set(positions))
    assert positions[0] < 800
    assert positions[-1] < frames[-1].end


async def test_numbers_and_symbols_give_no_marks_inside_or_between_words(espeak: TextToSpeech) -> None:
    text = "It costs 1,234 dollars 👍🏽 or 12345678, OK?"
    _, marks = await spoken(espeak, text, voice("en+f3"), 8000)
    ends = [0, *(each.start + each.length for each in marks)]
    assert all(end <= each.start for end, each in zip(ends, marks, strict=False))
    assert all(text[each.start : each.start + each.length].strip() for each in marks)
    assert text.index("dollars") in {each.start for each in marks}


async def test_marks_follow_the_sound(espeak: TextToSpeech) -> None:
    """The sound up to a word's mark is the sound of what stands before it."""
    _, whole = await spoken(espeak, "Раз, два, три.", voice("ru+f3"), 8000)
    before, _ = await spoken(espeak, "Раз, два,", voice("ru+f3"), 8000)
    assert abs(whole[2].position / 8000 - seconds(before)) < 0.35


async def test_long_text_goes_in_pieces_with_true_marks(espeak: TextToSpeech) -> None:
    text = " ".join(f"Предложение номер {index}, длинное и скучное." for index in range(40))
    frames, marks = await spoken(espeak, text, voice("ru+f3"), 8000)
    assert seconds(frames) > 60
    starts = [each.start for each in marks]
    assert starts == sorted(set(starts))
    words = [text[each.start : each.start + each.length] for each in marks]
    assert words.count("Предложение") == 40
    ends = [each.position for each in marks if text[each.start :].startswith("Предложение")]
    assert all(1.0 < (after - before) / 8000 < 6.0 for before, after in itertools.pairwise(ends))


async def test_speed_changes_the_pace(espeak: TextToSpeech) -> None:
    natural, _ = await spoken(espeak, RUSSIAN, voice("ru+f3"), 8000)
    fast, _ = await spoken(espeak, RUSSIAN, voice("ru+f3", speed=1.6), 8000)
    assert seconds(fast) < 0.8 * seconds(natural)


async def test_genders_differ(espeak: TextToSpeech) -> None:
    names = {each.voice.name for each in espeak.voices()}
    assert {"ru+f3", "ru+m3", "en+f3", "en-us+f3"} <= names
    woman, _ = await spoken(espeak, RUSSIAN, voice("ru+f3"), 8000)
    man, _ = await spoken(espeak, RUSSIAN, voice("ru+m3"), 8000)
    assert not all(np.array_equal(one.samples, two.samples) for one, two in zip(woman, man, strict=False))


@pytest.mark.parametrize(
    "text",
    [
        "до\0после \x07\x1b[0m",
        '<speak version="1.0"><break time="50s"/>Привет</speak>',
        "[[h@'loU]] &amp; &#0; %s %n {0}",
        "👍🏽👨‍👩‍👧 ﷽ \u202e\u0301\ud800 нормально",
        "",
        "   \n\t ",
        "…!?.,",
        "а" * 3000,
        "1" * 400,
    ],
)
async def test_any_text_is_survived(espeak: TextToSpeech, text: str) -> None:
    frames, _ = await spoken(espeak, text, voice("ru+f3"), 8000)
    assert not frames or seconds(frames) < 800
    after, _ = await spoken(espeak, RUSSIAN, voice("ru+f3"), 8000)
    assert 2.0 < seconds(after) < 6.0


async def test_markup_is_read_as_plain_text(espeak: TextToSpeech) -> None:
    frames, _ = await spoken(espeak, '<break time="60s"/>', voice("en+f3"), 8000)
    assert 1.0 < seconds(frames) < 15.0


async def test_a_hundred_thousand_characters_begin_at_once_and_can_be_left(espeak: TextToSpeech) -> None:
    pieces = espeak.synthesize("Очень длинная речь. " * 5000, voice("ru+f3"), 8000)
    frames = 0
    async for piece in pieces:
        frames += isinstance(piece, Frame)
        if frames == 500:
            break
    await pieces.aclose()
    after, _ = await spoken(espeak, "Да", voice("ru+f3"), 8000)
    assert 0.1 < seconds(after) < 1.5


async def test_two_speeches_interleave(espeak: TextToSpeech) -> None:
    order: list[str] = []

    async def listen(label: str, text: str) -> float:
        frames = []
        async for piece in espeak.synthesize(text, voice("ru+f3"), 8000):
            if isinstance(piece, Frame):
                order.append(label)
                frames.append(piece)
                await asyncio.sleep(0)
        return seconds(frames)

    long = "Это длинный рассказ о том, как всё было на самом деле. " * 60
    lengths = await asyncio.gather(listen("long", long), listen("short", RUSSIAN))
    assert lengths[0] > 100
    assert 2.0 < lengths[1] < 6.0
    assert order.index("short") < order.count("long")
    assert "long" in order[len(order) - order[::-1].index("short") :]


async def test_an_unread_speech_does_not_hold_up_another(espeak: TextToSpeech) -> None:
    unread = espeak.synthesize("Это никто не слушает, и это долго. " * 300, voice("ru+f3"), 8000)
    await anext(unread)
    for _ in range(3):
        frames, _ = await spoken(espeak, RUSSIAN, voice("ru+f3"), 8000)
        assert 2.0 < seconds(frames) < 6.0
    await unread.aclose()


async def test_a_killed_process_is_an_error_and_the_next_speech_works(espeak: TextToSpeech) -> None:
    long = "Это длинный рассказ о том, как всё было. " * 100
    with pytest.raises(EngineError, match="SIGKILL"):
        await spoken_while_killing(espeak, long)
    frames, _ = await spoken(espeak, RUSSIAN, voice("ru+f3"), 8000)
    assert 2.0 < seconds(frames) < 6.0


async def test_an_unknown_voice_is_an_error_of_that_request_only(espeak: TextToSpeech) -> None:
    with pytest.raises(EngineError, match="no voice 'xx\\+f3'"):
        await spoken(espeak, RUSSIAN, voice("xx+f3"), 8000)
    frames, _ = await spoken(espeak, RUSSIAN, voice("ru+f3"), 8000)
    assert frames


@pytest.fixture(scope="module")
def library() -> EspeakLibrary:
    import espeakng_loader

    return EspeakLibrary(espeakng_loader.get_library_path(), espeakng_loader.get_data_path())


def test_stopping_takes_effect_within_one_chunk(library: EspeakLibrary) -> None:
    heard = 0
    after_stop = 0
    stopped = False

    def hear(words: list[SpokenWord], sound: bytes) -> bool:
        nonlocal heard, after_stop, stopped
        after_stop += len(sound) // 2 if stopped else 0
        heard += len(sound) // 2
        stopped = heard > library.rate
        return not stopped

    natural = {"rate": 165, "pitch": 50}
    assert not library.speak(RUSSIAN * 5, "ru+f3", natural, pause=False, hear=hear)
    assert after_stop == 0
    assert heard - library.rate < 0.05 * library.rate
    cancelled = threading.Event()
    piece = Piece(RUSSIAN, "ru+f3", natural, False, cancelled)
    assert piece.hear([], b"\0\0")
    cancelled.set()
    assert not library.speak(RUSSIAN, "ru+f3", natural, pause=False, hear=piece.hear)
    assert library.speak("Да", "ru+f3", natural, pause=False, hear=lambda words, sound: True)
