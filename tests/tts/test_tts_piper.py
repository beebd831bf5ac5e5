"""The real piper-tts in its real process, on tiny models."""

import gc
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest

from services.audio.frame import Frame
from services.engines import EngineContext
from services.errors import EngineError, EngineUnavailableError
from services.tts.piper import ENGINE
from services.tts.piper_models import find
from services.tts.protocol import TextToSpeech, Voice

Load = Callable[[], Awaitable[TextToSpeech]]
MakeVoice = Callable[..., Path]


@pytest.fixture
def context(tmp_path: Path) -> EngineContext:
    return EngineContext(tmp_path, tmp_path)


@pytest.fixture
async def load(context: EngineContext) -> AsyncIterator[Load]:
    loaded: list[TextToSpeech] = []

    async def start() -> TextToSpeech:
        loaded.append(await ENGINE.load(context))
        return loaded[-1]

    yield start
    for engine in loaded:
        await engine.close()
    gc.collect()


async def sound(engine: TextToSpeech, text: str, voice: Voice, rate: int = 8000) -> np.ndarray[tuple[int], np.dtype]:
    frames = [each async for each in engine.synthesize(text, voice, rate) if isinstance(each, Frame)]
    assert all(each.rate == rate and len(each.samples) == rate // 50 for each in frames)
    return np.concatenate([each.samples for each in frames]) if frames else np.zeros(0, np.int16)


def test_without_models_it_says_what_to_do(context: EngineContext) -> None:
    available = ENGINE.availability(context)
    assert not available.usable
    assert "no Piper voice" in available.reason
    assert "MODELS_DIR/piper" in available.remedy


async def test_a_voice_speaks_in_its_language(load: Load, make_voice: MakeVoice, context: EngineContext) -> None:
    make_voice("ru_RU-irina-low")
    make_voice("en_US-ryan-low", code="en_US", espeak="en-us", rate=16000)
    assert ENGINE.availability(context).languages == ("en", "ru")
    engine = await load()
    voices = {each.voice.name: each for each in engine.voices()}
    assert voices["ru_RU-irina-low"].voice.parameters == (("gender", "female"),)
    assert voices["en_US-ryan-low"].voice.parameters == (("gender", "male"),)
    assert "model card" in voices["en_US-ryan-low"].licence
    for name, text in (("ru_RU-irina-low", "Добрый день, чем помочь?"), ("en_US-ryan-low", "Good afternoon, hello.")):
        heard = await sound(engine, text, voices[name].voice)
        assert 0.3 < len(heard) / 8000 < 5.0
        assert 5000 < np.abs(heard.astype(int)).max() < 25000
        twice = await sound(engine, f"{text} {text}", voices[name].voice)
        assert len(twice) > 1.8 * len(heard)


async def test_pace_and_speaker_are_obeyed(load: Load, make_voice: MakeVoice) -> None:
    make_voice("ru_RU-many-low", speakers=2)
    engine = await load()
    names = [each.voice.name for each in engine.voices()]
    assert names == ["ru_RU-many-low#s0", "ru_RU-many-low#s1"]
    first, second = (each.voice for each in engine.voices())
    natural = await sound(engine, "Добрый день.", first)
    slow = await sound(engine, "Добрый день.", Voice("piper", first.name, "ru", speed=0.5))
    slower = await sound(engine, "Добрый день.", Voice("piper", first.name, "ru", parameters=(("length_scale", "3"),)))
    assert 1.8 < len(slow) / len(natural) < 2.2
    assert 2.7 < len(slower) / len(natural) < 3.3

    def crossings(heard: np.ndarray[tuple[int], np.dtype]) -> int:
        return int(np.count_nonzero(np.diff(np.signbit(heard))))

    assert crossings(await sound(engine, "Добрый день.", second)) > 1.7 * crossings(natural)


@pytest.mark.parametrize("text", ["", " \0 ", "…!?", "👍", "[[ raw ]] и [[ ещё", "<b>жирный</b>", "а" * 2000])
async def test_any_text_is_survived(load: Load, make_voice: MakeVoice, text: str) -> None:
    make_voice("ru_RU-irina-low")
    engine = await load()
    voice = engine.voices()[0].voice
    await sound(engine, text, voice)
    assert len(await sound(engine, "Добрый день.", voice)) > 1000


async def test_raw_phonemes_cannot_be_given(load: Load, make_voice: MakeVoice) -> None:
    make_voice("ru_RU-irina-low")
    engine = await load()
    voice = engine.voices()[0].voice
    raw = await sound(engine, "[[oooooooooo]] да", voice)
    assert np.array_equal(raw, await sound(engine, "[ oooooooooo ] да", voice))


async def test_leaving_in_the_middle_frees_the_engine(load: Load, make_voice: MakeVoice) -> None:
    make_voice("ru_RU-irina-low")
    engine = await load()
    voice = engine.voices()[0].voice
    for _ in range(12):
        pieces = engine.synthesize("Очень длинная речь обо всём на свете. " * 200, voice, 8000)
        await anext(pieces)
        await pieces.aclose()
    assert len(await sound(engine, "Добрый день.", voice)) > 1000
    with pytest.raises(EngineError, match="no voice"):
        await sound(engine, "Добрый день.", Voice("piper", "nobody", "ru"))


def spoil(model: Path, how: str) -> None:
    config = model.with_name(f"{model.name}.json")
    if how == "no model":
        model.unlink()
    elif how == "no configuration":
        config.unlink()
    elif how == "empty":
        model.write_bytes(b"")
    elif how == "half":
        model.write_bytes(model.read_bytes()[: model.stat().st_size // 2])
    elif how == "a web page":
        model.write_bytes(b"<!DOCTYPE html><html><body>Not found</body></html>")
    elif how == "bad configuration":
        config.write_text("{", "utf-8")
    elif how == "a list":
        config.write_text("[1]", "utf-8")
    elif how == "other phonemes":
        config.write_text(config.read_text("utf-8").replace('"espeak", "phoneme_id_map', '"pinyin", "phoneme_id_map'))


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("no model", r"broken\.onnx is missing"),
        ("no configuration", r"broken\.onnx\.json is missing"),
        ("empty", "not an ONNX model"),
        ("half", "not completely downloaded"),
        ("a web page", "damaged"),
        ("bad configuration", "not a Piper configuration"),
        ("a list", "not a Piper configuration"),
        ("other phonemes", "pinyin would need a download"),
    ],
)
def test_a_broken_voice_is_not_offered_and_says_why(
    make_voice: MakeVoice, context: EngineContext, how: str, reason: str
) -> None:
    spoil(make_voice("broken"), how)
    alone = ENGINE.availability(context)
    assert not alone.usable
    make_voice("good")
    beside = ENGINE.availability(context)
    assert beside.languages == ("ru",)
    for available in (alone, beside):
        assert re.search(reason, available.reason)
    assert [each.name for each in find(context.models_dir / "piper")[0]] == ["good"]


async def test_damage_that_only_loading_finds_is_not_offered(load: Load, make_voice: MakeVoice) -> None:
    bad = make_voice("bad")
    data = bytearray(bad.read_bytes())
    at = data.index(b"Range")
    data[at : at + 5] = b"Wrong"
    bad.write_bytes(data)
    with pytest.raises(EngineUnavailableError, match="bad cannot be loaded"):
        await load()
    make_voice("good")
    engine = await load()
    assert [each.voice.name for each in engine.voices()] == ["good"]
