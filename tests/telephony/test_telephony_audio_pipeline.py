"""Bytes of a telephone line to frames and back: any chunks, three codings, two rates, and what goes wrong."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from telephone_sound import all_speech, at_level, cut, joined, noise, quiet

from services.audio.dtmf import dtmf_tones
from services.audio.frame import Samples, silence
from services.audio.g711 import alaw_decode, alaw_encode, ulaw_decode, ulaw_encode
from services.audio.leveller import INCOMING
from services.errors import AudioError
from telephony.audio_pipeline import RATES, Coding, TelephonyAudioPipeline

SPEECH = at_level(all_speech(), -2)
CODINGS = [(coding, rate) for coding, rates in RATES.items() for rate in rates]


def plain(rate: int = 8_000, coding: Coding = Coding.LINEAR) -> TelephonyAudioPipeline:
    return TelephonyAudioPipeline(rate, coding, incoming=None, outgoing=None)


def coded(samples: Samples, coding: Coding) -> bytes:
    if coding is Coding.LINEAR:
        return samples.astype("<i2").tobytes()
    return ulaw_encode(samples) if coding is Coding.MU_LAW else alaw_encode(samples)


def decoded(data: bytes, coding: Coding) -> Samples:
    if coding is Coding.LINEAR:
        return np.frombuffer(data, "<i2").astype(np.int16)
    return ulaw_decode(data) if coding is Coding.MU_LAW else alaw_decode(data)


@pytest.mark.parametrize(("coding", "rate"), CODINGS)
@given(sizes=st.lists(st.integers(0, 1_500), max_size=12))
@settings(max_examples=25, deadline=None)
def test_chunks_of_any_size_become_the_same_frames(coding: Coding, rate: int, sizes: list[int]) -> None:
    pipeline = plain(rate, coding)
    data = coded(SPEECH[20_000:], coding)[: sum(sizes)]
    frames, at = [], 0
    for size in sizes:
        frames += pipeline.receive(data[at : at + size])
        at += size
    whole = len(data) // pipeline.frame_bytes
    assert [frame.position for frame in frames] == [index * (rate // 50) for index in range(whole)]
    assert all(frame.rate == rate and len(frame.samples) == rate // 50 for frame in frames)
    if whole:
        assert np.array_equal(joined(frames), decoded(data[: whole * pipeline.frame_bytes], coding))


@pytest.mark.parametrize(
    ("coding", "rate", "size"), [("linear", 8_000, 320), ("linear", 16_000, 640), ("a-law", 8_000, 160)]
)
def test_a_frame_goes_out_as_20_ms_of_bytes(coding: str, rate: int, size: int) -> None:
    pipeline = plain(rate, Coding(coding))
    assert pipeline.frame_bytes == size
    for frame in cut(SPEECH[:16_000], rate):
        data = pipeline.transmit(frame)
        assert len(data) == size
        assert np.abs(decoded(data, Coding(coding)).astype(int) - frame.samples).max() <= 512
    with pytest.raises(AudioError):
        pipeline.transmit(silence(24_000 - rate))


def test_rates_that_no_line_has_are_refused() -> None:
    with pytest.raises(AudioError, match="no rate of 16000"):
        TelephonyAudioPipeline(16_000, Coding.MU_LAW)
    with pytest.raises(AudioError, match="8000 or 16000"):
        TelephonyAudioPipeline(44_100)


@pytest.mark.parametrize("coding", Coding)
def test_silence_stands_in_for_sound_that_did_not_come(coding: Coding) -> None:
    pipeline = plain(coding=coding)
    sound = coded(np.full(400, 1_000, np.int16), coding)
    frames = pipeline.receive(sound) + pipeline.receive_silence(5) + pipeline.receive(sound)
    assert len(frames) == 10
    assert np.abs(joined(frames[3:7]).astype(int)).max() <= 8  # A-law has no zero
    pipeline.forget_rest()
    assert np.all(pipeline.receive(sound)[0].samples > 900)


def test_a_split_sample_before_a_gap_does_not_put_the_stream_off() -> None:
    pipeline = plain()
    data = coded(SPEECH[20_000:40_000], Coding.LINEAR)
    frames = pipeline.receive(data[:1_601]) + pipeline.receive_silence(3) + pipeline.receive(data[1_601:])
    sound = joined(frames)
    assert np.array_equal(sound[801 + 480 :], SPEECH[20_801 : 20_000 + len(sound) - 480])
    assert pipeline.figures().realigned == 0


@pytest.mark.parametrize("rate", [8_000, 16_000])
def test_a_lost_byte_is_made_good(rate: int) -> None:
    pipeline = plain(rate)
    data = coded(SPEECH[20_000:], Coding.LINEAR)
    lost = data[:100_001] + data[100_002:]
    frames = [frame for at in range(0, len(lost), 333) for frame in pipeline.receive(lost[at : at + 333])]
    sound = joined(frames)
    assert pipeline.figures().realigned == 1
    again = 50_000 + round(0.3 * rate)
    assert np.array_equal(sound[again:], SPEECH[20_001 + again :][: len(sound) - again])


def test_keys_are_heard_on_request() -> None:
    keys: list[str] = []
    pipeline = TelephonyAudioPipeline(coding=Coding.A_LAW, on_key=keys.append)
    pipeline.receive(coded(np.concatenate([SPEECH[:16_000], dtmf_tones("12##", 8_000)]), Coding.A_LAW))
    assert "".join(keys) == "12##"


def test_both_sides_are_levelled_and_told() -> None:
    pipeline = TelephonyAudioPipeline()
    caller = at_level(SPEECH, -20)
    heard = joined(pipeline.receive((caller + noise(len(caller) / 8_000, -80)[: len(caller)]).tobytes()))
    for frame in cut(at_level(SPEECH, -4)):
        pipeline.transmit(frame)
    figures = pipeline.figures(2, 7)
    assert abs(figures.speech_in + 40) < 2
    assert figures.noise_in < -75
    assert 16 < figures.gain_in <= 18
    assert abs(figures.speech_out + 24) < 2
    assert 2 < figures.gain_out <= 6
    assert (figures.clipped, figures.realigned, figures.input_gaps, figures.output_gaps) == (0, 0, 2, 7)
    assert int(np.abs(heard.astype(int)).max()) > 4 * int(np.abs(caller.astype(int)).max())


def test_while_the_secretary_speaks_and_just_after_the_callers_level_is_not_learnt() -> None:
    pipeline = TelephonyAudioPipeline()
    echo = at_level(SPEECH, -20)
    for out, back in zip(cut(SPEECH), cut(echo), strict=True):
        pipeline.transmit(out)
        assert np.array_equal(pipeline.receive(back.samples.tobytes())[0].samples, back.samples)
    assert pipeline.figures().speech_in == -120


@pytest.mark.parametrize("coding", Coding)
def test_clipped_samples_are_counted(coding: Coding) -> None:
    pipeline = plain(coding=coding)
    sound = np.tile(np.array([32_767, -32_768, 100, 4_000], np.int16), 400)
    pipeline.receive(coded(sound, coding))
    assert pipeline.figures().clipped == 800
    pipeline.receive(coded(quiet(1), coding))
    assert pipeline.figures().clipped == 800
    assert TelephonyAudioPipeline(coding=coding, incoming=INCOMING).figures().gain_in == 0
