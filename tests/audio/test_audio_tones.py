"""Ringback, busy, beeps and faxes: heard by their pitch and length, told apart by their cadence."""

import numpy as np
import pytest
from telephone_sound import all_speech, as_int16, at_level, cut, gsm_coded, noise, quiet, sines

from services.audio.dtmf import dtmf_tones
from services.audio.frame import Samples
from services.audio.tones import Signal, Tone, ToneDetector, classify


def heard(samples: Samples, rate: int = 8_000) -> list[Tone]:
    detector = ToneDetector(rate)
    frames = cut(np.concatenate([samples, quiet(0.3, rate)]), rate)
    return [tone for frame in frames if (tone := detector.push(frame))]


def cadence(*parts: tuple[tuple[float, ...], float]) -> Samples:
    return np.concatenate([sines(pitch, seconds, -15) if pitch else quiet(seconds) for pitch, seconds in parts])


@pytest.mark.parametrize("rate", [8_000, 16_000])
@pytest.mark.parametrize("frequency", [350, 425, 1_000, 1_400, 2_200])
@pytest.mark.parametrize("seconds", [0.27, 0.5, 2.0])
def test_a_tone_is_told_with_its_pitch_length_and_end(rate: int, frequency: int, seconds: float) -> None:
    for offset in (0, 37, 90, 130):
        before = 0.4 + offset / rate
        (tone,) = heard(np.concatenate([quiet(before, rate), sines((frequency,), seconds, -15, rate)]), rate)
        assert tone.frequency == pytest.approx(frequency, abs=2)
        assert tone.second == 0
        assert tone.seconds == pytest.approx(seconds, abs=0.035)
        assert tone.ended == pytest.approx(before + seconds, abs=0.035)


@pytest.mark.parametrize("pair", [(440, 480), (400, 450), (480, 620), (350, 440)])
def test_two_lines_are_told_apart(pair: tuple[int, int]) -> None:
    (tone,) = heard(np.concatenate([quiet(0.3), sines(pair, 1, -18)]))
    assert tone.frequency == pytest.approx(pair[0], abs=3)
    assert tone.second == pytest.approx(pair[1], abs=3)


def test_through_gsm_and_in_noise() -> None:
    beep = np.concatenate([quiet(0.5), sines((1_000,), 0.5, -20), quiet(0.3)])
    for sound in (gsm_coded(beep), as_int16(beep.astype(float) + noise(1.3, -34))):
        (tone,) = heard(sound)
        assert tone.frequency == pytest.approx(1_000, abs=3)
        assert tone.seconds == pytest.approx(0.5, abs=0.05)


def test_what_is_no_tone() -> None:
    speech = all_speech()
    for sound in (speech, gsm_coded(speech), at_level(speech, 12), noise(20, -20), quiet(5)):
        assert heard(sound) == []
    assert heard(sines((1_000,), 0.15, -15)) == []
    assert heard(sines((1_000,), 1, -55)) == []
    assert heard(sines((300,), 1, -15)) == heard(sines((2_500,), 1, -15)) == []
    assert heard(dtmf_tones("123", 8_000, tone_seconds=0.15)) == []
    glide = 2 * np.pi * np.cumsum(np.linspace(400, 1_500, 8_000)) / 8_000
    assert heard(as_int16(6_000 * np.sin(glide))) == []


def test_what_rings_on_softly_is_not_the_tone() -> None:
    (tone,) = heard(np.concatenate([quiet(0.3), sines((1_000,), 0.5, -15), sines((1_000,), 0.2, -30)]))
    assert tone.seconds == pytest.approx(0.5, abs=0.05)


def test_a_long_tone_is_one_tone_and_takes_no_more_room() -> None:
    detector, (frame,) = ToneDetector(8_000), cut(sines((450,), 0.02, -15))  # nine whole periods
    assert not any(detector.push(frame) for _ in range(3_000))
    assert len(detector._run) <= 100
    (tone,) = [tone for frame in cut(quiet(0.3)) if (tone := detector.push(frame))]
    assert tone.frequency == pytest.approx(450, abs=2)
    assert tone.seconds == pytest.approx(60, abs=0.04)


@pytest.mark.parametrize(
    ("sound", "signals"),
    [
        (cadence(((425,), 1.0), ((), 4.0), ((425,), 1.0)), "ringback ringback"),
        (cadence(((440, 480), 2.0), ((), 4.0)), "ringback"),
        (cadence(((400, 450), 0.4), ((), 0.2), ((400, 450), 0.4)), "ringback ringback"),
        (cadence(((425,), 0.35), ((), 0.35), ((425,), 0.35), ((), 0.35), ((425,), 0.35)), "unknown busy busy"),
        (cadence(((425,), 0.5), ((), 0.5), ((425,), 0.5)), "unknown busy"),
        (cadence(((480, 620), 0.5), ((), 0.5)), "busy"),
        (cadence(((950,), 0.33), ((1_400,), 0.33), ((1_800,), 0.33)), "beep beep unobtainable"),
        (cadence(((1_100,), 0.5), ((), 3.0), ((1_100,), 0.5)), "beep fax"),
        (
            cadence(
                ((2_100,), 2.6),
            ),
            "fax",
        ),
        (
            cadence(
                ((1_400,), 0.4),
            ),
            "beep",
        ),
        (
            cadence(
                ((1_000,), 5.0),
            ),
            "unknown",
        ),
        (
            cadence(
                ((425,), 6.0),
            ),
            "unknown",
        ),
        (
            cadence(
                ((350, 440), 3.0),
            ),
            "unknown",
        ),
    ],
)
def test_signals(sound: Samples, signals: str) -> None:
    tones = heard(np.concatenate([quiet(0.2), sound]))
    assert [str(classify(tones[: count + 1])) for count in range(len(tones))] == signals.split()


def test_nothing_heard_means_nothing() -> None:
    assert classify([]) is Signal.UNKNOWN
