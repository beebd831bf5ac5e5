"""What the audio room costs and what it does to sound, beside soxr and audioop.

    python -m bench.audio

soxr at VHQ is what pipecat resamples with; HQ is its default, LQ its quickest with a filter. `withheld` is the sound
that a stream has taken and not given yet, after each 20 ms frame: what a live line feels. `alias or image` is the
strongest wrong tone, going down what folds back from above 4.6 kHz, going up what stands beside a tone of 3 kHz.
`passband` is the largest error of level from 300 Hz to 3.4 kHz.
"""

import importlib
import math
import time
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from services.audio.frame import Samples
from services.audio.g711 import alaw_decode, alaw_encode, ulaw_decode, ulaw_encode
from services.audio.resample import StreamingResampler

PAIRS = ((24_000, 8_000), (22_050, 8_000), (8_000, 16_000))
FRAMES = 500
ROUNDS = 5
PASSBAND = (300, 600, 1_000, 1_500, 2_000, 2_500, 3_000, 3_200, 3_400)  # Hz

Process = Callable[[Samples], Samples]


def optional(name: str) -> ModuleType | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            return importlib.import_module(name)
        except ImportError:
            return None


def ours(from_rate: int, to_rate: int) -> Process:
    return StreamingResampler(from_rate, to_rate).process


def with_soxr(soxr: Any, from_rate: int, to_rate: int, quality: str) -> Process:
    stream = soxr.ResampleStream(from_rate, to_rate, 1, dtype="int16", quality=quality)
    return lambda samples: stream.resample_chunk(samples)


def with_audioop(audioop: Any, from_rate: int, to_rate: int) -> Process:
    state: Any = None

    def process(samples: Samples) -> Samples:
        nonlocal state
        data, state = audioop.ratecv(samples.tobytes(), 2, 1, from_rate, to_rate, state)
        return np.frombuffer(data, np.int16)

    return process


def milliseconds(work: Callable[[], object]) -> float:
    """Best mean time of one call, over several rounds: the other users of the machine only ever add."""
    best = math.inf
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for _ in range(FRAMES):
            work()
        best = min(best, (time.perf_counter() - start) / FRAMES)
    return best * 1_000


def withheld_ms(process: Process, from_rate: int, to_rate: int) -> tuple[float, float]:
    """Input that has not come out yet, mean and largest after each 20 ms frame of a stream of 10 s."""
    frame, made, lags = np.zeros(from_rate // 50, np.int16), 0, []
    for index in range(500):
        made += len(process(frame))
        lags.append((index + 1) * 20 - made / to_rate * 1_000)
    return sum(lags) / len(lags), max(lags)


def gain_db(process: Process, frequency: float, from_rate: int, to_rate: int) -> float:
    """Level of the steady output of a sine, in dB against its input: what passed, or what folded back."""
    tone = np.rint(20_000 * np.sin(2 * np.pi * frequency * np.arange(from_rate * 2) / from_rate)).astype(np.int16)
    size = from_rate // 50
    output = np.concatenate([process(tone[start : start + size]) for start in range(0, len(tone), size)])
    steady = output[to_rate // 2 : to_rate * 3 // 2].astype(float)
    return 20 * math.log10(max(float(np.sqrt(np.mean(steady**2))), 1e-2) / (20_000 / math.sqrt(2)))


def image_db(process: Process, from_rate: int, to_rate: int) -> float:
    """Going up: the strongest line beside a 3 kHz sine."""
    tone = np.rint(20_000 * np.sin(2 * np.pi * 3_000 * np.arange(from_rate * 2) / from_rate)).astype(np.int16)
    output = process(tone).astype(float)[to_rate // 2 : to_rate * 3 // 2]
    spectrum = np.abs(np.fft.rfft(output * np.blackman(len(output))))
    hertz = np.fft.rfftfreq(len(output), 1 / to_rate)
    return 20 * math.log10(spectrum[np.abs(hertz - 3_000) > 100].max() / spectrum.max())


def resampling(console: Console, soxr: ModuleType | None, audioop: ModuleType | None) -> None:
    table = Table(title="Streaming resampling of 20 ms frames")
    for heading in (
        "pair",
        "by",
        "ms a frame",
        "x ours",
        "withheld ms, mean / most",
        "alias or image dB",
        "passband dB",
    ):
        table.add_column(heading, justify="left" if heading in ("pair", "by") else "right")
    for from_rate, to_rate in PAIRS:
        makers: dict[str, Callable[[], Process]] = {"ours": lambda a=from_rate, b=to_rate: ours(a, b)}  # type: ignore[misc]
        if soxr:
            for quality in ("VHQ", "HQ", "LQ"):
                makers[f"soxr {quality}"] = lambda a=from_rate, b=to_rate, q=quality: with_soxr(soxr, a, b, q)  # type: ignore[misc]
        if audioop:
            makers["audioop"] = lambda a=from_rate, b=to_rate: with_audioop(audioop, a, b)  # type: ignore[misc]
        noise = np.random.default_rng(0).integers(-20_000, 20_000, from_rate // 50).astype(np.int16)
        base = 0.0
        for name, make in makers.items():
            process = make()
            took = milliseconds(lambda run=process, frame=noise: run(frame))  # type: ignore[misc]
            base = base or took
            mean, most = withheld_ms(make(), from_rate, to_rate)
            if to_rate < from_rate:
                stop = max(gain_db(make(), f, from_rate, to_rate) for f in np.linspace(4_600, from_rate / 2 - 100, 15))
            else:
                stop = image_db(make(), from_rate, to_rate)
            passband = max((gain_db(make(), f, from_rate, to_rate) for f in PASSBAND), key=abs)
            table.add_row(
                f"{from_rate} -> {to_rate}",
                name,
                f"{took:.4f}",
                f"{took / base:.2f}",
                f"{mean:.1f} / {most:.1f}",
                f"{stop:.1f}",
                f"{passband:+.2f}",
            )
    console.print(table)


def companding(console: Console, audioop: ModuleType | None) -> None:
    samples = np.random.default_rng(0).integers(-32_768, 32_768, 160).astype(np.int16)
    raw, codes = samples.tobytes(), bytes(range(160))
    table = Table(title="G.711, 160 samples")
    for heading in ("work", "ours ms", "audioop ms", "audioop / ours"):
        table.add_column(heading, justify="right" if "ms" in heading or "/" in heading else "left")
    for name, mine, theirs in (
        ("mu-law encode", lambda: ulaw_encode(samples), lambda: audioop and audioop.lin2ulaw(raw, 2)),
        ("mu-law decode", lambda: ulaw_decode(codes), lambda: audioop and audioop.ulaw2lin(codes, 2)),
        ("A-law encode", lambda: alaw_encode(samples), lambda: audioop and audioop.lin2alaw(raw, 2)),
        ("A-law decode", lambda: alaw_decode(codes), lambda: audioop and audioop.alaw2lin(codes, 2)),
    ):
        own = milliseconds(mine)
        other = milliseconds(theirs) if audioop else math.nan
        table.add_row(name, f"{own:.4f}", f"{other:.4f}", f"{other / own:.2f}")
    console.print(table)


def main() -> None:
    console = Console(width=120)
    soxr, audioop = optional("soxr"), optional("audioop")
    for name, module in (("soxr", soxr), ("audioop", audioop)):
        if module is None:
            console.print(f"{name} is not installed here: its rows are left out.")
    resampling(console, soxr, audioop)
    companding(console, audioop)


if __name__ == "__main__":
    main()
