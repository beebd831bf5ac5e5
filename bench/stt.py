"""How well and how fast the ears hear: `python -m bench.stt [--engine NAME] [--rate HZ]`.

Plays tests/speech through the engine and prints, per voice, with and without hints: word error, questions of which the
FAQ found the same answer as for the true words, real-time factor, and the time from the end of an utterance to its
final transcript when frames come at the pace of a line. The hints are the seeded English FAQ.
"""

import argparse
import asyncio
import importlib.util
import re
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np
from rapidfuzz.distance import Levenshtein
from rich.console import Console
from rich.table import Table

from services.audio.files import read_audio
from services.audio.frame import Frame, Samples, frame_samples
from services.domain import FaqEntry
from services.engines import EngineContext
from services.knowledge.faq import FaqMatcher
from services.knowledge.seed import seed_faq
from services.stt.manager import Ears
from services.stt.protocol import TranscriptStream
from services.stt.settings import SttSettings

ROOT = Path(__file__).resolve().parents[1]
SPEECH = ROOT / "tests" / "speech"
SETTLE_SECONDS = 0.3


@dataclass
class Figures:
    """What was measured of one voice."""

    wrong: int = 0
    words: int = 0
    questions: int = 0
    found: int = 0
    seconds: float = 0.0
    busy: float = 0.0
    latencies: list[float] = field(default_factory=list)

    def row(self) -> list[str]:
        """Return the figures as the cells of a table."""
        return [
            f"{100 * self.wrong / self.words:.0f} %",
            f"{self.found}/{self.questions}",
            f"{self.busy / self.seconds:.2f}",
            f"{1000 * statistics.median(self.latencies):.0f} ms",
            f"{1000 * max(self.latencies):.0f} ms",
        ]


class SeededFaq:
    """The FAQ a new company starts with, as a FaqSource."""

    async def entries(self, company_id: str) -> list[FaqEntry]:  # noqa: ARG002 - one company
        """Return the seeded entries."""
        return seed_faq("en")

    async def revision(self, company_id: str) -> str:  # noqa: ARG002
        """Return a mark that never changes."""
        return "seed"


def script() -> tuple[dict[str, str], Sequence[str]]:
    """Return what is said in tests/speech: sentences by file name, and the voices."""
    spec = importlib.util.spec_from_file_location("make_speech", SPEECH / "make_speech.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return cast("dict[str, str]", module.SENTENCES), cast("Sequence[str]", module.VOICES)


def words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


async def hear(stream: TranscriptStream, samples: Samples, rate: int, *, pace: float) -> tuple[str, float]:
    """Give one utterance at `pace` (seconds a frame, 0: at once); return the final text and how long it took."""
    size = frame_samples(rate)
    padded = np.pad(samples, (0, -len(samples) % size))
    began = time.perf_counter()
    for number, start in enumerate(range(0, len(padded), size), 1):
        await stream.push(Frame(padded[start : start + size], rate, start))
        await asyncio.sleep(max(0.0, began + number * pace - time.perf_counter()))
    ended = time.perf_counter() if pace else began
    await stream.end_utterance()
    async for transcript in stream:
        if transcript.final:
            return transcript.text, time.perf_counter() - ended
    raise RuntimeError("The stream ended without a final transcript.")


async def measure(ears: Ears, voice: str, sentences: dict[str, str], hints: Sequence[str], rate: int) -> Figures:
    """Play every sentence of one voice twice: at the pace of a line, and at once."""
    figures, faq = Figures(), FaqMatcher(SeededFaq())
    for name, said in sentences.items():
        samples = read_audio(SPEECH / f"{name}-{voice}.wav", rate)
        stream = await ears.open_stream("en", rate, hints)
        try:
            await asyncio.sleep(SETTLE_SECONDS)
            text, latency = await hear(stream, samples, rate, pace=0.02)
            _, busy = await hear(stream, samples, rate, pace=0.0)
        finally:
            await stream.aclose()
        figures.wrong += Levenshtein.distance(words(said), words(text))
        figures.words += len(words(said))
        figures.seconds += len(samples) / rate
        figures.busy += busy
        figures.latencies.append(latency)
        if (wanted := await faq.best("", said, "en")) is not None:
            got = await faq.best("", text, "en")
            figures.questions += 1
            figures.found += got is not None and got.entry.id == wanted.entry.id
    return figures


async def run(engine: str, rate: int) -> None:
    sentences, voices = script()
    faq_hints = await FaqMatcher(SeededFaq()).hints("", "en")
    settings = SttSettings.model_validate({"engine": engine})
    ears = Ears(EngineContext(models_dir=ROOT / "models", data_dir=ROOT / "data"), settings)
    await ears.start(["en"])
    console = Console()
    console.print(*(part.detail for part in ears.parts()))
    table = Table("voice", "hints", "word error", "FAQ found", "RTF", "final, median", "final, longest")
    try:
        for voice in voices:
            for label, hints in (("none", []), ("FAQ", faq_hints)):
                table.add_row(voice, label, *(await measure(ears, voice, sentences, hints, rate)).row())
    finally:
        await ears.close()
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", default="pocketsphinx")
    parser.add_argument("--rate", type=int, default=8000)
    arguments = parser.parse_args()
    asyncio.run(run(arguments.engine, arguments.rate))


if __name__ == "__main__":
    main()
