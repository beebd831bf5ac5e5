import asyncio
import resource
import signal
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from numpy.typing import NDArray

from services.audio.align import StereoAligner
from services.audio.frame import Frame, Samples
from services.audio.recording import StereoRecorder
from services.domain import AudioSpan
from services.errors import AudioError

ROOT = Path(__file__).parents[2]


def tone(frequency: int, index: int) -> Frame:
    instants = (np.arange(160) + index * 160) / 8_000
    return Frame(np.rint(8_000 * np.sin(2 * np.pi * frequency * instants)).astype(np.int16), 8_000, index * 160)


def level(samples: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(samples**2))) if samples.size else 0.0


def strongest(samples: NDArray[np.float64]) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(samples))) * 8_000 / len(samples))


async def test_left_is_the_caller_and_right_the_secretary(tmp_path: Path) -> None:
    path = tmp_path / "2026" / "11" / "call.ogg"
    recorder = StereoRecorder(path, 8_000)
    for index in range(150):
        recorder.caller(tone(400, index))
        if index >= 50:
            recorder.secretary(tone(1_000, index))
    assert await recorder.seal() == 3.0
    assert await recorder.seal() == 3.0
    recorder.caller(tone(400, 150))
    assert recorder.failed == ""
    assert recorder.dropped == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    sound, rate = sf.read(path)
    assert (sound.shape, rate) == ((24_000, 2), 8_000)
    assert strongest(sound[9_000:23_000, 0]) == pytest.approx(400, abs=2)
    assert strongest(sound[9_000:23_000, 1]) == pytest.approx(1_000, abs=2)
    assert level(sound[:7_500, 1]) < 0.01 < level(sound[:7_500, 0])


async def test_an_empty_call_leaves_nothing(tmp_path: Path) -> None:
    recorder = StereoRecorder(tmp_path / "folder" / "call.ogg", 8_000)
    assert await recorder.seal() == 0.0
    assert not (tmp_path / "folder").exists()


async def test_rates_are_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="22050"):
        StereoRecorder(tmp_path / "a.ogg", 22_050)
    recorder = StereoRecorder(tmp_path / "a.ogg", 8_000)
    with pytest.raises(AudioError, match="16000"):
        recorder.caller(Frame(np.zeros(320, np.int16), 16_000))


async def test_cutting_the_callers_words(tmp_path: Path) -> None:
    recorder = StereoRecorder(tmp_path / "call.ogg", 8_000)
    for index in range(200):
        recorder.caller(tone(400 if index < 100 else 700, index))
        recorder.secretary(tone(2_000, index))
    cut = tmp_path / "messages" / "m.ogg"
    await recorder.cut_caller([AudioSpan(0.5, 1.5), AudioSpan(2.5, 3.5), AudioSpan(3.9, 9.0), AudioSpan(50, 60)], cut)
    sound, rate = sf.read(cut)
    assert (rate, sound.ndim) == (8_000, 1)
    assert len(sound) == round((1.0 + 0.3 + 1.0 + 0.3 + 0.1) * 8_000)
    assert strongest(sound[800:7_200]) == pytest.approx(400, abs=3)
    assert strongest(sound[11_200:17_600]) == pytest.approx(700, abs=3)
    assert level(sound[8_400:10_000]) < 0.01
    assert stat.S_IMODE(cut.stat().st_mode) == 0o600
    with pytest.raises(AudioError, match="Nothing was recorded"):
        await recorder.cut_caller([AudioSpan(50, 60)], tmp_path / "none.ogg")


async def test_a_refused_file_stops_the_recording_and_not_the_call(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    recorder = StereoRecorder(tmp_path / "file" / "call.ogg", 8_000)
    for index in range(100):
        recorder.caller(tone(400, index))
        await asyncio.sleep(0)
    assert await recorder.seal() == 0.0
    assert "The recording stopped" in recorder.failed
    with pytest.raises(AudioError, match="cannot be read"):
        await recorder.cut_caller([AudioSpan(0, 1)], tmp_path / "m.ogg")


async def test_another_calls_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "call.ogg"
    path.write_bytes(b"another call")
    recorder = StereoRecorder(path, 8_000)
    recorder.caller(tone(400, 0))
    await recorder.seal()
    assert recorder.failed
    assert path.read_bytes() == b"another call"


WRITE_FAST = """
    import asyncio, sys
    from pathlib import Path
    import numpy as np
    from services.audio.frame import Frame
    from services.audio.recording import StereoRecorder

    async def main():
        recorder = StereoRecorder(Path(sys.argv[1]), 8_000)
        noise = np.random.default_rng(0).integers(-8_000, 8_000, 160).astype(np.int16)
        for index in range(250):
            recorder.caller(Frame(noise, 8_000, index * 160))
            recorder.secretary(Frame(noise, 8_000, index * 160))
            await asyncio.sleep(0)
        while recorder.seconds < 4.7 and not recorder.failed:
            await asyncio.sleep(0.01)
        if len(sys.argv) > 2:
            print(await recorder.seal(), recorder.failed, flush=True)
        else:
            print("written", flush=True)
            await asyncio.sleep(60)

    asyncio.run(main())
"""


def test_a_killed_process_leaves_all_but_the_last_seconds(tmp_path: Path) -> None:
    path = tmp_path / "call.ogg"
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(WRITE_FAST), str(path)], cwd=ROOT, stdout=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"written\n"
        finally:
            process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    sound, rate = sf.read(path)
    assert len(sound) / rate >= 3.0
    assert level(sound[8_000:, 0]) > 0.01


def test_a_full_disk_is_told_and_what_fitted_is_readable(tmp_path: Path) -> None:
    path = tmp_path / "call.ogg"
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(WRITE_FAST), str(path), "seal"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (16_000, 16_000)),
    )
    assert "The recording stopped at" in done.stdout
    assert done.stderr == ""
    sound, rate = sf.read(path)
    assert len(sound) / rate >= 0.9


def ramp(position: int, value: int) -> Frame:
    return Frame(np.full(160, value, np.int16), 8_000, position)


def laid(aligner: StereoAligner, frames: list[tuple[int, Frame]]) -> Samples:
    blocks = [block for side, frame in frames for block in aligner.add(side, frame)]
    return np.concatenate([*blocks, *aligner.finish()])


def test_sides_are_laid_by_position_in_any_order() -> None:
    aligner = StereoAligner(8_000)
    frames = [(0, ramp(160, 2)), (1, ramp(80, 5)), (0, ramp(0, 1))]
    both = laid(aligner, frames)
    assert both.shape == (320, 2)
    assert both[:, 0].tolist() == [1] * 160 + [2] * 160
    assert both[:, 1].tolist() == [0] * 80 + [5] * 160 + [0] * 80
    assert aligner.dropped == 0


def test_a_side_that_lags_more_than_a_second_is_silence_and_its_late_frames_are_counted() -> None:
    aligner = StereoAligner(8_000)
    frames = [(0, ramp(index * 160, 1)) for index in range(100)]
    both = laid(aligner, [*frames, (1, ramp(0, 9)), (1, ramp(90 * 160, 7))])
    assert aligner.dropped == 1
    assert both.shape == (16_000, 2)
    assert set(both[:, 0].tolist()) == {1}
    assert np.flatnonzero(both[:, 1]).tolist() == list(range(90 * 160, 91 * 160))


def test_a_frame_that_is_partly_late_keeps_its_punctual_part() -> None:
    aligner = StereoAligner(8_000)
    frames = [(0, ramp(index * 160, 1)) for index in range(100)]
    given_out = sum(len(block) for side, frame in frames for block in aligner.add(side, frame))
    rest = [*aligner.add(1, ramp(given_out - 100, 7)), *aligner.finish()]
    assert aligner.dropped == 0
    assert np.flatnonzero(np.concatenate(rest)[:, 1]).tolist() == list(range(60))


def test_a_long_hole_is_silence_and_a_broken_position_is_refused() -> None:
    aligner = StereoAligner(8_000)
    blocks = list(aligner.add(0, ramp(0, 1)))
    blocks += aligner.add(0, ramp(600 * 8_000, 2))
    assert list(aligner.add(0, ramp(10**12, 3))) == []
    assert aligner.dropped == 1
    assert max(len(block) for block in blocks) <= 16_000
    both = np.concatenate([*blocks, *aligner.finish()])
    assert len(both) == 600 * 8_000 + 160
    assert np.count_nonzero(both) == 320
