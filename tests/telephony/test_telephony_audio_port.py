"""Call audio over a real pseudo-terminal: pace, silence, gaps, pieces of 20 and 40 ms, and an endpoint that hangs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import pytest
from telephone_sound import all_speech, at_level

from services.audio.frame import Frame, frame_samples
from services.audio.playout import PlayoutQueue
from services.errors import LineError, PortError
from telephony.audio_pipeline import TelephonyAudioPipeline
from telephony.audio_port import CallAudio
from telephony.serial_port import SerialPort


class Call:
    """Call audio at work on one node of a modem; `chunks` is what the modem read, each time it looked."""

    def __init__(self, node_type: Any, rate: int, frames_per_write: int) -> None:
        self.chunks: list[bytes] = []
        self.node = node_type(self.chunks.append)
        self.playout = PlayoutQueue(rate)
        self.heard: list[Frame] = []
        self._frames_per_write = frames_per_write
        self.tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        self.port = await SerialPort.open(self.node.path)
        pipeline = TelephonyAudioPipeline(self.playout.rate, incoming=None, outgoing=None)
        self.audio = CallAudio(self.port, self.playout, pipeline=pipeline, frames_per_write=self._frames_per_write)
        self.tasks = [asyncio.create_task(self.audio.read(self.heard.append)), asyncio.create_task(self.audio.write())]

    async def say(self, data: bytes, size: int) -> None:
        for at in range(0, len(data), size):
            self.node.write(data[at : at + size])
            await asyncio.sleep(0.002)

    async def until(self, done: Callable[[], bool]) -> None:
        async with asyncio.timeout(8):
            while not done():  # noqa: ASYNC110 - what is waited for is a list that grows
                await asyncio.sleep(0.005)

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.port.close()
        self.node.unplug()


@contextlib.asynccontextmanager
async def calling(scripted: Any, rate: int = 8_000, frames_per_write: int = 1) -> AsyncIterator[Call]:
    call = Call(type(scripted.audio), rate, frames_per_write)
    await call.start()
    try:
        yield call
    finally:
        await call.stop()


@pytest.mark.parametrize(("rate", "frames_per_write"), [(8_000, 1), (8_000, 2), (16_000, 1)])
async def test_speech_and_then_silence_go_out_in_whole_pieces(scripted: Any, rate: int, frames_per_write: int) -> None:
    size = frame_samples(rate)
    piece = 2 * size * frames_per_write
    async with calling(scripted, rate, frames_per_write) as call:
        sound = np.arange(3 * size, dtype=np.int16)
        for at in range(0, len(sound), size):
            await call.playout.put(Frame(sound[at : at + size], rate, at))
        await call.until(lambda: sum(map(len, call.chunks)) >= 12 * piece)
    assert all(len(chunk) % piece == 0 for chunk in call.chunks)
    assert len(call.chunks) > 6  # in its time, not at once
    out = np.frombuffer(b"".join(call.chunks), "<i2")
    assert np.array_equal(out[: len(sound)], sound)
    assert not out[len(sound) :].any()


async def test_no_more_than_60_ms_are_ahead(scripted: Any) -> None:
    async with calling(scripted) as call:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await call.until(lambda: sum(map(len, call.chunks)) >= 320 * 20)
        written = sum(map(len, call.chunks)) / 320 * 0.02
        assert written <= loop.time() - began + 0.06 + 0.02


async def test_odd_chunks_gaps_and_a_lost_byte(scripted: Any) -> None:
    speech = at_level(all_speech(), -2)[17_120:]  # no pause in the next two seconds
    data = speech.astype("<i2").tobytes()
    async with calling(scripted) as call:
        await call.say(data[:3_201], 97)
        await call.until(lambda: len(call.heard) >= 14)  # ten frames, then silence for what does not come
        assert call.audio.input_gaps == 1
        await call.say(data[3_201:9_600], 1_001)
        await call.until(lambda: sum(bool(frame.samples.any()) for frame in call.heard) >= 29)
        assert np.array_equal(np.concatenate([frame.samples for frame in call.heard[:10]]), speech[:1_600])
        assert call.audio.figures().realigned == 0
        await call.say(data[9_601:25_600], 640)
        await call.until(lambda: call.audio.figures().realigned == 1)
        assert call.audio.figures().input_gaps >= 1


async def test_stale_sound_is_dropped_with_its_half_sample(scripted: Any) -> None:
    async with calling(scripted) as call:
        call.node.write(b"\x55" * 321)
        await call.until(lambda: len(call.heard) >= 1)
        call.audio.drop_stale()
        call.node.write(np.full(160, 1_000, "<i2").tobytes())
        await call.until(lambda: any(np.all(frame.samples == 1_000) for frame in call.heard))


async def test_an_endpoint_that_hangs_fails_the_line_and_a_lost_port_fails_the_port(scripted: Any) -> None:
    async with calling(scripted, 16_000, 2) as call:
        call.node.pause()
        with pytest.raises(LineError, match="takes no sound"):
            await asyncio.wait_for(asyncio.shield(call.tasks[1]), 20)
        call.node.unplug()
        with pytest.raises(PortError):
            await asyncio.wait_for(call.tasks[0], 8)
