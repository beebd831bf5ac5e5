"""A lost byte makes noise of speech: it is noticed by itself, and nothing else is taken for it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from telephone_sound import all_speech, as_int16, at_level, gsm_coded, noise, quiet, sines

from services.audio.byte_alignment import ByteAlignment
from services.audio.dtmf import dtmf_tones
from services.audio.frame import Samples
from services.audio.g711 import alaw_decode, alaw_encode, ulaw_decode, ulaw_encode

FRAME = 320
SPEECH = all_speech()
VOICED = at_level(SPEECH, -6)[8_000:]


def moves(data: bytes) -> list[int]:
    """The bytes at which the stream was moved."""
    alignment, at, found = ByteAlignment(), 0, []
    while at + FRAME <= len(data):
        if alignment.read(data[at : at + FRAME]) is None:
            at += 1
            found.append(at)
        else:
            at += FRAME
    return found


def real_sounds() -> dict[str, Samples]:
    tones = sines((1_000,), 5, -3.1)
    return {
        **{f"speech {level} dB": at_level(SPEECH, level) for level in (-60, -40, -25, 0, 12, 30)},
        **{f"noise {level} dBFS": noise(10, level) for level in (-90, -75, -60, -40, -20, -8, -3, 10)},
        "speech in noise": as_int16(at_level(SPEECH, -20).astype(float) + noise(len(SPEECH) / 8_000, -45)),
        "uniform noise": np.random.default_rng(0).integers(-32_768, 32_768, 80_000).astype(np.int16),
        "speech by GSM": gsm_coded(SPEECH),
        "speech by mu-law": ulaw_decode(ulaw_encode(at_level(SPEECH, 6))),
        "speech by A-law": alaw_decode(alaw_encode(at_level(SPEECH, 6))),
        "noise by mu-law": ulaw_decode(ulaw_encode(noise(10, 3))),
        "noise by A-law": alaw_decode(alaw_encode(noise(10, 3))),
        "8 bits": (SPEECH // 256 * 256).astype(np.int16),
        "noise of 8 bits": (noise(10, -10) // 256 * 256).astype(np.int16),
        "square": (8_000 * np.sign(tones.astype(np.int32) + 1)).astype(np.int16),
        "tone": tones,
        "soft tone": sines((440,), 5, -50),
        "keys": dtmf_tones("0123456789*#" * 4, 8_000),
        "silence": quiet(5),
        "clicks": np.where(np.arange(40_000) % 80 == 0, 8_192, 0).astype(np.int16),
        "one click": np.concatenate([quiet(1), np.full(1, 8_192, np.int16), quiet(1)]),
    }


@pytest.mark.parametrize(("name", "samples"), real_sounds().items(), ids=list(real_sounds()))
def test_no_real_sound_is_moved(name: str, samples: Samples) -> None:
    assert moves(samples.tobytes()) == []


@given(st.integers(0, len(VOICED) - 40_000), st.sampled_from([0, -15, -30]))
@settings(max_examples=80, deadline=None)
def test_speech_is_right_again_within_a_third_of_a_second_of_its_sound(at: int, level: int) -> None:
    # A byte is lost within speech: what counts is how long the noise of it is heard, not how long a pause is.
    samples = at_level(VOICED[at:], level)
    loud = np.abs(samples.astype(np.int32)).reshape(-1)[: len(samples) // 160 * 160].reshape(-1, 160).max(axis=1) > 20
    (moved,) = moves(samples.tobytes()[1:])
    assert np.count_nonzero(loud[: moved // FRAME]) <= 15


def test_most_of_the_noise_is_never_heard() -> None:
    lost = VOICED.tobytes()[1:]
    alignment, at, heard = ByteAlignment(), 0, []
    while at + FRAME <= len(lost):
        samples = alignment.read(lost[at : at + FRAME])
        if samples is None:
            break
        heard.append(samples)
        at += FRAME
    sound = np.concatenate(heard)
    wrong = np.abs(sound[:-1].astype(np.int32) - VOICED[1 : len(sound)]) > 300
    assert len(sound) <= 20 * 160
    assert np.count_nonzero(wrong) <= 2 * 160  # of the first frames, before the sound was loud enough to tell


def test_each_lost_byte_is_found() -> None:
    data = VOICED.tobytes()
    thrice = data[:100_001] + data[100_002:200_000] + data[200_001:300_000] + data[300_003:]
    found = moves(thrice)
    assert len(found) == 3
    assert all(0 < at - lost <= 16_000 for at, lost in zip(found, (100_000, 200_000, 300_000), strict=True))
