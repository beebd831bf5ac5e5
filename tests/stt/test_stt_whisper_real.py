"""faster-whisper for real: a tiny Whisper with random weights, converted here, loaded and decoded with by our ears.

What it writes is nonsense; that it writes, of which sound and in which language, is not.
"""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from tiny_whisper import make_tiny_whisper

from services.audio.frame import Samples
from services.engines import EngineContext
from services.errors import EngineError, EngineOverloadedError, EngineUnavailableError
from services.parts import State
from services.stt.manager import Ears
from services.stt.protocol import Transcript, TranscriptStream
from services.stt.settings import SttSettings
from services.stt.whisper import SESSIONS, Whisper
from services.stt.whisper_worker import WhisperEngine

pytestmark = pytest.mark.heavy
for package in ("torch", "transformers", "ctranslate2"):
    pytest.importorskip(package)

Say = Callable[[TranscriptStream, Samples], Awaitable[None]]
Listen = Callable[[TranscriptStream], Awaitable[list[Transcript]]]
Speech = Callable[[str], Samples]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("whisper")
    make_tiny_whisper(home / "tiny", home / "work")
    return home / "tiny"


def children() -> int:
    """Count the processes that this one has begun."""
    own, pids = os.getpid(), [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()]
    return sum(_parent(pid) == own for pid in pids)


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


@asynccontextmanager
async def listening(context: EngineContext, model: Path, languages: str = "en ru") -> AsyncIterator[Ears]:
    folder = context.models_dir / "whisper" / "tiny"
    shutil.copytree(model, folder)
    (folder / "languages").write_text(languages)
    ears = Ears(context, SttSettings(engine="whisper"))
    try:
        await ears.start(languages.split())
        yield ears
    finally:
        await ears.close()


async def test_each_end_of_an_utterance_is_answered_exactly_once(
    context: EngineContext, tiny: Path, speech: Speech, say: Say, listen: Listen
) -> None:
    async with listening(context, tiny) as ears:
        english, russian = ears.parts()
        assert "Whisper (faster-whisper) listens to English" in english.detail
        assert (english.state, russian.state) == (State.READY, State.READY)
        stream = await ears.open_stream("en", 8000, ["opening hours", "prices"])
        try:
            for samples in (speech("hours-slt"), np.zeros(8000, np.int16), speech("prices-rms")):
                await say(stream, samples)
                await stream.end_utterance()
            await stream.end_utterance()
            answers = [(await listen(stream))[-1] for _ in range(4)]
            # An answer too many would shift those that follow it.
            assert [bool(answer.text) for answer in answers] == [True, False, True, False]
            assert answers[0].text != answers[2].text
            for answer in (answers[0], answers[2]):
                assert answer.language == "en"
                assert answer.confidence is not None
                assert 0 < answer.confidence < 1
        finally:
            await stream.aclose()


async def heard(ears: Ears, language: str, samples: Samples, say: Say, listen: Listen) -> Transcript:
    stream = await ears.open_stream(language, 8000, ["prices"])
    try:
        await say(stream, samples)
        await stream.end_utterance()
        return (await listen(stream))[-1]
    finally:
        await stream.aclose()


@pytest.mark.parametrize("language", ["en", "ru"])
async def test_a_model_for_one_language_writes_it_down_whatever_is_spoken(
    context: EngineContext, tiny: Path, speech: Speech, say: Say, listen: Listen, language: str
) -> None:
    async with listening(context, tiny, language) as ears:
        assert (await heard(ears, language, speech("office-slt"), say, listen)).language == language


async def test_what_is_surely_spoken_in_another_language_is_written_down_in_it(
    context: EngineContext, tiny: Path, speech: Speech, say: Say, listen: Listen
) -> None:
    # These random weights take everything for English. Their config has no `lang_ids`: the worker finds them.
    assert not json.loads((tiny / "config.json").read_bytes())["lang_ids"]
    async with listening(context, tiny) as ears:
        english = await heard(ears, "en", speech("office-slt"), say, listen)
        foreign = await heard(ears, "ru", speech("office-slt"), say, listen)
        assert (english.language, foreign.language) == ("en", "en")
        short = await heard(ears, "ru", speech("no-rms"), say, listen)
        assert short.language == "ru", "a second tells nothing"
        assert short.text != (await heard(ears, "en", speech("no-rms"), say, listen)).text


async def test_the_languages_a_caller_may_change_to_are_heard_by_the_same_process(
    context: EngineContext, tiny: Path, speech: Speech, say: Say, listen: Listen
) -> None:
    folder = context.models_dir / "whisper" / "tiny"
    shutil.copytree(tiny, folder)
    ears = Ears(context, SttSettings(engine="whisper"))
    try:
        before = children()
        await ears.start(["ru"], ["en"])
        assert children() - before == 1
        assert [ears.serves(language) for language in ("ru", "en")] == [True, True]
        assert (await heard(ears, "ru", speech("office-slt"), say, listen)).language == "en"
    finally:
        await ears.close()


def test_an_utterance_is_encoded_once_though_its_language_is_looked_for(tiny: Path, speech: Speech) -> None:
    engine = WhisperEngine({"folder": str(tiny), "languages": ["en", "ru"]})
    once, encoded = engine._encodings, []
    encode = once._encode

    def counted(features: object) -> object:
        encoded.append(features)
        return encode(features)

    once._encode = counted
    text, _, language = engine.decode(speech("hours-slt"), 8000, "ru", "", detect=True)
    assert (bool(text), language, len(encoded)) == (True, "en", 1)


async def test_two_streams_at_once_do_not_mix_and_a_third_is_refused(
    context: EngineContext, tiny: Path, speech: Speech, say: Say, listen: Listen
) -> None:
    async def alone(ears: Ears, name: str) -> str:
        stream = await ears.open_stream("en", 8000)
        await say(stream, speech(name))
        await stream.end_utterance()
        text = (await listen(stream))[-1].text
        await stream.aclose()
        return text

    async with listening(context, tiny) as ears:
        names = ("hours-slt", "address-rms")
        expected = [await alone(ears, name) for name in names]
        assert await asyncio.gather(*(alone(ears, name) for name in names)) == expected
        taken = [await ears.open_stream("en", 8000) for _ in range(SESSIONS)]
        with pytest.raises(EngineOverloadedError):
            await ears.open_stream("en", 8000)
        for stream in taken:
            await stream.aclose()
        assert await alone(ears, names[0]) == expected[0]


async def test_an_ear_given_back_in_mid_utterance_harms_no_other(
    context: EngineContext, tiny: Path, speech: Speech, say: Say, listen: Listen
) -> None:
    async with listening(context, tiny) as ears:
        for _ in range(3):
            stream = await ears.open_stream("en", 8000)
            await say(stream, speech("long-slt"))
            await stream.end_utterance()
            await stream.aclose()
            assert [transcript async for transcript in stream] == []
        stream = await ears.open_stream("ru", 8000)
        await say(stream, speech("hours-slt"))
        await stream.end_utterance()
        assert (await listen(stream))[-1].text
        await stream.aclose()


async def test_a_language_the_model_does_not_know_is_refused_and_the_others_are_served(
    context: EngineContext, tiny: Path
) -> None:
    async with listening(context, tiny, "en de xx") as ears:
        assert [ears.serves(language) for language in ("en", "de", "xx")] == [True, False, False]
        with pytest.raises(EngineUnavailableError):
            await ears.open_stream("de", 8000)
        with pytest.raises(EngineUnavailableError, match="does not know the language de, xx"):
            await Whisper().load(context)


async def test_a_rate_that_is_no_speech_is_refused(context: EngineContext, tiny: Path) -> None:
    async with listening(context, tiny) as ears:
        with pytest.raises(EngineError, match="4000 Hz"):
            await ears.open_stream("en", 4000)
