"""Telephone keys in the sound, by the limits of ITU-T Q.24, and what must not be taken for one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from telephone_sound import all_speech, as_int16, at_level, cut, gsm_coded, noise, quiet, sines

from services.audio.dtmf import DtmfDetector, dtmf_tones, frequencies
from services.audio.frame import Samples
from services.audio.g711 import alaw_decode, alaw_encode, ulaw_decode, ulaw_encode
from services.errors import AudioError

KEYS = "1234567890*#ABCD"


def heard(samples: Samples, rate: int = 8_000) -> str:
    detector = DtmfDetector(rate)
    frames = cut(np.concatenate([samples, quiet(0.1, rate)]), rate)
    return "".join(key for frame in frames for key in detector.push(frame))


def pair(key: str, seconds: float = 0.05, *, aside: float = 0.0, low: float = -20, high: float = -20) -> Samples:
    """A key whose tones lie `aside` (a part) beside their frequencies, at RMS levels in dBFS."""
    row, column = frequencies(key)
    first = sines((row * (1 + aside),), seconds, low).astype(float)
    return as_int16(first + sines((column * (1 + aside),), seconds, high))


@given(st.text(KEYS, max_size=6), st.integers(0, 400), st.floats(0.04, 0.3), st.floats(0.04, 0.2))
@settings(max_examples=60, deadline=None)
def test_every_key_of_40_ms_is_heard_once_wherever_it_begins(keys: str, at: int, tone: float, pause: float) -> None:
    sound = dtmf_tones(keys, 8_000, tone_seconds=tone, pause_seconds=pause)
    assert heard(np.concatenate([np.zeros(at, np.int16), sound])) == keys


def test_wideband() -> None:
    assert heard(dtmf_tones(KEYS, 16_000, tone_seconds=0.05, pause_seconds=0.05), 16_000) == KEYS


@pytest.mark.parametrize("offset", range(0, 160, 20))
def test_shorter_than_23_ms_is_no_key(offset: int) -> None:
    assert heard(np.concatenate([np.zeros(offset, np.int16), dtmf_tones(KEYS, 8_000, tone_seconds=0.0225)])) == ""


def test_a_key_held_for_long_is_one_key_even_with_a_hole_of_a_frame() -> None:
    held = dtmf_tones("7", 8_000, tone_seconds=3)
    held[8_030:8_190] = 0
    assert heard(held) == "7"


def test_the_same_key_again_after_40_ms_is_a_second_press() -> None:
    assert heard(dtmf_tones("55555", 8_000, tone_seconds=0.04, pause_seconds=0.04)) == "55555"


def test_what_rings_on_after_a_key_is_not_the_key() -> None:
    key, tail = pair("7", 0.06), at_level(pair("7", 0.1), -20)
    assert heard(np.concatenate([key, tail, key, tail])) == "77"
    assert heard(np.concatenate([key, quiet(0.1), tail, quiet(0.1), pair("4", 0.06)])) == "74"
    assert heard(np.concatenate([key, quiet(1), tail])) == "77"  # so much later it is a soft press


def test_a_key_with_a_third_tone_is_no_key() -> None:
    key = pair("5", 0.5).astype(float)
    assert heard(as_int16(key + sines((2_100,), 0.5, -20))) == ""  # two thirds of the energy are not enough
    assert heard(as_int16(key + sines((941,), 0.5, -22))) == ""  # nor are two keys of one row a key


@pytest.mark.parametrize("key", KEYS)
def test_frequency_twist_and_level_limits(key: str) -> None:
    for aside in (-0.015, 0.015):
        assert heard(pair(key, aside=aside)) == key
    for aside in (-0.035, 0.035):
        assert heard(pair(key, 0.5, aside=aside)) == ""
    assert heard(pair(key, high=-24, low=-16)) == key
    assert heard(pair(key, high=-18, low=-22)) == key
    assert heard(pair(key, 0.5, high=-36, low=-20)) == ""
    assert heard(pair(key, 0.5, high=-20, low=-32)) == ""
    assert heard(pair(key, high=-31.2, low=-31.2)) == key  # -25 dBm0
    assert heard(pair(key, high=-6.2, low=-6.2)) == key  # 0 dBm0: both together are clipped
    assert heard(pair(key, 0.5, high=-60, low=-60)) == ""


@pytest.mark.parametrize("level", [-8, -20, -32])
def test_through_the_codecs_of_telephony(level: float) -> None:
    sound = dtmf_tones(KEYS, 8_000, tone_seconds=0.06, pause_seconds=0.06, level_dbfs=level)
    assert heard(ulaw_decode(ulaw_encode(sound))) == KEYS
    assert heard(alaw_decode(alaw_encode(sound))) == KEYS
    assert heard(gsm_coded(sound)) == KEYS


def test_in_noise_of_15_db() -> None:
    sound = dtmf_tones(KEYS, 8_000, tone_seconds=0.05, pause_seconds=0.05)
    assert heard(as_int16(sound.astype(float) + noise(len(sound) / 8_000, -26))) == KEYS


def test_speech_is_no_key() -> None:
    speech = all_speech()
    for sound in (speech, gsm_coded(speech), at_level(speech, 12), alaw_decode(alaw_encode(at_level(speech, -15)))):
        assert heard(sound) == ""


def test_music_noise_and_lone_tones_are_no_key() -> None:
    rng = np.random.default_rng(4)
    notes = []
    for _ in range(200):
        overtones = 10 ** (-rng.uniform(0.1, 0.8) * np.arange(5))
        note = 220 * 2 ** (rng.integers(-12, 24) / 12)
        angles = 2 * np.pi * np.outer(note * np.arange(1, 6), np.arange(2_000) / 8_000)
        notes.append(overtones @ np.sin(angles))
    assert heard(as_int16(4_000 * np.concatenate(notes))) == ""
    assert heard(noise(60, -20)) == ""
    for frequency in (425, 440, 697, 941, 1_209, 1_477, 2_100):
        assert heard(sines((frequency,), 1, -12)) == ""
    for both in ((440, 480), (350, 440), (697, 770), (1_209, 1_477), (941, 1_400)):
        assert heard(sines(both, 1, -16)) == ""


def test_tones_are_where_they_should_be() -> None:
    sound = dtmf_tones("5", 8_000, tone_seconds=0.5, pause_seconds=0.1, level_dbfs=-14)
    assert len(sound) == 4_800
    assert not sound[4_000:].any()
    spectrum = np.abs(np.fft.rfft(sound[:4_000] * np.hanning(4_000)))
    strongest = {int(2 * index) for index in np.argsort(spectrum)[-6:]}
    assert {770, 1_336} <= strongest
    assert max(abs(int(sound[0])), abs(int(sound[3_999]))) < 100
    assert len(dtmf_tones("", 8_000)) == 0
    with pytest.raises(AudioError, match="no telephone keys"):
        dtmf_tones("12x", 8_000)
    with pytest.raises(AudioError, match="22050"):
        DtmfDetector(22_050)
