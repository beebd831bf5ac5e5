import sys
import warnings
from collections.abc import Callable

import numpy as np
import pytest

from services.audio.frame import Samples
from services.audio.g711 import alaw_decode, alaw_encode, ulaw_decode, ulaw_encode

# sample: mu-law code, its value, A-law code, its value
VECTORS = {
    0: (0xFF, 0, 0xD5, 8),
    8: (0xFE, 8, 0xD5, 8),
    100: (0xF2, 104, 0xD3, 104),
    -100: (0x72, -104, 0x53, -104),
    1_000: (0xCE, 988, 0xFA, 1_008),
    -1_000: (0x4E, -988, 0x7A, -1_008),
    4_096: (0xAF, 4_092, 0x85, 4_224),
    -4_096: (0x2F, -4_092, 0x1A, -4_032),
    8_000: (0xA0, 7_932, 0x8A, 8_064),
    16_000: (0x90, 15_996, 0xBA, 16_128),
    32_767: (0x80, 32_124, 0xAA, 32_256),
    -32_768: (0x00, -32_124, 0x2A, -32_256),
}
EVERY_SAMPLE = np.arange(-32_768, 32_768).astype(np.int16)
EVERY_CODE = bytes(range(256))
LAWS = [(ulaw_encode, ulaw_decode), (alaw_encode, alaw_decode)]
Encode = Callable[[Samples], bytes]
Decode = Callable[[bytes], Samples]


@pytest.mark.parametrize("sample", VECTORS)
def test_known_vectors(sample: int) -> None:
    ulaw, ulaw_value, alaw, alaw_value = VECTORS[sample]
    one = np.array([sample], np.int16)
    assert ulaw_encode(one) == bytes([ulaw])
    assert ulaw_decode(bytes([ulaw])).tolist() == [ulaw_value]
    assert alaw_encode(one) == bytes([alaw])
    assert alaw_decode(bytes([alaw])).tolist() == [alaw_value]


def test_the_digital_milliwatt() -> None:
    """0 dBm0 at 1 kHz by ITU-T G.711: 3.17 dB (mu-law) and 3.14 dB (A-law) under a sine that just reaches the clip."""
    for decode, codes, clip, below in (
        (ulaw_decode, "1E0B0B1E9E8B8B9E", 32_636, 3.17),
        (alaw_decode, "34212134B4A1A1B4", 32_768, 3.14),
    ):
        values = decode(bytes.fromhex(codes)).astype(float)
        assert 20 * np.log10(clip / np.sqrt(2) / np.sqrt(np.mean(values**2))) == pytest.approx(below, abs=0.01)


@pytest.mark.parametrize(("encode", "decode"), LAWS)
def test_every_code_survives_decode_and_encode(encode: Encode, decode: Decode) -> None:
    again = encode(decode(EVERY_CODE))
    different = [code for code in range(256) if again[code] != code]
    assert different == ([0x7F] if encode is ulaw_encode else [])  # mu-law has two zeros


@pytest.mark.parametrize(
    ("encode", "decode", "worst"), [(ulaw_encode, ulaw_decode, 644), (alaw_encode, alaw_decode, 512)]
)
def test_every_sample_comes_back_near(encode: Encode, decode: Decode, worst: int) -> None:
    error = np.abs(decode(encode(EVERY_SAMPLE)).astype(int) - EVERY_SAMPLE)
    assert error.max() == worst


@pytest.mark.parametrize(("encode", "decode"), LAWS)
def test_a_sine_keeps_33_db_above_its_noise(encode: Encode, decode: Decode) -> None:
    for level in (-30, -20, -10, -3):
        tone = 32_767 * 10 ** (level / 20) * np.sin(2 * np.pi * 1_004 * np.arange(8_000) / 8_000)
        noise = decode(encode(np.rint(tone).astype(np.int16))).astype(float) - tone
        assert 10 * np.log10(np.mean(tone**2) / np.mean(noise**2)) > 33, level


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="audioop left the standard library in Python 3.13")
def test_agrees_with_audioop_on_every_input() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import audioop
    assert ulaw_decode(EVERY_CODE).tobytes() == audioop.ulaw2lin(EVERY_CODE, 2)
    assert alaw_decode(EVERY_CODE).tobytes() == audioop.alaw2lin(EVERY_CODE, 2)
    raw = EVERY_SAMPLE.tobytes()
    for encode, decode, theirs in (
        (ulaw_encode, ulaw_decode, audioop.lin2ulaw(raw, 2)),
        (alaw_encode, alaw_decode, audioop.lin2alaw(raw, 2)),
    ):
        our_codes = np.frombuffer(encode(EVERY_SAMPLE), np.uint8)
        their_codes = np.frombuffer(theirs, np.uint8)
        other = our_codes != their_codes
        # audioop drops the lowest bits of a negative sample downwards, which moves the edges of mu-law by up to three.
        assert other.sum() == (381 if encode is ulaw_encode else 0)
        assert (np.abs(our_codes[other].astype(int) - their_codes[other]) == 1).all()
        ours_off = np.abs(decode(our_codes.tobytes()).astype(int) - EVERY_SAMPLE)
        theirs_off = np.abs(decode(theirs).astype(int) - EVERY_SAMPLE)
        assert (ours_off <= theirs_off).all()


def test_decoded_audio_belongs_to_the_caller() -> None:
    values = ulaw_decode(b"\xff" * 10)
    values += 1
    assert ulaw_decode(b"\xff").tolist() == [0]
    assert len(alaw_decode(b"")) == 0
    assert ulaw_encode(np.zeros(0, np.int16)) == b""


def test_a_strided_array_is_encoded_as_it_reads() -> None:
    stereo = np.array([[100, 0], [-100, 0], [1_000, 0]], np.int16)
    assert ulaw_encode(stereo[:, 0]) == bytes([0xF2, 0x72, 0xCE])
