"""Time from asking the mouth to its first frame, with espeak-ng in its worker process: `python -m bench.tts`."""

import asyncio
import statistics
import tempfile
import time
from contextlib import aclosing
from pathlib import Path

from services.audio.frame import Frame
from services.engines import EngineContext
from services.tts import espeak
from services.tts.manager import Mouth
from services.tts.settings import TtsSettings

RUNS = 200
RATE = 8000
PAUSE_SECONDS = 0.03
"""Between two requests, so that none waits for the last one to be cleared away."""
SENTENCES = {
    "ru": "Здравствуйте, меня зовут Анна. Чем я могу вам помочь?",
    "en": "Hello, this is Anna speaking. How can I help you today?",
}


async def first_frame_ms(mouth: Mouth, language: str) -> float:
    began = time.perf_counter()
    async with aclosing(mouth.synthesize(SENTENCES[language], mouth.voice_for(language, "female"), RATE)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Frame):
                break
    spent = (time.perf_counter() - began) * 1000
    await asyncio.sleep(PAUSE_SECONDS)
    return spent


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        mouth = Mouth(EngineContext(Path(folder), Path(folder)), TtsSettings(), {"espeak": espeak.ENGINE})
        await mouth.start(tuple(SENTENCES))
        try:
            for language in SENTENCES:
                figures = sorted([await first_frame_ms(mouth, language) for _ in range(RUNS)])
                p95 = figures[int(RUNS * 0.95)]
                print(f"espeak {language}: first frame median {statistics.median(figures):.2f} ms, p95 {p95:.2f} ms")
        finally:
            await mouth.close()


if __name__ == "__main__":
    asyncio.run(main())
