"""Time from asking the mouth to its first frame, spoken by espeak-ng and out of the cache: `python -m bench.tts`.

The disk is measured with the same speech though espeak-ng uses none: it is what a slower engine's second start pays.
The files were just written, so the system still has them in memory; a cold disk adds its own seek.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path

from services.audio.frame import Frame
from services.engines import EngineContext
from services.tts import espeak
from services.tts.cache import CacheKey, SpeechCache
from services.tts.manager import Mouth
from services.tts.protocol import SpeechPiece, Voice
from services.tts.settings import TtsSettings

RUNS = 200
RATE = 8000
MEGABYTE = 1_000_000
PAUSE_SECONDS = 0.03
"""Between two requests, so that none waits for the last one to be cleared away."""
SENTENCES = {
    "ru": "Здравствуйте, меня зовут Анна. Чем я могу вам помочь?",
    "en": "Hello, this is Anna speaking. How can I help you today?",
}


async def first_frame_ms(mouth: Mouth, voice: Voice, *, fixed: bool) -> float:
    began = time.perf_counter()
    async with aclosing(mouth.synthesize(SENTENCES[voice.language], voice, RATE, fixed=fixed)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Frame):
                break
    spent = (time.perf_counter() - began) * 1000
    await asyncio.sleep(PAUSE_SECONDS)
    return spent


async def from_disk(folder: Path, pieces: Sequence[SpeechPiece]) -> Callable[[], Awaitable[float]]:
    """Return what measures a find on the disk; without memory for it, each one is."""
    cache = SpeechCache(folder, 0, MEGABYTE)
    key = CacheKey("greeting", RATE, on_disk=True)
    await cache.open()
    cache.keep(key, pieces)
    await cache.close()
    cache = SpeechCache(folder, 0, MEGABYTE)
    await cache.open()

    async def measure() -> float:
        began = time.perf_counter()
        found = await cache.find(key)
        spent = (time.perf_counter() - began) * 1000
        if found is None:
            raise SystemExit("The disk did not give back what was kept on it.")
        await asyncio.sleep(PAUSE_SECONDS)
        return spent

    return measure


async def report(title: str, measure: Callable[[], Awaitable[float]]) -> None:
    figures = sorted([await measure() for _ in range(RUNS)])
    p95 = figures[int(RUNS * 0.95)]
    print(f"{title}: first frame median {statistics.median(figures):.3f} ms, p95 {p95:.3f} ms")


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        mouth = Mouth(EngineContext(Path(folder), Path(folder)), TtsSettings(), {"espeak": espeak.ENGINE})
        await mouth.start(tuple(SENTENCES))
        try:
            for language in SENTENCES:
                voice = mouth.voice_for(language, "female")
                await report(f"espeak {language}", partial(first_frame_ms, mouth, voice, fixed=False))
                whole = [piece async for piece in mouth.synthesize(SENTENCES[language], voice, RATE, fixed=True)]
                await report(f"memory {language}", partial(first_frame_ms, mouth, voice, fixed=True))
                await report(f"disk   {language}", await from_disk(Path(folder) / language, whole))
        finally:
            await mouth.close()


if __name__ == "__main__":
    asyncio.run(main())
