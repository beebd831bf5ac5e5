"""Sounds that a telephone line carries, for the tests of what listens to it."""

import io
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray
from paced_line import SPEECH

from services.audio.files import read_audio
from services.audio.frame import Frame, Samples
from services.audio.framer import Framer


def as_int16(sound: NDArray[np.floating[Any]]) -> Samples:
    """Round and clip."""
    samples: Samples = np.clip(np.rint(sound), -32_768, 32_767).astype(np.int16)
    return samples


def gsm_coded(samples: Samples) -> Samples:
    """Return 8 kHz sound as it comes through GSM 06.10 full rate (libsndfile's coder), cut or padded to its length."""
    with io.BytesIO() as file:
        soundfile.write(file, samples, 8_000, format="WAV", subtype="GSM610")
        file.seek(0)
        coded, _ = soundfile.read(file, dtype="int16")
    return np.pad(coded, (0, max(0, len(samples) - len(coded))))[: len(samples)]


def all_speech(rate: int = 8_000) -> Samples:
    """Return every recorded sentence, one after the other: a minute and a half of two voices."""
    return np.concatenate([read_audio(path, rate) for path in sorted(SPEECH.glob("*.wav"))])


def sines(frequencies: tuple[float, ...], seconds: float, level_dbfs: float, rate: int = 8_000) -> Samples:
    """Return sines together, each at `level_dbfs` RMS (clipped where they do not fit)."""
    angles = 2 * np.pi * np.outer(frequencies, np.arange(round(seconds * rate)) / rate)
    return as_int16(32_768 * 2**0.5 * 10 ** (level_dbfs / 20) * np.sin(angles).sum(axis=0))


def noise(seconds: float, level_dbfs: float, rate: int = 8_000, seed: int = 0) -> Samples:
    """Return white noise at `level_dbfs` RMS."""
    return as_int16(np.random.default_rng(seed).normal(0, 32_768 * 10 ** (level_dbfs / 20), round(seconds * rate)))


def quiet(seconds: float, rate: int = 8_000) -> Samples:
    """Return digital silence."""
    return np.zeros(round(seconds * rate), np.int16)


def at_level(samples: Samples, decibels: float) -> Samples:
    """Return the sound louder or quieter."""
    return as_int16(samples * 10 ** (decibels / 20))


def cut(samples: Samples, rate: int = 8_000) -> list[Frame]:
    """Return the sound as whole frames."""
    return Framer(rate).push(samples)


def joined(frames: list[Frame]) -> Samples:
    """Return the frames as one sound."""
    return np.concatenate([frame.samples for frame in frames])
