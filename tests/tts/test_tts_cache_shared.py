"""Speech that several processes share: kept in a real Redis, found by another process, done without when it dies."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import numpy as np
import pytest
from redis_server import RedisServer, redis_server

from services.audio.frame import Frame
from services.clock import LoopClock
from services.shared.shared import Shared
from services.tts.cache import CacheKey, SpeechCache
from services.tts.cache_shared import SharedTier
from services.tts.protocol import SpeechPiece

KEY = CacheKey("greeting", 8000, on_disk=True)
SPEECH: list[SpeechPiece] = [Frame(np.full(160, at, np.int16), 8000, at * 160) for at in range(5)]


class Process:
    """What one process has: a link to Redis and a cache of its own."""

    def __init__(self, folder: Path, url: str, disk: int = 0) -> None:
        self.shared = Shared(url, LoopClock())
        self.cache = SpeechCache(folder, 1_000_000, disk, SharedTier(self.shared.cache))

    async def open(self) -> None:
        await self.shared.open()
        await self.cache.open()

    async def close(self) -> None:
        await self.cache.close()
        await self.shared.close()


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as started:
        yield started


@pytest.fixture
async def two(server: RedisServer, tmp_path: Path) -> AsyncIterator[tuple[Process, Process]]:
    both = (Process(tmp_path / "one", server.url), Process(tmp_path / "other", server.url, disk=1_000_000))
    for each in both:
        await each.open()
    yield both
    for each in both:
        await each.close()


def told(pieces: tuple[SpeechPiece, ...] | None) -> list[bytes]:
    return [piece.samples.tobytes() for piece in pieces or () if isinstance(piece, Frame)]


async def test_what_one_process_has_spoken_the_other_finds(two: tuple[Process, Process]) -> None:
    one, other = two
    assert await other.cache.find(KEY) is None
    one.cache.keep(KEY, SPEECH)
    await one.cache.close()  # what is being written is finished first
    assert told(await other.cache.find(KEY)) == told(tuple(SPEECH))
    assert other.cache.hits == 1


async def test_what_was_found_there_lies_on_the_own_disk_afterwards(
    two: tuple[Process, Process], tmp_path: Path
) -> None:
    one, other = two
    key = CacheKey("hours", 8000, on_disk=True)
    one.cache.keep(key, SPEECH)
    await one.cache.close()
    await other.cache.find(key)
    await other.cache.close()
    alone = SpeechCache(tmp_path / "other", 0, 1_000_000)
    await alone.open()
    assert told(await alone.find(key)) == told(tuple(SPEECH))
    await alone.close()


async def test_speech_of_an_engine_that_is_instant_is_not_sent_anywhere(two: tuple[Process, Process]) -> None:
    one, other = two
    key = CacheKey("instant", 8000, on_disk=False)
    one.cache.keep(key, SPEECH)
    await one.cache.close()
    assert await other.shared.cache.get("-", "speech:instant") is None


async def test_damaged_speech_is_passed_over(two: tuple[Process, Process]) -> None:
    one, _ = two
    await one.shared.cache.set("-", "speech:broken", b"AISPEECH" + b"x" * 50, 60)
    assert await one.cache.find(CacheKey("broken", 8000, on_disk=True)) is None


async def test_a_redis_that_dies_costs_an_answer_nothing_but_its_cache(tmp_path: Path) -> None:
    with redis_server() as own:
        process = Process(tmp_path, own.url)
        await process.open()
        own.kill()
        assert await process.cache.find(KEY) is None
        process.cache.keep(KEY, SPEECH)
        assert told(await process.cache.find(KEY)) == told(tuple(SPEECH))
        await process.close()
