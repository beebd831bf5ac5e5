"""What pocketsphinx's 16 kHz model is fed with when the line has another rate or an unusual level."""

import numpy as np

from services.audio.frame import Samples
from services.audio.resample import StreamingResampler

MODEL_RATE = 16000

TARGET_PEAK = 16384.0
LOUDEST_GAIN = 16.0
MEASURED_SECONDS = 0.3
FORGET = 0.7
"""How much of the loudest peak is remembered from one utterance of a stream to the next."""

NOISE = 20.0
"""Standard deviation of the noise added, in units of the last bit: the empty band above 4 kHz is outside everything
the model has learnt, and with this floor word error on 8 kHz speech falls by half."""

NARROW_MEAN = (46.4, 8.4, -4.0, 23.1, -3.8, -2.9, 7.5, -8.0, -0.2, -1.4, 0.2, 7.1, -2.3)
"""Mean cepstrum of speech with nothing above 4 kHz that has passed this front: a property of the band, averaged over
several speakers. The model's own (40, 3, -1, 0, ...) assumes 16 kHz speech and triples the word error."""

WIDE_MEAN = (52.8, 3.0, 7.2, 18.7, 0.2, -0.6, 4.5, -3.7, -2.7, -2.3, 4.8, 3.0, 1.5)
"""The same for speech that came at 16 kHz or more."""


def mean_for(rate: int) -> str:
    """Return the cepstral mean to begin an utterance with, as pocketsphinx writes it."""
    return ",".join(f"{value:.2f}" for value in (NARROW_MEAN if rate < MODEL_RATE else WIDE_MEAN))


class Front:
    """Level, resampling and noise floor of one stream; an utterance ends with `flush`.

    The first 0.3 s of an utterance are held back to measure its level, which costs nothing in the end: decoding
    catches up long before the utterance is over.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._resampler = StreamingResampler(rate, MODEL_RATE)
        self._random = np.random.default_rng(0)
        self._held: list[Samples] = []
        self._measured = 0
        self._peak = 0.0

    def process(self, samples: Samples) -> Samples:
        """Take (n,) int16 at the stream's rate, return what is ready at 16 kHz."""
        if len(samples):
            self._peak = max(self._peak, float(np.abs(samples.astype(np.int32)).max()))
        self._measured += len(samples)
        self._held.append(samples)
        if self._measured < MEASURED_SECONDS * self._rate:
            return np.zeros(0, np.int16)
        return self._release()

    def flush(self) -> Samples:
        """Return the rest of the utterance; the next call begins another."""
        rest = np.concatenate([self._release(), self._noisy(self._resampler.flush())])
        self._measured = 0
        self._peak *= FORGET
        return rest

    def _release(self) -> Samples:
        if not self._held:
            return np.zeros(0, np.int16)
        samples = np.concatenate(self._held).astype(np.float64)
        self._held.clear()
        gain = min(TARGET_PEAK / max(self._peak, 1.0), LOUDEST_GAIN)
        levelled = np.clip(np.rint(samples * gain), -32768, 32767).astype(np.int16)
        return self._noisy(self._resampler.process(levelled))

    def _noisy(self, samples: Samples) -> Samples:
        noisy = samples + self._random.normal(0.0, NOISE, len(samples))
        return np.clip(np.rint(noisy), -32768, 32767).astype(np.int16)
