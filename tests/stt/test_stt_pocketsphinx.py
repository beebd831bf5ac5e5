"""The real pocketsphinx, in its real worker, on speech of two voices."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np
import psutil
import pytest

from services.audio.frame import Samples, silence
from services.errors import AudioError, EngineError, EngineUnavailableError
from services.stt.manager import Ears
from services.stt.protocol import Transcript, TranscriptStream

Say = Callable[[TranscriptStream, Samples], Awaitable[None]]
Listen = Callable[[TranscriptStream], Awaitable[list[Transcript]]]
Speech = Callable[[str], Samples]

HINTS = ["What are your opening hours?", "What are your prices?", "Where is your office?", "Where are you located?"]


def as_a_listener_cuts(speech: Samples) -> Samples:
    """From 0.3 s before the vowel to 0.3 s after it: what voice activity makes of a single word."""
    voiced = np.flatnonzero(np.abs(speech.astype(np.int32)) > 4000)
    return np.concatenate((speech[max(0, voiced[0] - 2400) : voiced[-1]], np.zeros(2400, np.int16)))


async def test_questions_are_understood(ears: Ears, speech: Speech, say: Say, listen: Listen) -> None:
    wanted = {"hours": {"opening", "hours"}, "prices": {"prices"}, "office": {"office"}, "address": {"located"}}
    for voice in ("slt", "rms"):
        stream = await ears.open_stream("en", 8000, HINTS)
        for name, words in wanted.items():
            await say(stream, speech(f"{name}-{voice}"))
            await stream.end_utterance()
            final = (await listen(stream))[-1]
            assert words <= set(final.text.split()), (voice, name, final)
        await stream.aclose()


@pytest.mark.parametrize("answer", ["yes", "no"])
async def test_a_plain_answer_is_heard_among_many_likely_phrases(
    ears: Ears, speech: Speech, say: Say, listen: Listen, answer: str
) -> None:
    stream = await ears.open_stream("en", 8000, HINTS)
    for voice in ("slt", "rms"):
        await say(stream, as_a_listener_cuts(speech(f"{answer}-{voice}")))
        await stream.end_utterance()
        assert (await listen(stream))[-1].text == answer, voice
    await stream.aclose()


async def test_words_carry_the_times_of_the_stream(ears: Ears, speech: Speech, say: Say, listen: Listen) -> None:
    stream = await ears.open_stream("en", 8000, HINTS)
    lasted = 0.0
    for _ in range(2):
        samples = speech("hours-rms")
        await say(stream, samples)
        await stream.end_utterance()
        heard = await listen(stream)
        first, last = heard[-1].words[0], heard[-1].words[-1]
        assert lasted <= first.start < last.start < last.end <= lasted + len(samples) / 8000 + 0.1
        assert all(word.confidence is not None and 0 <= word.confidence <= 1 for word in heard[-1].words)
        lasted += (len(samples) + (-len(samples) % 160)) / 8000
    await stream.aclose()


async def test_what_is_no_likely_phrase_is_not_forced_into_one(
    ears: Ears, speech: Speech, say: Say, listen: Listen
) -> None:
    stream = await ears.open_stream("en", 8000, HINTS)
    await say(stream, speech("football-rms"))
    await stream.end_utterance()
    assert {"football", "yesterday"} <= set((await listen(stream))[-1].text.split())
    await stream.aclose()


async def test_interim_transcripts_come_while_somebody_speaks(
    ears: Ears, speech: Speech, say: Say, listen: Listen
) -> None:
    stream = await ears.open_stream("en", 8000)
    await say(stream, speech("long-rms"))
    await stream.end_utterance()
    *interim, final = await listen(stream)
    assert len(interim) > 1
    assert final.text
    await stream.aclose()


async def test_silence_noise_and_nothing_are_answered_once_and_empty(ears: Ears, say: Say, listen: Listen) -> None:
    stream = await ears.open_stream("en", 8000)
    noise = np.random.default_rng(3).normal(0, 300, 16000).astype(np.int16)
    for samples in (np.zeros(8000, np.int16), np.zeros(0, np.int16), noise, np.zeros(160, np.int16)):
        await say(stream, samples)
        await stream.end_utterance()
        finals = [each for each in await listen(stream) if each.final]
        assert [each.text for each in finals] == [""]
    await stream.aclose()
    assert [each async for each in stream] == []


async def test_two_callers_do_not_mix(ears: Ears, speech: Speech, say: Say, listen: Listen) -> None:
    streams = [await ears.open_stream("en", 8000, HINTS) for _ in range(2)]
    await asyncio.gather(say(streams[0], speech("hours-rms")), say(streams[1], speech("address-slt")))
    for stream in streams:
        await stream.end_utterance()
    hours, address = [(await listen(stream))[-1].text for stream in streams]
    assert "opening" in hours
    assert "located" in address
    for stream in streams:
        await stream.aclose()


async def test_a_killed_worker_fails_the_stream_and_the_next_one_works(
    ears: Ears, speech: Speech, say: Say, listen: Listen
) -> None:
    stream = await ears.open_stream("en", 8000, HINTS)
    await say(stream, speech("hours-rms")[:8000])
    for child in psutil.Process().children():
        if "pocketsphinx_worker" in " ".join(child.cmdline()):
            os.kill(child.pid, signal.SIGKILL)
    with pytest.raises(EngineError):
        await listen(stream)
    await stream.aclose()
    stream = await ears.open_stream("en", 8000, HINTS)
    await say(stream, speech("hours-rms"))
    await stream.end_utterance()
    assert "opening" in (await listen(stream))[-1].text
    await stream.aclose()


async def test_closing_in_the_middle_gives_the_place_back(ears: Ears, speech: Speech, say: Say, listen: Listen) -> None:
    for _ in range(6):
        stream = await ears.open_stream("en", 8000)
        await say(stream, speech("yes-rms"))
        await stream.aclose()
        await stream.aclose()
    stream = await ears.open_stream("en", 8000, HINTS)
    await say(stream, speech("hours-rms"))
    await stream.end_utterance()
    assert "opening" in (await listen(stream))[-1].text
    await stream.aclose()


async def test_odd_hints_are_harmless(ears: Ears, speech: Speech, say: Say, listen: Listen) -> None:
    odd = ["", "Zyxqwv GmbH", "Сколько стоит?", "24/7", "<s> [NOISE] \\data\\", "'", "word " * 100]
    stream = await ears.open_stream("en", 8000, [*odd, *HINTS])
    await say(stream, speech("hours-slt"))
    await stream.end_utterance()
    assert "opening" in (await listen(stream))[-1].text
    await stream.aclose()


async def test_wrong_rates_and_languages_are_refused(ears: Ears) -> None:
    stream = await ears.open_stream("en", 8000)
    with pytest.raises(AudioError):
        await stream.push(silence(16000))
    await stream.aclose()
    with pytest.raises(EngineError):
        await ears.open_stream("en", 100)
    with pytest.raises(EngineUnavailableError, match="Russian") as refused:
        await ears.open_stream("ru", 8000)
    assert str(Path("vosk") / "vosk-model-small-ru-0.22") in refused.value.remedy
