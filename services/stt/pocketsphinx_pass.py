"""One pocketsphinx decoder going over one utterance while it is spoken."""

import math
import re
from dataclasses import dataclass
from typing import Any

from services.audio.frame import Samples

FRAMES_A_SECOND = 100
SLOWEST_PHONE_SECONDS = 0.4
"""A phone that lasts longer was matched to noise, not to speech."""

_VARIANT = re.compile(r"\(\d+\)$")
_SMALLEST = 1e-320


@dataclass(frozen=True, slots=True)
class Heard:
    """What one pass understood: words as (text, start, end, confidence), seconds from the start of the utterance.

    `acoustic` is the acoustic log score per frame: comparable between two passes over the same utterance.
    """

    words: tuple[tuple[str, float, float, float], ...] = ()
    acoustic: float = -math.inf

    @property
    def text(self) -> str:
        """The words as one line."""
        return " ".join(word for word, *_ in self.words)

    @property
    def confidence(self) -> float:
        """Mean posterior of the words, 0 when there is none."""
        return sum(word[3] for word in self.words) / len(self.words) if self.words else 0.0


class Pass:
    """A decoder and the utterance it is in. `mean` is the cepstral mean each utterance begins with."""

    def __init__(self, decoder: Any) -> None:
        self._decoder = decoder
        self._speaking = False

    def feed(self, samples: Samples, mean: str) -> None:
        """Decode (n,) int16 at 16 kHz; the first of an utterance begins it with `mean`."""
        if not len(samples):
            return
        if not self._speaking:
            # Nothing that one caller's voice taught the decoder may meet the next: measured, it does harm.
            self._decoder.set_cmn(mean)
            self._decoder.start_utt()
            self._speaking = True
        self._decoder.process_raw(samples.tobytes())

    def interim(self) -> str:
        """Return what is understood so far."""
        hypothesis = self._decoder.hyp() if self._speaking else None
        return _VARIANT.sub("", hypothesis.hypstr) if hypothesis else ""

    def finish(self) -> Heard:
        """End the utterance and return what was understood of it."""
        if not self._speaking:
            return Heard()
        self._speaking = False
        self._decoder.end_utt()
        if self._decoder.hyp() is None:
            return Heard()
        segments = [segment for segment in self._decoder.seg() if segment.word != "</s>"]
        score = sum(math.log(max(segment.ascore, _SMALLEST)) for segment in segments)
        words = tuple(self._word(segment) for segment in segments if segment.word[0] not in "<[+")
        if any(self._too_slow(segment) for segment in segments):
            words = ()
        return Heard(words, score / max(self._decoder.n_frames(), 1))

    def abandon(self) -> None:
        """Leave the utterance, so that the decoder can be used for another stream."""
        if self._speaking:
            self._speaking = False
            self._decoder.end_utt()

    @property
    def decoder(self) -> Any:
        """The pocketsphinx decoder."""
        return self._decoder

    def _word(self, segment: Any) -> tuple[str, float, float, float]:
        start, end = segment.start_frame / FRAMES_A_SECOND, (segment.end_frame + 1) / FRAMES_A_SECOND
        return _VARIANT.sub("", segment.word), start, end, round(min(segment.prob, 1.0), 3)

    def _too_slow(self, segment: Any) -> bool:
        if segment.word[0] in "<[+":
            return False
        phones = len((self._decoder.lookup_word(segment.word) or "").split()) or 1
        lasted = (segment.end_frame + 1 - segment.start_frame) / FRAMES_A_SECOND
        return bool(lasted > SLOWEST_PHONE_SECONDS * phones)
