import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest

from services.audio.files import read_audio
from services.audio.frame import Frame, Samples
from services.engines import EngineContext
from services.stt.manager import Ears
from services.stt.protocol import Transcript, TranscriptStream
from services.stt.settings import SttSettings

RATE = 8000
SPEECH = Path(__file__).resolve().parents[1] / "speech"

Say = Callable[[TranscriptStream, Samples], Awaitable[None]]
Listen = Callable[[TranscriptStream], Awaitable[list[Transcript]]]


@pytest.fixture
def context(tmp_path: Path) -> EngineContext:
    return EngineContext(models_dir=tmp_path / "models", data_dir=tmp_path / "data")


@pytest.fixture
async def ears(context: EngineContext) -> AsyncIterator[Ears]:
    made = Ears(context, SttSettings())
    await made.start(["en", "ru"])
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(made.close)
        yield made


@pytest.fixture
def speech() -> Callable[[str], Samples]:
    def read(name: str) -> Samples:
        return read_audio(SPEECH / f"{name}.wav", RATE)

    return read


@pytest.fixture
def say() -> Say:
    async def give(stream: TranscriptStream, samples: Samples) -> None:
        padded = np.pad(samples, (0, -len(samples) % 160))
        for start in range(0, len(padded), 160):
            await stream.push(Frame(padded[start : start + 160], RATE, start))

    return give


@pytest.fixture
def listen() -> Listen:
    async def until_final(stream: TranscriptStream) -> list[Transcript]:
        heard: list[Transcript] = []
        async with asyncio.timeout(60):
            async for transcript in stream:
                heard.append(transcript)
                if transcript.final:
                    return heard
        raise AssertionError("The stream ended without a final transcript.")

    return until_final
