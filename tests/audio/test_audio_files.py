import os
import stat
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from services.audio.files import read_audio, write_audio
from services.audio.frame import Samples
from services.errors import AudioError


def tone(rate: int, seconds: float = 1.0) -> Samples:
    samples: Samples = np.rint(8_000 * np.sin(2 * np.pi * 440 * np.arange(int(rate * seconds)) / rate)).astype(np.int16)
    return samples


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
@pytest.mark.parametrize("rate", [8_000, 22_050])
def test_lossless_formats_come_back_as_they_went(tmp_path: Path, suffix: str, rate: int) -> None:
    path = tmp_path / "deep" / "folder" / f"a{suffix}"
    write_audio(path, tone(rate), rate)
    assert np.array_equal(read_audio(path, rate), tone(rate))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("rate", [8_000, 16_000, 24_000, 48_000])
def test_opus_keeps_length_and_level(tmp_path: Path, rate: int) -> None:
    path = tmp_path / "a.ogg"
    write_audio(path, tone(rate), rate)
    assert sf.info(path).subtype == "OPUS"
    back = read_audio(path, rate)
    assert len(back) == rate
    middle = slice(rate // 10, -rate // 10)
    assert np.std(back[middle].astype(float)) == pytest.approx(np.std(tone(rate)[middle].astype(float)), rel=0.1)


def test_stereo_is_written_as_two_channels_and_read_as_their_mean(tmp_path: Path) -> None:
    left = tone(8_000)
    path = tmp_path / "a.wav"
    write_audio(path, np.stack([left, np.zeros_like(left)], axis=1), 8_000)
    assert sf.info(path).channels == 2
    assert np.abs(read_audio(path, 8_000).astype(int) * 2 - left).max() <= 1


def test_a_float_file_is_scaled_and_another_rate_resampled(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    sf.write(path, tone(48_000) / 32_768, 48_000, subtype="FLOAT")
    samples = read_audio(path, 8_000)
    assert len(samples) == 8_000
    assert np.abs(samples[100:-100].astype(int) - tone(8_000)[100:-100]).max() < 15


def test_rewriting_replaces_the_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    write_audio(path, tone(8_000), 8_000)
    write_audio(path, tone(8_000, 0.5), 8_000)
    assert len(read_audio(path, 8_000)) == 4_000


def test_a_cut_off_file_gives_what_is_there(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole.wav", tmp_path / "cut.wav"
    write_audio(whole, tone(8_000), 8_000)
    cut.write_bytes(whole.read_bytes()[:8_044])
    assert np.array_equal(read_audio(cut, 8_000), tone(8_000)[:4_000])


def test_bad_files_are_told_in_a_sentence_with_a_remedy(tmp_path: Path) -> None:
    write_audio(tmp_path / "good.wav", tone(8_000), 8_000)
    good = (tmp_path / "good.wav").read_bytes()
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "zero.wav").write_bytes(good[:40] + b"\0\0\0\0")
    (tmp_path / "text.wav").write_text("This is no sound. " * 50)
    (tmp_path / "stub.wav").write_bytes(good[:20])
    (tmp_path / "stub.ogg").write_bytes(b"OggS" + b"\0" * 10)
    (tmp_path / "folder.wav").mkdir()
    for name, says in {
        "missing.wav": "no file",
        "good.wav/inside.wav": "no file",
        "empty.wav": "is empty",
        "zero.wav": "holds no sound",
        "text.wav": "not a sound file",
        "stub.wav": "not a sound file",
        "stub.ogg": "not a sound file",
        "folder.wav": "not a file",
    }.items():
        with pytest.raises(AudioError, match=says) as caught:
            read_audio(tmp_path / name, 8_000)
        assert caught.value.remedy, name
        assert caught.value.message.endswith("."), name


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_forbidden_file_names_the_right(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    write_audio(path, tone(8_000), 8_000)
    path.chmod(0)
    with pytest.raises(AudioError, match="may not be read"):
        read_audio(path, 8_000)


def test_more_than_two_hours_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    sf.write(path, np.zeros(10, np.int16), 8_000)
    header = bytearray(path.read_bytes()[:44])
    size = 2 * 3600 * 8_000 * 2 + 16_000
    header[4:8] = (size + 36).to_bytes(4, "little")
    header[40:44] = size.to_bytes(4, "little")
    with path.open("wb") as stream:
        stream.write(header)
        stream.truncate(44 + size)  # sparse: takes no room on the disk
    with pytest.raises(AudioError, match="longer than two hours"):
        read_audio(path, 8_000)


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="22050 Hz"):
        write_audio(tmp_path / "a.ogg", tone(22_050), 22_050)
    with pytest.raises(AudioError, match=r"\.mp3"):
        write_audio(tmp_path / "a.mp3", tone(8_000), 8_000)
    with pytest.raises(AudioError, match="one or two channels"):
        write_audio(tmp_path / "a.wav", np.zeros((10, 3), np.int16), 8_000)
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(AudioError, match="cannot be written"):
        write_audio(tmp_path / "file" / "a.wav", tone(8_000), 8_000)
    (tmp_path / "folder.wav").mkdir()
    with pytest.raises(AudioError, match="cannot be written"):
        write_audio(tmp_path / "folder.wav", tone(8_000), 8_000)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "folder.wav"]
