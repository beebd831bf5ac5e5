import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.audio.framer import Framer
from services.audio.levels import peak_dbfs, rms_dbfs
from services.errors import AudioError


@given(st.sampled_from([8_000, 16_000, 22_050, 48_000]), st.lists(st.integers(0, 2_000), max_size=8))
@settings(max_examples=60, deadline=None)
def test_frames_hold_every_sample_in_order(rate: int, sizes: list[int]) -> None:
    samples = np.random.default_rng(1).integers(-9_000, 9_000, sum(sizes)).astype(np.int16)
    framer = Framer(rate)
    frames = [frame for part in np.split(samples, np.cumsum(sizes)) for frame in framer.push(part)]
    assert len(frames) == len(samples) // (rate // 50)
    frames += framer.flush()
    assert framer.flush() == []
    assert all(len(frame.samples) == rate // 50 and frame.rate == rate for frame in frames)
    assert [frame.position for frame in frames] == [index * (rate // 50) for index in range(len(frames))]
    joined = np.concatenate([frame.samples for frame in frames]) if frames else samples
    assert np.array_equal(joined[: len(samples)], samples)
    assert not joined[len(samples) :].any()


def test_a_frame_does_not_change_with_the_callers_buffer() -> None:
    buffer = np.ones(160, np.int16)
    frame = Framer(8_000).push(buffer)[0]
    buffer[:] = 7
    assert set(frame.samples.tolist()) == {1}


def test_framer_refuses_other_than_mono_int16() -> None:
    with pytest.raises(AudioError, match="mono 16-bit"):
        Framer(8_000).push(np.zeros((10, 2), np.int16))


def test_levels() -> None:
    sine = np.rint(32_767 * np.sin(2 * np.pi * np.arange(8_000) / 80)).astype(np.int16)
    assert rms_dbfs(sine) == pytest.approx(-3.01, abs=0.01)
    assert peak_dbfs(sine) == pytest.approx(0, abs=0.01)
    assert rms_dbfs(np.full(10, -32_768, np.int16)) == peak_dbfs(np.full(10, -32_768, np.int16)) == 0
    assert rms_dbfs(np.full(160, 328, np.int16)) == pytest.approx(-40, abs=0.02)
    assert rms_dbfs(np.zeros(160, np.int16)) == rms_dbfs(np.zeros(0, np.int16)) == -120
    assert peak_dbfs(np.zeros(160, np.int16)) == peak_dbfs(np.zeros(0, np.int16)) == -120
