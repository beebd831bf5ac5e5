"""Speech for the far end: the shipped demonstration caller, and files of your own."""

import wave
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from telephony.simulator.log import SimulatorError
from telephony.simulator.person.resample import Samples, resample, to_int16
from telephony.simulator.person.tones import RATE


def demo_turns(language: str = "en") -> list[Samples]:
    """The turns of the shipped caller, int16 at 8 kHz, in the order of their file names.

    Raises SimulatorError when no caller of that language is shipped.
    """
    folder = files("telephony.simulator") / "speech" / language
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".wav")) if folder.is_dir() else []
    if not names:
        raise SimulatorError(f"No demonstration caller is shipped for the language {language!r}.")
    turns = []
    for name in names:
        with as_file(folder / name) as path:
            turns.append(read_wav(path))
    return turns


def read_wav(path: str | Path) -> Samples:
    """Read a sound file as int16 mono at 8 kHz, its channels averaged, resampled with a windowed sinc.

    16-bit WAV is read by the standard library, everything else by soundfile. Raises SimulatorError for a file that is
    missing or is no sound.
    """
    path = Path(path)
    if not path.is_file():
        raise SimulatorError(f"There is no sound file {path}.")
    try:
        samples, rate = _read_pcm16(path)
    except (wave.Error, EOFError):
        samples, rate = _read_other(path)
    return to_int16(resample(samples.mean(axis=1), rate, RATE))


def _read_pcm16(path: Path) -> tuple[NDArray[np.float64], int]:
    with wave.open(str(path), "rb") as source:
        if source.getsampwidth() != 2:
            raise wave.Error("not 16-bit")
        data = source.readframes(source.getnframes())
        channels, rate = source.getnchannels(), source.getframerate()
    whole = len(data) - len(data) % (2 * channels)
    return np.frombuffer(data[:whole], "<i2").reshape(-1, channels).astype(np.float64), rate


def _read_other(path: Path) -> tuple[NDArray[np.float64], int]:
    try:
        import soundfile
    except ImportError:
        raise SimulatorError(f"{path} is no 16-bit WAV; other sound files need the soundfile package.") from None
    try:
        samples, rate = soundfile.read(path, dtype="float64", always_2d=True)
    except soundfile.SoundFileError:
        raise SimulatorError(f"{path} is no sound file that can be read.") from None
    return samples * 32767.0, rate
