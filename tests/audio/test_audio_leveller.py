"""One loudness for quiet and loud callers: nothing clips, nothing is moved, noise stays where it was."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from telephone_sound import all_speech, as_int16, at_level, cut, joined, noise, quiet, sines

from services.audio.frame import Frame, Samples
from services.audio.leveller import INCOMING, OUTGOING, Leveller, Levelling
from services.audio.levels import peak_dbfs, rms_dbfs
from services.audio.speech_meter import SpeechMeter

SPEECH = at_level(all_speech(), -2)  # its active level is -20 dBFS
SECOND = 8_000


def levelled(samples: Samples, aim: Levelling = INCOMING) -> tuple[Samples, Leveller]:
    leveller = Leveller(8_000, aim)
    return joined([leveller.push(frame) for frame in cut(samples)]), leveller


def speech_level(samples: Samples) -> float:
    """Level of the frames within 30 dB of the loudest: what a listener calls its loudness."""
    energy = (samples[: len(samples) // 160 * 160].reshape(-1, 160).astype(float) ** 2).mean(axis=1)
    return float(10 * np.log10(energy[energy > energy.max() / 1_000].mean() / 32_768**2))


def with_noise(samples: Samples, level: float) -> Samples:
    return as_int16(samples.astype(float) + noise(len(samples) / SECOND, level)[: len(samples)])


@pytest.mark.parametrize(("loss", "reached"), [(0, -20), (-10, -20), (-15, -20), (-25, -27), (10, -20)])
def test_speech_comes_near_the_target(loss: float, reached: float) -> None:
    sound, _ = levelled(with_noise(at_level(SPEECH, loss), -85 if loss < -20 else -75))
    assert speech_level(sound[20 * SECOND :]) == pytest.approx(reached, abs=2)


def test_a_quiet_caller_is_there_after_a_second_and_a_half() -> None:
    _, leveller = levelled(with_noise(at_level(SPEECH, -25), -80)[: round(1.5 * SECOND)])
    assert leveller.gain_db > 15


def test_of_the_secretary_only_a_little_is_corrected_and_slowly() -> None:
    sound, leveller = levelled(at_level(SPEECH, -25), OUTGOING)
    assert leveller.gain_db <= 6.01
    assert levelled(at_level(SPEECH, -25)[: 2 * SECOND], OUTGOING)[1].gain_db < 4
    ducked = np.concatenate([SPEECH[: 10 * SECOND], at_level(SPEECH[10 * SECOND : 10 * SECOND + 4_000], -12)])
    before, _ = levelled(ducked[: 10 * SECOND], OUTGOING)
    sound, _ = levelled(ducked, OUTGOING)
    assert rms_dbfs(sound[10 * SECOND :]) - rms_dbfs(ducked[10 * SECOND :]) < 2 + rms_dbfs(before) - rms_dbfs(
        ducked[: 10 * SECOND]
    )


@pytest.mark.parametrize("gain", [12, 20, 35])
def test_what_is_too_loud_is_not_clipped(gain: float) -> None:
    sound, leveller = levelled(at_level(SPEECH, gain))
    assert peak_dbfs(sound) < 0
    assert int(np.abs(sound.astype(np.int32)).max()) < 32_767
    assert leveller.meter.speech_dbfs > -15


def test_a_shout_after_whispering_is_bent_not_cut() -> None:
    whisper = with_noise(at_level(SPEECH, -25)[: 10 * SECOND], -80)
    shouted = sines((300,), 1, -4)
    sound, leveller = levelled(np.concatenate([whisper, shouted]))
    assert leveller.limited > 0
    shout = sound[10 * SECOND :]
    assert np.all(shout.astype(np.int32) * shouted >= 0)  # nothing wrapped round
    assert np.count_nonzero(np.abs(shout.astype(np.int32)) > 32_700) < 16  # the 2 ms in which the gain gives way


def test_after_a_shout_the_gain_comes_back_by_and_by() -> None:
    _, leveller = levelled(with_noise(at_level(SPEECH, -25)[: 10 * SECOND], -80))
    before = leveller.gain_db
    leveller.push(cut(sines((300,), 0.02, -4))[0], learn=False)  # or the target itself would come down
    lowered = leveller.gain_db
    whisper = cut(sines((300,), 0.4, -45))
    leveller.push(whisper[0], learn=False)
    assert lowered < 0.6
    assert leveller.gain_db == pytest.approx(lowered + 0.5, abs=0.1)
    for frame in whisper:
        leveller.push(frame, learn=False)
    assert lowered + 8 < leveller.gain_db <= before


def test_speech_that_hardly_stands_above_the_noise_is_not_pumped() -> None:
    _, leveller = levelled(with_noise(at_level(SPEECH, -25), -52))
    assert leveller.gain_db <= 3.01


@pytest.mark.parametrize(("loss", "floor"), [(-25, -70), (-25, -60), (-15, -55), (-20, -50), (0, -50)])
def test_noise_in_pauses_is_raised_by_a_few_decibels_or_stays_harmless(loss: float, floor: float) -> None:
    parts = []
    for start in range(0, 30 * SECOND, 3 * SECOND):
        parts += [at_level(SPEECH[start : start + 3 * SECOND], loss), quiet(2)]
    sound, _ = levelled(with_noise(np.concatenate(parts), floor))
    pauses = [sound[at + 4 * SECOND : at + 5 * SECOND] for at in range(0, len(sound) - 5 * SECOND, 5 * SECOND)]
    raised = rms_dbfs(np.concatenate(pauses)) - floor
    assert raised < 4 or floor + raised < -58


def test_nobody_speaks_nothing_is_done() -> None:
    with_holes = noise(10, -50)
    with_holes[(np.arange(len(with_holes)) // 1_600) % 4 == 0] = 0  # silence put in for sound that did not come
    for sound in (noise(10, -50), noise(10, -65), with_holes, quiet(10), sines((425,), 1, -50)):
        assert np.array_equal(levelled(sound)[0], sound)


def test_a_steady_tone_stays_clean() -> None:
    tone = np.concatenate([quiet(0.5), sines((1_004,), 6, -30)])
    sound, _ = levelled(with_noise(tone, -90))
    steady = sound[4 * SECOND : 6 * SECOND].astype(float)
    spectrum = np.abs(np.fft.rfft(steady * np.blackman(len(steady)))) ** 2
    peak = int(spectrum.argmax())
    signal = spectrum[peak - 4 : peak + 5].sum()
    assert 10 * np.log10(signal / (spectrum.sum() - signal)) > 50


def test_the_gain_glides() -> None:
    leveller = Leveller(8_000, INCOMING)
    for frame in cut(with_noise(at_level(SPEECH, -15), -55)[: 10 * SECOND]):
        leveller.push(frame)
    before = leveller.gain_db
    # A constant, too soft for speech, shows the gain itself as it falls back for a pause.
    constant = joined([leveller.push(Frame(np.full(160, 100, np.int16), 8_000)) for _ in range(40)])
    assert before - leveller.gain_db > 5
    assert np.abs(np.diff(constant.astype(np.int32))).max() <= 1


def test_without_learning_nothing_is_concluded() -> None:
    leveller = Leveller(8_000, INCOMING)
    frames = cut(at_level(SPEECH, -20)[: 5 * SECOND])
    for frame in frames:
        assert leveller.push(frame, learn=False) is frame
    assert leveller.gain_db == 0
    assert leveller.meter.speech_dbfs == -120
    for frame in frames[:40]:
        leveller.push(frame)
    rising = leveller.gain_db
    for frame in cut(at_level(SPEECH, -20)[5 * SECOND : 7 * SECOND]):
        leveller.push(frame, learn=False)
    assert 1 < rising < 15
    assert leveller.gain_db <= rising


@given(st.lists(st.tuples(st.sampled_from([0, 5, 300, 9_000, 32_767]), st.booleans()), min_size=1, max_size=40))
@settings(max_examples=60, deadline=None)
def test_any_sound_keeps_its_place_and_length_and_never_wraps(parts: list[tuple[int, bool]]) -> None:
    rng, leveller, position = np.random.default_rng(0), Leveller(8_000, INCOMING), 480
    for level, square in parts:
        signs = np.ones(160) if square else rng.choice([-1, 1], 160)
        frame = Frame(as_int16(signs * level), 8_000, position)
        out = leveller.push(frame)
        assert (out.position, out.rate, len(out.samples)) == (position, 8_000, 160)
        assert out.samples.dtype == np.int16
        assert np.all(np.sign(out.samples) * np.sign(frame.samples) >= 0)
        position = frame.end


def test_the_meter_tells_speech_from_noise() -> None:
    meter = SpeechMeter()
    for frame in cut(with_noise(np.concatenate([quiet(2), SPEECH[: 20 * SECOND], quiet(3)]), -60)):
        meter.push(float((frame.samples.astype(float) ** 2).mean()) / 32_768**2)
    assert meter.speech_dbfs == pytest.approx(-20, abs=2)
    assert meter.noise_dbfs == pytest.approx(-60, abs=2)
    assert not meter.active
