"""The echo canceller: what a frame costs, what is left of the secretary's echo, and what of a caller speaking over it.

    python -m bench.echo [--quick] [--ears]

The echo is the secretary's own speech by espeak-ng, four voices of some 25 s, sent back through a telephone's band, a
codec and a little noise (bench/echo_line.py). "Taken for speech" is by the real Silero and the hysteresis of a call.
--ears adds the word errors of pocketsphinx on the sentences of tests/speech, said over the echo (a minute of work).
"""

import argparse
import asyncio
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import structlog
from rapidfuzz.distance import Levenshtein
from rich.console import Console
from rich.table import Table

from bench.echo_line import Line, cleaned, fit, frames, secretary, speaking
from bench.stt import script
from services.audio.files import read_audio
from services.audio.frame import Frame, Samples, silence
from services.audio.levels import rms_dbfs
from services.engines import EngineContext
from services.stt.manager import Ears
from services.stt.settings import SttSettings
from services.voice.echo.canceller import EchoCanceller
from services.voice.hearing.vad import SileroModel

ROOT = Path(__file__).resolve().parents[1]
SPEECH = ROOT / "tests" / "speech"
DELAYS = (0.06, 0.12, 0.1703, 0.25)
LEVELS = (-12.0, -20.0, -30.0)
GAP_SECONDS = 1.2
MARGIN_SECONDS = 0.05  # the recordings have 0.15 s of silence at either end

Push = Callable[[Frame, Frame], object]


def microseconds(push: Push, played: Samples, heard: Samples, rate: int) -> tuple[float, float]:
    """Median and 99th percentile of one frame both ways."""
    took = []
    for out, back in zip(frames(played, rate), frames(heard, rate), strict=False):
        begin = time.perf_counter()
        push(out, back)
        took.append(time.perf_counter() - begin)
    return statistics.median(took) * 1e6, float(np.percentile(took, 99)) * 1e6


def cost(console: Console, speech: dict[int, Samples]) -> None:
    table = Table(
        "what happens", "rate", "microseconds a frame, median", "99 %", title="Cost of 20 ms, both directions"
    )
    for rate, played in speech.items():
        nothing = np.tile(silence(rate).samples, len(played) // (rate // 50))
        caller = read_audio(SPEECH / "long-slt.wav", rate)
        talk = np.resize(caller, len(played))
        cases = {
            "both silent": (nothing, nothing),
            "the caller speaks": (nothing, talk),
            "the secretary speaks": (played, nothing),
            "both speak, no echo": (played, talk),
            "the secretary speaks, echo": (played, Line(0.12, -20).heard(played, rate)),
            "both speak, echo": (played, Line(0.12, -20).heard(played, rate, talk)),
        }
        for name, (out, back) in cases.items():
            median, most = microseconds(_both(EchoCanceller(rate)), out, back, rate)
            table.add_row(name, str(rate), f"{median:.1f}", f"{most:.1f}")
    console.print(table)


def _both(canceller: EchoCanceller) -> Push:
    def push(out: Frame, back: Frame) -> None:
        canceller.played(out)
        canceller.clean(back)

    return push


def attenuation(console: Console, spoken: dict[int, dict[str, Samples]], silero: SileroModel) -> None:
    table = Table(
        *("rate", "codec", "echo dB", "taken for speech", "and after", "removed dB", "found after ms, median", "most"),
        title="Echo alone: all delays and voices together (seconds taken for speech; time from the first audible echo)",
    )
    for rate, voices in spoken.items():
        for codec in ("alaw", "gsm"):
            for level in LEVELS:
                before = after = 0.0
                removed, found = [], []
                for delay in DELAYS:
                    for played in voices.values():
                        heard = Line(delay, level, codec).heard(played, rate)
                        left = cleaned(EchoCanceller(rate), played, heard, rate)
                        before += sum(off - on for on, off in speaking(silero, heard, rate))
                        after += sum(off - on for on, off in speaking(silero, left, rate))
                        removed.append(rms_dbfs(heard[rate:]) - rms_dbfs(left[rate:]))
                        audible = next(frame for frame in frames(heard, rate) if rms_dbfs(frame.samples) > -66)
                        first = int(np.flatnonzero(left != heard[: len(left)])[0])
                        found.append((first / rate - audible.seconds) * 1000)
                row = (f"{before:.1f}", f"{after:.2f}", f"{statistics.median(removed):.0f}")
                table.add_row(
                    str(rate), codec, f"{level:.0f}", *row, f"{statistics.median(found):.0f}", f"{max(found):.0f}"
                )
    console.print(table)


def conversation(voice: str, rate: int) -> tuple[Samples, list[tuple[str, int, int]]]:
    """All sentences of one caller with pauses: the stream, and the name, beginning and end of each."""
    parts, marks = [np.zeros(2 * rate, np.int16)], []
    for path in sorted(SPEECH.glob(f"*-{voice}.wav")):
        sentence, begin = read_audio(path, rate), sum(map(len, parts))
        marks.append((path.stem.removesuffix(f"-{voice}"), begin, begin + len(sentence)))
        parts += [sentence, np.zeros(round(GAP_SECONDS * rate), np.int16)]
    stream = np.concatenate(parts)
    return stream[: len(stream) // (rate // 50) * (rate // 50)], marks


def double_talk(console: Console, spoken: dict[int, dict[str, Samples]], silero: SileroModel) -> None:
    table = Table(
        *("rate", "codec", "echo dB", "sentences", "noticed", "later ms, median", "most", "over 100 ms"),
        title="A caller over the echo, 120 ms: onset by Silero beside the same without echo",
    )
    for rate, voices in spoken.items():
        for codec in ("alaw", "gsm"):
            for level in LEVELS:
                later: list[float] = []
                total = 0
                for voice in ("slt", "rms"):
                    said, marks = conversation(voice, rate)
                    played = fit(np.concatenate(list(voices.values())), len(said)).astype(np.int16)
                    alone = speaking(silero, Line(0.12, -200, codec).heard(played, rate, said), rate)
                    heard = Line(0.12, level, codec).heard(played, rate, said)
                    over = speaking(silero, cleaned(EchoCanceller(rate), played, heard, rate), rate)
                    onsets = [
                        [_onset(spans, begin / rate, end / rate) for spans in (alone, over)] for _, begin, end in marks
                    ]
                    total += len(marks)
                    later += [(b - a) * 1000 for a, b in onsets if a is not None and b is not None]
                late = sum(each > 100.1 for each in later)
                row = (str(total), str(len(later)), f"{statistics.median(later):.0f}", f"{max(later):.0f}", str(late))
                table.add_row(str(rate), codec, f"{level:.0f}", *row)
    console.print(table)


def _onset(spans: list[tuple[float, float]], begin: float, end: float) -> float | None:
    return next((on for on, off in spans if off > begin and on < end + 0.2), None)


async def understood(console: Console, speech: Samples) -> None:
    """Word errors of pocketsphinx: without echo, with it, and with it taken out; at 8 kHz, no hints."""
    rate, level = 8000, -20.0
    sentences, voices = script()
    table = Table(
        "voice", "codec", "no echo", "echo", "echo taken out", title="Word errors over an echo of -20 dB, 120 ms"
    )
    with tempfile.TemporaryDirectory() as folder:
        ears = Ears(EngineContext(models_dir=Path(folder), data_dir=Path(folder)), SttSettings())
        await ears.start(["en"])
        try:
            for voice in voices:
                said, marks = conversation(voice, rate)
                played = np.resize(speech, len(said))
                for codec in ("alaw", "gsm"):
                    alone = Line(0.12, -200, codec).heard(played, rate, said)
                    heard = Line(0.12, level, codec).heard(played, rate, said)
                    streams = (alone, heard, cleaned(EchoCanceller(rate), played, heard, rate))
                    table.add_row(
                        voice, codec, *[await _errors(ears, each, marks, sentences, rate) for each in streams]
                    )
        finally:
            await ears.close()
    console.print(table)


async def _errors(
    ears: Ears, stream: Samples, marks: Sequence[tuple[str, int, int]], sentences: dict[str, str], rate: int
) -> str:
    wrong = total = 0
    margin = round(MARGIN_SECONDS * rate)
    for name, begin, end in marks:
        session = await ears.open_stream("en", rate, [])
        try:
            for frame in frames(stream[begin - margin : end + margin], rate):
                await session.push(frame)
            await session.end_utterance()
            text = await anext(each.text async for each in session if each.final)
        finally:
            await session.aclose()
        words = [re.findall(r"[a-z']+", each.lower()) for each in (sentences[name], text)]
        wrong += Levenshtein.distance(*words)
        total += len(words[0])
    return f"{100 * wrong / total:.0f} %"


async def run(quick: bool, ears: bool) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    console, silero = Console(width=120), SileroModel()
    voices = ("en+f3", "ru+m3") if quick else ("en+f3", "en+m3", "ru+f3", "ru+m3")
    spoken = {rate: await secretary(rate, voices) for rate in ((8000,) if quick else (8000, 16000))}
    cost(console, {rate: each["en+f3"] for rate, each in spoken.items()})
    attenuation(console, spoken, silero)
    double_talk(console, spoken, silero)
    if ears:
        await understood(console, spoken[8000]["en+f3"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two voices at 8 kHz only")
    parser.add_argument("--ears", action="store_true", help="add the word errors of pocketsphinx")
    arguments = parser.parse_args()
    asyncio.run(run(arguments.quick, arguments.ears))


if __name__ == "__main__":
    main()
