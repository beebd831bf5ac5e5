"""The real Vosk library in its real worker, with a hand-written model that knows one word: "sound"."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import numpy as np
import pytest
from tiny_vosk import WORD, make_tiny_vosk

from services.audio.frame import Frame, Samples
from services.audio.resample import resample
from services.engines import EngineContext
from services.parts import State
from services.stt.manager import Ears
from services.stt.protocol import Transcript, TranscriptStream
from services.stt.settings import SttSettings

Say = Callable[[TranscriptStream, Samples], Awaitable[None]]
Listen = Callable[[TranscriptStream], Awaitable[list[Transcript]]]
Speech = Callable[[str], Samples]

RATE = 8000
PAUSE = np.zeros(RATE // 2, np.int16)
BREAK = np.zeros(2 * RATE, np.int16)
"""Long enough for Vosk to end an utterance of its own."""

NEAR = 0.25
"""Seconds: Kaldi decides in steps of 30 ms, and loudness rises and falls over a few of them."""


@pytest.fixture
async def vosk(context: EngineContext) -> AsyncIterator[Ears]:
    make_tiny_vosk(context.models_dir / "vosk" / "vosk-model-small-en-us-0.15")
    make_tiny_vosk(context.models_dir / "vosk" / "vosk-model-small-ru-0.22", rate=8000)
    ears = Ears(context, SttSettings())
    await ears.start(["en", "ru"])
    yield ears
    await ears.close()


def loud(samples: Samples) -> tuple[float, float]:
    """Return where the speech in `samples` begins and ends, in seconds."""
    found = np.flatnonzero(np.abs(samples.astype(np.int32)) > 300)
    return found[0] / RATE, found[-1] / RATE


async def test_a_model_in_its_folder_is_preferred_and_ready(vosk: Ears) -> None:
    assert [(part.state, part.detail) for part in vosk.parts()] == [
        (State.READY, "Vosk listens to English."),
        (State.READY, "Vosk listens to Russian."),
    ]


@pytest.mark.parametrize("language", ["en", "ru"])  # models of 16 and of 8 kHz
async def test_a_phone_line_is_heard_and_words_carry_the_times_of_the_stream(
    vosk: Ears, speech: Speech, say: Say, listen: Listen, language: str
) -> None:
    stream = await vosk.open_stream(language, RATE)
    lasted = 0.0
    for name in ("hours-slt", "prices-rms", "yes-slt"):
        samples = np.concatenate([PAUSE, speech(name)])
        await say(stream, samples)
        await stream.end_utterance()
        *interims, final = await listen(stream)
        assert {word.text for word in final.words} == {WORD}
        assert final.text.split() == [word.text for word in final.words]
        assert final.confidence is not None
        assert all(interim.text and not interim.final for interim in interims)
        begins, ends = loud(samples)
        assert final.words[0].start == pytest.approx(lasted + begins, abs=NEAR)
        assert final.words[-1].end == pytest.approx(lasted + ends, abs=NEAR)
        lasted += (len(samples) + (-len(samples) % 160)) / RATE
    await stream.aclose()


async def test_what_vosk_cuts_at_a_pause_is_one_utterance(vosk: Ears, speech: Speech, say: Say, listen: Listen) -> None:
    stream = await vosk.open_stream("en", RATE)
    first, second = speech("hours-slt"), speech("prices-slt")
    await say(stream, np.concatenate([PAUSE, first, BREAK, second]))
    await stream.end_utterance()
    final = (await listen(stream))[-1]
    assert len(final.words) == 2
    before = (len(PAUSE) + len(first) + len(BREAK)) / RATE
    assert final.words[1].start == pytest.approx(before + loud(second)[0], abs=NEAR)
    # Vosk has just ended the utterance by itself when we do: what it said then is not lost, and not said twice.
    await say(stream, np.concatenate([first, BREAK]))
    await stream.end_utterance()
    assert len((await listen(stream))[-1].words) == 1
    await stream.aclose()


async def test_each_end_of_an_utterance_is_answered_exactly_once(
    vosk: Ears, speech: Speech, say: Say, listen: Listen
) -> None:
    stream = await vosk.open_stream("en", RATE)
    await stream.end_utterance()
    for samples in (speech("hours-slt"), BREAK, speech("prices-rms")):
        await say(stream, np.concatenate([PAUSE, samples]))
        await stream.end_utterance()
    await stream.end_utterance()
    assert [bool((await listen(stream))[-1].text) for _ in range(5)] == [False, True, False, True, False]
    await stream.aclose()


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
async def test_the_words_are_the_same_at_every_rate(vosk: Ears, speech: Speech, listen: Listen, rate: int) -> None:
    stream = await vosk.open_stream("en", rate)
    samples = resample(np.concatenate([PAUSE, speech("hours-slt")]), RATE, rate)
    size = rate // 50
    for start in range(0, len(samples) - size, size):
        await stream.push(Frame(samples[start : start + size], rate, start))
    await stream.end_utterance()
    (word,) = (await listen(stream))[-1].words
    begins, ends = loud(np.concatenate([PAUSE, speech("hours-slt")]))
    assert word.start == pytest.approx(begins, abs=NEAR)
    assert word.end == pytest.approx(ends, abs=NEAR)
    await stream.aclose()


async def test_two_callers_do_not_mix_and_one_who_goes_harms_no_other(
    vosk: Ears, speech: Speech, say: Say, listen: Listen
) -> None:
    one, two, gone = [await vosk.open_stream("en", RATE) for _ in range(3)]
    await asyncio.gather(say(one, speech("hours-slt")), say(two, BREAK), say(gone, speech("long-slt")))
    await gone.end_utterance()
    await gone.aclose()
    assert [transcript async for transcript in gone] == []
    await asyncio.gather(one.end_utterance(), two.end_utterance())
    assert (await listen(one))[-1].text
    assert not (await listen(two))[-1].text
    await one.aclose()
    await two.aclose()
