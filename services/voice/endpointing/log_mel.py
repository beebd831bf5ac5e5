"""The log-mel spectrogram that Whisper's encoders were trained on, in numpy.

As defined by OpenAI's whisper/audio.py and by transformers' WhisperFeatureExtractor: sound of 16 kHz, windows of 400
samples (periodic Hann) every 160, centred by reflection at both ends, the last frame dropped; power spectrum; 80
triangular filters from 0 to 8000 Hz on Slaney's mel scale, each of area one (M. Slaney, Auditory Toolbox, 1998); log10
of at least 1e-10; nothing more than 8 below the loudest; then (x + 4) / 4.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

RATE = 16000
WINDOW = 400
HOP = 160
FILTERS = 80

_LINEAR_MEL_HZ = 200 / 3  # Slaney's scale: linear up to 1000 Hz, which is 15 mel, then a factor of 6.4 every 27 mel
_BEND_HZ, _BEND_MEL = 1000.0, 15.0
_LOG_STEP = np.log(6.4) / 27
_SMALLEST_POWER = 1e-10
_DYNAMIC_RANGE = 8.0  # powers of ten
_SMALLEST_VARIANCE = 1e-7

Floats = NDArray[np.float32]


def log_mel(sound: Floats) -> Floats:
    """Turn (n,) float32 at 16 kHz, n a multiple of HOP, into the (FILTERS, n / HOP) spectrogram."""
    padded = np.pad(sound, WINDOW // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP][: len(sound) // HOP]
    spectrum = np.fft.rfft(frames * _hann())
    power = spectrum.real**2 + spectrum.imag**2
    logs = np.log10(np.maximum(mel_filters() @ power.T, _SMALLEST_POWER))
    limited = np.maximum(logs, logs.max() - _DYNAMIC_RANGE)
    return np.asarray((limited + 4) / 4, np.float32)


def standardised(sound: Floats) -> Floats:
    """Return `sound` with mean 0 and variance 1, as the extractor's `do_normalize` does; silence stays near zero."""
    return np.asarray((sound - sound.mean()) / np.sqrt(sound.var() + _SMALLEST_VARIANCE), np.float32)


@cache
def mel_filters() -> NDArray[np.float64]:
    """Return the (FILTERS, WINDOW / 2 + 1) weights."""
    top = _BEND_MEL + np.log(RATE / 2 / _BEND_HZ) / _LOG_STEP
    edges = _hertz(np.linspace(0, top, FILTERS + 2))
    bins = np.linspace(0, RATE / 2, WINDOW // 2 + 1)
    rising = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    return np.asarray(np.clip(np.minimum(rising, falling), 0, None) * (2 / (edges[2:] - edges[:-2]))[:, None])


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mel < _BEND_MEL, mel * _LINEAR_MEL_HZ, _BEND_HZ * np.exp(_LOG_STEP * (mel - _BEND_MEL)))


@cache
def _hann() -> NDArray[np.float64]:
    return np.asarray(np.hanning(WINDOW + 1)[:-1])
