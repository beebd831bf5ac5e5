"""Sound on the line: pace, buffer, alignment."""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from telephony.simulator import SimulatorError, read_wav


def ramp(seconds: float) -> NDArray[np.int16]:
    """Every sample audible and distinct from its neighbours, so that order and loss are seen."""
    return (1000 + np.arange(round(seconds * 8000)) % 20_000).astype(np.int16)


def heard(call: Any) -> NDArray[np.int16]:
    return np.concatenate([chunk.samples for chunk in call.heard])


async def test_speech_arrives_in_real_time(bench: Callable[..., Any]) -> None:
    async with bench() as b:
        call = await b.talk()
        speech = ramp(1.0)
        await asyncio.sleep(0.1)
        start = call.time_of(call.speak(speech))
        await asyncio.sleep(1.3)
        samples = np.frombuffer(bytes(b.audio.data), "<i2")
        first = int(np.argmax(samples == 1000))
        assert (samples[first : first + speech.size] == speech).all()
        arrived, times = 0, []
        for at, size in b.audio.chunks:
            arrived += size
            if first * 2 < arrived <= (first + speech.size) * 2 + 320:
                times.append(at)
        assert abs((times[-1] - start) - 1.0) < 0.06
        assert np.abs(samples[:first]).max() <= 3
        rate = arrived / (b.audio.chunks[-1][0] - b.audio.chunks[0][0] + 0.02)
        assert 15_000 < rate < 17_000


async def test_what_the_host_plays_is_heard_unchanged(bench: Callable[..., Any]) -> None:
    async with bench() as b:
        call = await b.talk()
        await b.audio.play(ramp(0.6).tobytes())
        await asyncio.sleep(0.2)
        ear = heard(call)
        first = int(np.argmax(ear == 1000))
        assert (ear[first : first + 4800] == ramp(0.6)).all()
        times = np.array([chunk.at for chunk in call.heard])
        assert np.allclose(np.diff(times), 0.02)


async def test_too_early_writer_is_blocked(bench: Callable[..., Any]) -> None:
    async with bench() as b:
        await b.talk()
        taken = 0
        blocked = False
        while not blocked and taken < 200_000:
            try:
                taken += os.write(b.audio.fd, bytes(320))
            except BlockingIOError:
                blocked = True
            await asyncio.sleep(0)
        assert blocked
        # 200 ms inside the module, the rest is the kernel's own buffer.
        assert 3_200 < taken < 40_000
        before = time.monotonic()
        more = 0
        while time.monotonic() - before < 0.5:
            try:
                more += os.write(b.audio.fd, bytes(320))
            except BlockingIOError:
                pass
            await asyncio.sleep(0.005)
        assert more < 16_000


async def test_a_dry_buffer_is_an_underrun(bench: Callable[..., Any]) -> None:
    async with bench() as b:
        call = await b.talk()
        await asyncio.sleep(0.1)
        assert b.sim.underruns == 0
        await b.audio.play(ramp(0.2).tobytes())
        await asyncio.sleep(0.4)
        assert b.sim.underruns > 3
        assert (heard(call)[-160:] == 0).all()
        await b.at.ask("AT+CHUP")
        assert call.underruns == b.sim.underruns


async def test_recording_is_aligned_at_the_far_end(bench: Callable[..., Any]) -> None:
    async with bench() as b:
        call = await b.talk()
        for _ in range(5):
            call.listen(lambda chunk: None)
        position = call.speak(ramp(0.1))
        await b.audio.play(ramp(0.1).tobytes())
        await asyncio.sleep(0.3)
        await call.hang_up()
        stereo = call.recording()
        assert stereo.dtype == np.int16
        assert stereo.shape[1] == 2
        assert int(np.argmax(stereo[:, 0] == 1000)) == position
        right = int(np.argmax(stereo[:, 1] == 1000))
        at = next(chunk.at for chunk in call.heard if chunk.samples[0] == 1000)
        assert abs(call.time_of(right) - at) < 1e-6


async def test_no_path_before_a_call_and_lost_early_audio(bench: Callable[..., Any]) -> None:
    async with bench() as b:
        assert await b.at.ask("AT+CPCMREG=1") == ["+CME ERROR: 3"]
        await b.at.ask("AT+CMEE=0")
        assert await b.at.ask("AT+CPCMREG=1") == ["ERROR"]
        await b.at.ask("AT+CMEE=2")
        assert await b.at.ask("AT+CPCMREG=1") == ["+CME ERROR: operation not allowed"]
        os.write(b.audio.fd, ramp(0.1).tobytes())
        call = await b.talk()
        await asyncio.sleep(0.2)
        assert (heard(call) == 0).all()
        assert any("before CPCMREG=1" in text for text in b.sim.log.texts("violation"))


async def test_path_left_on_makes_the_next_call_deaf(bench: Callable[..., Any]) -> None:
    async with bench() as b:
        await b.talk()
        await b.at.ask("AT+CHUP")
        call = await b.talk()
        await b.audio.play(ramp(0.2).tobytes())
        await asyncio.sleep(0.1)
        assert (heard(call) == 0).all()
        await b.at.ask("AT+CPCMREG=0")
        assert await b.at.ask("AT+CPCMREG=1") == ["OK"]
        await b.audio.play(ramp(0.2).tobytes())
        await asyncio.sleep(0.1)
        assert (heard(call) != 0).any()


async def test_wide_band(bench: Callable[..., Any]) -> None:
    async with bench() as b:
        await b.at.ask("AT+CPCMFRM=1")
        call = await b.talk()
        time_axis = np.arange(8000) / 8000
        call.speak((8000 * np.sin(2 * np.pi * 400 * time_axis)).astype(np.int16))
        wide = (8000 * np.sin(2 * np.pi * 1000 * np.arange(8000) / 16000)).astype(np.int16)
        await b.audio.play(wide.tobytes(), size=640)
        await asyncio.sleep(0.2)
        assert all(size % 640 == 0 for _, size in b.audio.chunks)
        came = np.frombuffer(bytes(b.audio.data), "<i2")[-8000:-2000].astype(float)
        assert abs(np.argmax(np.abs(np.fft.rfft(came * np.hanning(came.size)))) * 16000 / came.size - 400) < 5
        ear = heard(call)
        ear = ear[np.argmax(np.abs(ear) > 2000) :][400:3200].astype(float)
        assert abs(np.argmax(np.abs(np.fft.rfft(ear * np.hanning(ear.size)))) * 8000 / ear.size - 1000) < 5
        assert 5000 < np.sqrt(np.mean(ear**2)) < 6300


async def test_sent_digits_are_heard(bench: Callable[..., Any]) -> None:
    async with bench() as b:
        assert await b.at.ask("AT+VTS=5") == ["+CME ERROR: 3"]
        call = await b.talk()
        assert await b.at.ask('AT+VTS="1,2,#"') == ["OK"]
        assert await b.at.ask("AT+VTS=Z") == ["ERROR"]
        await asyncio.sleep(0.2)
        assert call.digits_heard == "12#"
        assert np.abs(heard(call)).max() > 10_000
        with pytest.raises(SimulatorError):
            await call.press("E")


def test_resampling_keeps_the_tone_and_drops_what_cannot_be_carried(tmp_path: Path) -> None:
    import soundfile

    time_axis = np.arange(44_100) / 44_100
    wave = 0.4 * np.sin(2 * np.pi * 1000 * time_axis) + 0.4 * np.sin(2 * np.pi * 6000 * time_axis)
    for name, subtype in (("a.wav", "PCM_16"), ("b.wav", "FLOAT"), ("c.flac", "PCM_16")):
        soundfile.write(tmp_path / name, np.stack([wave, wave], axis=1), 44_100, subtype=subtype)
        samples = read_wav(tmp_path / name)
        assert samples.dtype == np.int16
        assert abs(samples.size - 8000) <= 1
        middle = samples[500:7500].astype(float)
        clean = np.arange(500, 7500) / 8000
        expected = 0.4 * 32767 * np.sin(2 * np.pi * 1000 * clean)
        assert np.sqrt(np.mean((middle - expected) ** 2)) < 30  # 50 dB below the tone
    with pytest.raises(SimulatorError):
        read_wav(tmp_path / "missing.wav")
    (tmp_path / "text.wav").write_text("no sound")
    with pytest.raises(SimulatorError):
        read_wav(tmp_path / "text.wav")
