"""What the sound of a telephone call costs, frame by frame, and what it is worth.

    python -m bench.telephony.audio

Costs are of 20 ms, the best of several rounds. Keys are sent at 60 to 40 ms through each codec, from many offsets;
`talk-off` is how often speech was taken for a key. Voice activity is what Silero hears of the recorded sentences as
they get quieter, and in how many pieces, without and with the leveller; the noise of the line lies at -75 dBFS.
"""

import io
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import soundfile
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from services.audio.byte_alignment import ByteAlignment
from services.audio.dtmf import DtmfDetector, dtmf_tones
from services.audio.files import read_audio
from services.audio.frame import Samples, frame_samples
from services.audio.framer import Framer
from services.audio.g711 import alaw_decode, alaw_encode, ulaw_decode, ulaw_encode
from services.audio.leveller import INCOMING, OUTGOING, Leveller
from services.audio.speech_meter import SpeechMeter
from services.audio.tones import ToneDetector
from services.voice.hearing.vad import SileroModel, VoiceActivity
from telephony.audio_pipeline import Coding, TelephonyAudioPipeline

SPEECH = Path(__file__).resolve().parents[2] / "tests" / "speech"
KEYS = "1234567890*#ABCD"
ROUNDS = 5
PAUSE_SECONDS = 1.0
LEVELS = (-20, -35, -45, -55)  # dBFS of the caller's speech
NOISE_DBFS = -75.0

T = TypeVar("T")


def sentences(rate: int) -> Samples:
    pause = np.zeros(round(PAUSE_SECONDS * rate), np.int16)
    parts = [part for path in sorted(SPEECH.glob("*.wav")) for part in (pause, read_audio(path, rate))]
    return np.concatenate(parts)


def int16(sound: NDArray[np.floating[Any]]) -> Samples:
    samples: Samples = np.clip(np.rint(sound), -32_768, 32_767).astype(np.int16)
    return samples


def gsm(samples: Samples) -> Samples:
    with io.BytesIO() as file:
        soundfile.write(file, samples, 8_000, format="WAV", subtype="GSM610")
        file.seek(0)
        coded, _ = soundfile.read(file, dtype="int16")
    return np.pad(coded, (0, max(0, len(samples) - len(coded))))[: len(samples)]


CODECS: dict[str, Callable[[Samples], Samples]] = {
    "linear": lambda samples: samples,
    "A-law": lambda samples: alaw_decode(alaw_encode(samples)),
    "mu-law": lambda samples: ulaw_decode(ulaw_encode(samples)),
    "GSM full rate": gsm,
    "GSM twice": lambda samples: gsm(gsm(samples)),
}


def microseconds(make: Callable[[], Callable[[T], object]], inputs: Sequence[T]) -> float:
    """Best mean time of one input, over several rounds: the other users of the machine only ever add."""
    best = math.inf
    for _ in range(ROUNDS):
        work = make()
        start = time.perf_counter()
        for each in inputs:
            work(each)
        best = min(best, (time.perf_counter() - start) / len(inputs))
    return best * 1e6


def raw(samples: Samples, rate: int) -> list[bytes]:
    size = 2 * frame_samples(rate)
    data = samples.astype("<i2").tobytes()
    return [data[at : at + size] for at in range(0, len(data) - size, size)]


def costs(console: Console) -> None:
    table = Table(title="Microseconds for 20 ms")
    for heading in ("work", "speech 8 kHz", "silence 8 kHz", "speech 16 kHz"):
        table.add_column(heading, justify="left" if heading == "work" else "right")
    sounds = [(sentences(8_000), 8_000), (np.zeros(80_000, np.int16), 8_000), (sentences(16_000), 16_000)]
    for name, make in (
        ("keys (Goertzel)", lambda rate: DtmfDetector(rate).push),
        ("tones (ringback, busy, beep)", lambda rate: ToneDetector(rate).push),
        ("leveller, caller", lambda rate: Leveller(rate, INCOMING).push),
        ("leveller, secretary", lambda rate: Leveller(rate, OUTGOING).push),
        ("pipeline out, levelled", lambda rate: TelephonyAudioPipeline(rate).transmit),
    ):
        frames = [Framer(rate).push(samples) for samples, rate in sounds]
        rates = [rate for _, rate in sounds]
        cells = [microseconds(lambda m=make, r=r: m(r), f) for r, f in zip(rates, frames, strict=True)]  # type: ignore[misc]
        table.add_row(name, *(f"{cell:.1f}" for cell in cells))
    for name, take in (
        ("byte alignment", lambda _: ByteAlignment().read),
        ("pipeline in, plain", lambda rate: TelephonyAudioPipeline(rate, incoming=None).receive),
        ("pipeline in, levelled", lambda rate: TelephonyAudioPipeline(rate).receive),
        ("pipeline in, levelled, keys", lambda rate: TelephonyAudioPipeline(rate, on_key=print).receive),
    ):
        cells = [microseconds(lambda t=take, r=rate: t(r), raw(samples, rate)) for samples, rate in sounds]  # type: ignore[misc]
        table.add_row(name, *(f"{cell:.1f}" for cell in cells))
    powers = [1e-4, 1e-7] * 1_000
    meter = microseconds(lambda: SpeechMeter().push, powers)
    table.add_row("speech meter", f"{meter:.1f}", "", "")
    codes = [ulaw_encode(frame.samples) for frame in Framer(8_000).push(sounds[0][0])]
    for coding in (Coding.MU_LAW, Coding.A_LAW):
        cost = microseconds(lambda c=coding: TelephonyAudioPipeline(8_000, c).receive, codes)  # type: ignore[misc]
        table.add_row(f"pipeline in, {coding}, levelled", f"{cost:.1f}", "", "")
    console.print(table)


def keys_heard(samples: Samples) -> str:
    detector = DtmfDetector(8_000)
    return "".join(key for frame in Framer(8_000).push(samples) for key in detector.push(frame))


def keys(console: Console) -> None:
    table = Table(title=f"Keys in the sound: strings of {len(KEYS)} heard whole, of 16")
    for heading in ("codec", "60 ms", "50 ms", "40 ms", "talk-off"):
        table.add_column(heading, justify="left" if heading == "codec" else "right")
    speech = sentences(8_000)
    for name, codec in CODECS.items():
        cells = []
        for seconds in (0.06, 0.05, 0.04):
            sound = np.pad(dtmf_tones(KEYS, 8_000, tone_seconds=seconds, pause_seconds=seconds), (0, 1_600))
            strings = [keys_heard(codec(np.pad(sound, (offset, 0)))) for offset in range(0, 160, 10)]
            cells.append(str(strings.count(KEYS)))
        table.add_row(name, *cells, f"{len(keys_heard(codec(speech)))} in {len(speech) / 8_000:.0f} s")
    console.print(table)


def activity(model: SileroModel, samples: Samples) -> tuple[NDArray[np.bool_], int]:
    """Return in which frames somebody speaks, and in how many pieces."""
    voice = VoiceActivity(model.detector(8_000), 8_000)
    speaking = np.array([voice.push(frame).speaking for frame in Framer(8_000).push(samples)])
    return speaking, int(np.count_nonzero(speaking[1:] & ~speaking[:-1]))


def hearing(console: Console) -> None:
    table = Table(title="What voice activity hears of a caller")
    for heading in ("dBFS", "speech heard", "in pieces", "levelled: speech heard", "in pieces", "gain dB"):
        table.add_column(heading, justify="right")
    model, speech = SileroModel(), sentences(8_000) * 0.8
    noise = np.random.default_rng(0).normal(0, 32_768 * 10 ** (NOISE_DBFS / 20), len(speech))
    truth, _ = activity(model, int16(speech))
    for level in LEVELS:
        sound = int16(speech * 10 ** ((level + 20) / 20) + noise)
        leveller = Leveller(8_000, INCOMING)
        levelled = np.concatenate([leveller.push(frame).samples for frame in Framer(8_000).push(sound)])
        cells = []
        for each in (sound, levelled):
            speaking, pieces = activity(model, each)
            cells += [f"{speaking[truth].mean():.0%}", str(pieces)]
        table.add_row(str(level), *cells, f"{leveller.gain_db:+.1f}")
    console.print(table)


def main() -> None:
    console = Console(width=120)
    costs(console)
    keys(console)
    hearing(console)


if __name__ == "__main__":
    main()
