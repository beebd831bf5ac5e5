"""Make the callers' speech: small 8 kHz WAV files spoken by Debian's flite (`apt-get install flite`).

Run `python tests/speech/make_speech.py` from the repository root after changing a sentence. The files are kept in
the repository, so that tests, benchmarks and the demo call need neither flite nor this script.
"""

import shutil
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "telephony" / "simulator" / "speech" / "en"
TESTS = ROOT / "tests" / "speech"

RATE = 8000
PEAK = 16384  # -6 dBFS
SILENCE_SECONDS = 0.15

DEMO_CALLER = (
    ("1-opening-hours", "rms", "Hello. What are your opening hours?"),
    ("2-address", "rms", "Where are you located?"),
)
"""The caller of `secretary call` without arguments: file name, flite voice, words; one file per turn."""

VOICES = ("slt", "rms")

SENTENCES = {
    "hours": "What are your opening hours?",
    "hours-open": "When are you open?",
    "address": "Where are you located?",
    "office": "Where is your office?",
    "prices": "What are your prices?",
    "appointment": "I would like to make an appointment.",
    "message": "I would like to leave a message.",
    "matter": "Please tell the doctor that my invoice is wrong.",
    "name": "My name is John Smith.",
    "number": "Four one five. Five five five. Two six seven one.",
    "yes": "Yes.",
    "no": "No.",
    "goodbye": "Goodbye.",
    "thanks": "Thank you, goodbye.",
    "football": "Who won the football game yesterday?",
    "long": (
        "Hello, I am calling because I bought a new computer from your company last week, and now it does not work, "
        "so I would like to speak with somebody about the problem."
    ),
}
"""What the tests' callers say, by the first part of the file name; the voice is its last part."""


def speak(text: str, voice: str) -> tuple[NDArray[np.float64], int]:
    """Let flite say `text`; returns samples of full int16 scale and their rate in Hz."""
    program = shutil.which("flite")
    if program is None:
        sys.exit("flite is missing. Install it: apt-get install flite")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        subprocess.run([program, "-voice", voice, "-t", text, "-o", str(path)], check=True, timeout=60)
        with wave.open(str(path)) as spoken:
            samples = np.frombuffer(spoken.readframes(spoken.getnframes()), np.int16)
            return samples.astype(np.float64), spoken.getframerate()


def halve_rate(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Resample by 1/2 behind a Kaiser-windowed low-pass of 161 taps, cut at 0.94 of the new Nyquist frequency."""
    taps = np.arange(161) - 80
    kernel = 0.47 * np.sinc(0.47 * taps) * np.kaiser(161, 7.0)
    return np.convolve(samples, kernel / kernel.sum(), "same")[::2]


def write(path: Path, voice: str, text: str) -> None:
    """Write what `voice` makes of `text`: 8 kHz mono int16, peak -6 dBFS, silence at both ends."""
    samples, rate = speak(text, voice)
    if rate != 2 * RATE:
        sys.exit(f"The flite voice {voice} speaks at {rate} Hz; choose one of {2 * RATE} Hz, such as slt or rms.")
    speech = halve_rate(samples)
    speech *= PEAK / np.abs(speech).max()
    edge = np.zeros(round(SILENCE_SECONDS * RATE))
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.concatenate([edge, speech, edge]).round().astype("<i2").tobytes())


def main() -> None:
    """Write every file anew."""
    for name, voice, text in DEMO_CALLER:
        write(DEMO / f"{name}.wav", voice, text)
    for name, text in SENTENCES.items():
        for voice in VOICES:
            write(TESTS / f"{name}-{voice}.wav", voice, text)


if __name__ == "__main__":
    main()
