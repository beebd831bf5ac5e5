"""How loud a piece of sound is. 0 dBFS is the int16 full scale of 32768, so a full-scale sine has -3.0 dBFS RMS."""

import math

import numpy as np

from services.audio.frame import Samples

FULL_SCALE = 32_768.0
SILENCE_DBFS = -120.0
"""What digital silence, or no sound at all, is said to measure: a number that every log and JSON can hold."""


def rms_dbfs(samples: Samples) -> float:
    """Root mean square level in dBFS, from -120.0 (silence) to 0.0."""
    if not samples.size:
        return SILENCE_DBFS
    values = samples.astype(np.float64).ravel()
    return _decibels(math.sqrt(float(values @ values) / values.size))


def peak_dbfs(samples: Samples) -> float:
    """Level of the largest sample in dBFS, from -120.0 (silence) to 0.0."""
    if not samples.size:
        return SILENCE_DBFS
    return _decibels(max(float(samples.max()), -float(samples.min())))


def _decibels(value: float) -> float:
    return max(20 * math.log10(value / FULL_SCALE), SILENCE_DBFS) if value > 0 else SILENCE_DBFS
