import gc
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from services.audio.files import OPUS_RATES, read_audio
from services.audio.frame import Samples
from services.audio.opus import BITS_PER_SECOND, OpusWriter

SPEECH = Path(__file__).parents[1] / "speech" / "long-rms.wav"


def written(path: Path, sound: Samples, rate: int) -> Samples:
    """Write in blocks of 0.2 s, and read back."""
    handle = os.open(path, os.O_CREAT | os.O_RDWR)
    try:
        with OpusWriter(handle, rate) as writer:
            for start in range(0, len(sound), rate // 5):
                writer.write(sound[start : start + rate // 5])
    finally:
        os.close(handle)
    back: Samples
    back, found = sf.read(path, dtype="int16", always_2d=True)
    assert found == rate
    return back


def power(samples: Samples) -> float:
    return float(np.mean(np.square(samples.astype(np.float64))))


@pytest.mark.parametrize("rate", OPUS_RATES)
def test_every_rate_is_read_back_with_its_length_and_at_its_size(tmp_path: Path, rate: int) -> None:
    speech = read_audio(SPEECH, rate)[: 5 * rate + 37]
    path = tmp_path / "call.ogg"
    back = written(path, np.stack((speech, np.zeros_like(speech)), axis=1), rate)
    assert back.shape == (len(speech), 2)
    assert power(back[:, 0]) == pytest.approx(power(speech), rel=0.3)
    assert path.stat().st_size * 8 / 5 < BITS_PER_SECOND[rate] * 1.2


def test_neither_side_is_heard_in_the_other(tmp_path: Path) -> None:
    speech = read_audio(SPEECH, 8000)
    quiet = np.zeros_like(speech)
    sound = np.concatenate((np.stack((speech, quiet), axis=1), np.stack((quiet, speech), axis=1)))
    back = written(tmp_path / "call.ogg", sound, 8000)
    alone, other = back[: len(speech) - 800], back[len(speech) + 800 :]
    assert power(alone[:, 1]) < 1e-5 * power(alone[:, 0])
    assert power(other[:, 0]) < 1e-5 * power(other[:, 1])


def test_a_writer_that_was_given_up_leaves_the_next_file_alone(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(-8000, 8000, (16_000, 2)).astype(np.int16)
    handle = os.open(tmp_path / "call.ogg", os.O_CREAT | os.O_RDWR)
    writer = OpusWriter(handle, 8000)
    writer.write(noise)
    left = (tmp_path / "call.ogg").stat().st_size
    with pytest.raises(KeyError), writer:
        raise KeyError
    assert (tmp_path / "call.ogg").stat().st_size == left, "no end of the stream: it may be the disk that failed"
    os.close(handle)
    other = os.open(tmp_path / "other", os.O_CREAT | os.O_RDWR)
    try:
        assert other == handle, "the number is given out again"
        del writer
        gc.collect()
        assert (tmp_path / "other").stat().st_size == 0
    finally:
        os.close(other)
