import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.audio.frame import Samples
from services.audio.resample import StreamingResampler, resample
from services.errors import AudioError

RATES = (8_000, 16_000, 22_050, 24_000, 44_100, 48_000)
PAIRS = [(a, b) for a in RATES for b in RATES if a != b]
TO_PHONE = [rate for rate in RATES if rate > 8_000]


def sine(frequency: float, rate: int, seconds: float = 0.5, amplitude: float = 20_000) -> Samples:
    return np.rint(amplitude * np.sin(2 * np.pi * frequency * np.arange(int(rate * seconds)) / rate)).astype(np.int16)


def gain_db(frequency: float, from_rate: int, to_rate: int) -> float:
    """Level of all output against the input sine, without the edges: passed, aliased and imaged sound alike."""
    output = resample(sine(frequency, from_rate), from_rate, to_rate).astype(float)
    steady = output[to_rate // 20 : -to_rate // 20]
    return 20 * math.log10(max(float(np.sqrt(np.mean(steady**2))), 1e-3) / (20_000 / math.sqrt(2)))


@pytest.mark.parametrize(("from_rate", "to_rate"), PAIRS)
def test_the_telephone_band_is_flat(from_rate: int, to_rate: int) -> None:
    for frequency in (50, 300, 1_000, 2_500, 3_400):
        assert abs(gain_db(frequency, from_rate, to_rate)) < 0.1, frequency


@pytest.mark.parametrize("from_rate", TO_PHONE)
def test_nothing_above_4600_hz_folds_into_the_telephone_band(from_rate: int) -> None:
    for frequency in np.linspace(4_600, from_rate / 2 - 50, 12):
        assert gain_db(float(frequency), from_rate, 8_000) < -65, frequency


@pytest.mark.parametrize(("from_rate", "to_rate"), [pair for pair in PAIRS if pair[0] < pair[1]])
def test_going_up_makes_no_image(from_rate: int, to_rate: int) -> None:
    output = resample(sine(3_000, from_rate), from_rate, to_rate).astype(float)[to_rate // 20 : -to_rate // 20]
    spectrum = np.abs(np.fft.rfft(output * np.blackman(len(output))))
    hertz = np.fft.rfftfreq(len(output), 1 / to_rate)
    other = spectrum[np.abs(hertz - 3_000) > 100].max()
    assert 20 * math.log10(other / spectrum.max()) < -65


@pytest.mark.parametrize(("from_rate", "to_rate"), PAIRS)
def test_a_tone_stands_where_it_stood(from_rate: int, to_rate: int) -> None:
    output = resample(sine(1_000, from_rate, amplitude=10_000), from_rate, to_rate).astype(float)
    expected = 10_000 * np.sin(2 * np.pi * 1_000 * np.arange(len(output)) / to_rate)
    assert np.abs(output - expected)[to_rate // 50 : -to_rate // 50].max() < 15


@pytest.mark.parametrize(("from_rate", "to_rate"), PAIRS)
def test_at_most_three_milliseconds_are_withheld(from_rate: int, to_rate: int) -> None:
    resampler = StreamingResampler(from_rate, to_rate)
    assert 0 < resampler.delay_seconds <= 0.003
    assert resampler.delay_seconds == resampler.withheld / from_rate
    given_in = given_out = 0
    for size in (1, 7, 100, from_rate // 50, 3, from_rate // 50):
        given_in += size
        given_out += len(resampler.process(np.zeros(size, np.int16)))
        lag = given_in / from_rate - given_out / to_rate
        # What has come but not gone never exceeds the promise by more than the output sample that is not yet due.
        assert lag <= resampler.delay_seconds + 1e-9


@given(
    pair=st.sampled_from(PAIRS),
    cuts=st.lists(st.integers(0, 1_500), max_size=8),
    length=st.integers(0, 1_500),
    seed=st.integers(0, 1_000),
)
@settings(max_examples=150, deadline=None)
def test_chunking_changes_no_bit(pair: tuple[int, int], cuts: list[int], length: int, seed: int) -> None:
    from_rate, to_rate = pair
    samples = np.random.default_rng(seed).integers(-32_768, 32_768, length).astype(np.int16)
    whole = resample(samples, from_rate, to_rate)
    resampler = StreamingResampler(from_rate, to_rate)
    parts = [resampler.process(part) for part in np.split(samples, sorted(min(cut, length) for cut in cuts))]
    streamed = np.concatenate([*parts, resampler.flush()])
    assert np.array_equal(streamed, whole)
    assert abs(len(whole) - length * to_rate / from_rate) <= 0.5
    assert whole.dtype == np.int16


@pytest.mark.parametrize(("from_rate", "to_rate"), PAIRS)
def test_an_hour_does_not_drift(from_rate: int, to_rate: int) -> None:
    resampler = StreamingResampler(from_rate, to_rate)
    frame = np.zeros(from_rate * 60, np.int16)
    resampler._taken = resampler._start = from_rate * 3_600  # an hour later
    resampler._made = to_rate * 3_600
    resampler._start -= resampler.withheld - 1
    made = len(resampler.process(frame)) + len(resampler.flush())
    assert abs(made - to_rate * 60) <= 1


@pytest.mark.parametrize(("from_rate", "to_rate"), PAIRS)
def test_a_constant_stays_exactly_that_constant(from_rate: int, to_rate: int) -> None:
    output = resample(np.full(2_000, 12_345, np.int16), from_rate, to_rate)
    edge = to_rate // 300
    assert set(output[edge:-edge].tolist()) == {12_345}


def test_output_is_rounded_to_the_nearest() -> None:
    output = resample(sine(1_013.7, 24_000, amplitude=300), 24_000, 8_000).astype(float)
    error = (output - 300 * np.sin(2 * np.pi * 1_013.7 * np.arange(len(output)) / 8_000))[100:-100]
    # 1 / sqrt(12) = 0.29 for each rounding, the input's own lowered by the filter; cutting off would give 0.6.
    assert float(np.sqrt(np.mean(error**2))) < 0.45


def test_overshoot_saturates_instead_of_wrapping() -> None:
    square = np.where(np.arange(4_000) // 40 % 2, 32_767, -32_768).astype(np.int16)
    output = resample(square, 24_000, 8_000).astype(int)
    assert output.max() == 32_767
    assert output.min() == -32_768
    wanted = resample((square // 4).astype(np.int16), 24_000, 8_000).astype(int) * 4
    assert np.abs(output - np.clip(wanted, -32_768, 32_767)).max() < 16


def test_equal_rates_pass_through() -> None:
    samples = np.arange(100, dtype=np.int16)
    resampler = StreamingResampler(8_000, 8_000)
    assert np.array_equal(resampler.process(samples), samples)
    assert len(resampler.flush()) == 0
    assert resampler.withheld == 0
    assert np.array_equal(resample(samples, 8_000, 8_000), samples)


def test_after_flush_it_is_as_new() -> None:
    samples = sine(700, 22_050)
    resampler = StreamingResampler(22_050, 8_000)
    first = np.concatenate([resampler.process(samples), resampler.flush()])
    second = np.concatenate([resampler.process(samples), resampler.flush()])
    assert np.array_equal(first, second)


@pytest.mark.parametrize("rates", [(0, 8_000), (8_000, -1), (8_000, 1_000_000), (44_099, 192_001)])
def test_impossible_rates_are_refused(rates: tuple[int, int]) -> None:
    with pytest.raises(AudioError, match="Hz"):
        StreamingResampler(*rates)


def test_other_than_mono_int16_is_refused() -> None:
    resampler = StreamingResampler(16_000, 8_000)
    with pytest.raises(AudioError, match="mono 16-bit"):
        resampler.process(np.zeros(10, np.float32))
    with pytest.raises(AudioError, match="mono 16-bit"):
        resampler.process(np.zeros((10, 2), np.int16))
