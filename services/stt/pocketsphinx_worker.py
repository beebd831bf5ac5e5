"""Pocketsphinx inside its worker process: a general pass over what is said, and a second one over the likely phrases.

A language model made of the hints alone hears a likely phrase where the general model hears something like it, but it
forces every other speech into its own words. So its result counts only when every three words in a row of it occur in
a hint, and when it fits the sound about as well as the general result does; else the general pass stands.
"""

import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from services.stt.pocketsphinx_front import Front, mean_for
from services.stt.pocketsphinx_hints import ANSWERS, COURTESIES, Phrasebook
from services.stt.pocketsphinx_pass import Heard, Pass
from services.workers.protocol import Emit, WorkerMessage

INTERIM_SECONDS = 0.2
LOWEST_CONFIDENCE = 0.1
WORST_FIT = -0.3
"""How much worse, in acoustic log score per frame, a likely phrase may fit than the general result."""

ANSWER_FIT, ANSWER_CONFIDENCE = -0.1, 0.4
"""A plain yes or no that only the likely phrases heard must fit nearly as well as the general result, and be this sure:
it is a short sound that other words and coughs resemble, and it decides something."""

SECOND_PASS = False
"""pocketsphinx's flat-lexicon pass over the whole utterance after its end: it left word error where it was (slt 35 and
33 %, rms 12 and 14 %, with and without) and cost a third of a second of CPU after a sentence of ten seconds."""

KEPT_PHRASEBOOKS = 4
MOST_PRONUNCIATIONS = 9


class PocketsphinxEngine:
    """Built once per process; keeps decoders that are free for the next stream. `options` holds nothing."""

    def __init__(self, options: Mapping[str, Any]) -> None:  # noqa: ARG002 - the worker's signature
        self._lock = threading.Lock()
        self._building = threading.Lock()
        self._general: list[Pass] = []
        self._likely: OrderedDict[Phrasebook, list[Pass]] = OrderedDict()
        self._words = self._decoder()
        everyone = Phrasebook.of(COURTESIES, self._knows)
        self.give_back(everyone, Pass(self._words), Pass(self._decoder(everyone)))

    def open(self, data: Mapping[str, Any], emit: Emit) -> "PocketsphinxSession":
        """Begin a session for {rate, hints}."""
        phrasebook = Phrasebook.of([*data["hints"], *COURTESIES], self._knows)
        return PocketsphinxSession(self, int(data["rate"]), phrasebook, emit)

    def take(self, phrasebook: Phrasebook, cancelled: Callable[[], bool]) -> tuple[Pass, Pass] | None:
        """Lend a general pass and one for `phrasebook`, None when `cancelled` before its turn.

        Building a general one takes about a quarter of a second of CPU.
        """
        with self._building:
            if cancelled():
                return None
            with self._lock:
                general = self._general.pop() if self._general else None
                free = self._likely.get(phrasebook)
                likely = free.pop() if free else None
            return general or Pass(self._decoder()), likely or Pass(self._decoder(phrasebook))

    def give_back(self, phrasebook: Phrasebook, general: Pass, likely: Pass) -> None:
        """Take both back for the next stream; the phrasebooks used longest ago are forgotten."""
        general.abandon()
        likely.abandon()
        with self._lock:
            self._general.append(general)
            self._likely.setdefault(phrasebook, []).append(likely)
            self._likely.move_to_end(phrasebook)
            while len(self._likely) > KEPT_PHRASEBOOKS:
                self._likely.popitem(last=False)

    def _knows(self, word: str) -> bool:
        return self._words.lookup_word(word) is not None

    def _decoder(self, phrasebook: Phrasebook | None = None) -> Any:
        from pocketsphinx import Decoder

        if phrasebook is None:
            return Decoder(loglevel="FATAL", fwdflat=SECOND_PASS)
        with tempfile.TemporaryDirectory() as folder:
            model, dictionary = Path(folder) / "likely.arpa", Path(folder) / "likely.dict"
            model.write_text(phrasebook.arpa(), encoding="utf-8")
            # A dictionary of its own words alone is read ten times faster than the whole one.
            dictionary.write_text("".join(map(self._pronunciations, phrasebook.words())), encoding="utf-8")
            return Decoder(loglevel="FATAL", fwdflat=SECOND_PASS, lm=str(model), dict=str(dictionary))

    def _pronunciations(self, word: str) -> str:
        lines = ""
        for form in (word, *(f"{word}({number})" for number in range(2, MOST_PRONUNCIATIONS + 1))):
            phones = self._words.lookup_word(form)
            if phones is None:
                break
            lines += f"{form} {phones}\n"
        return lines


class PocketsphinxSession:
    """One ear."""

    def __init__(self, engine: PocketsphinxEngine, rate: int, phrasebook: Phrasebook, emit: Emit) -> None:
        self._engine = engine
        self._phrasebook = phrasebook
        self._passes: tuple[Pass, Pass] | None = None
        self._front = Front(rate)
        self._mean = mean_for(rate)
        self._emit = emit
        self._rate = rate
        self._samples = 0
        self._began = 0
        self._told = ""
        self._told_at = 0.0
        self._cancelled = False

    def handle(self, message: WorkerMessage) -> None:
        """Make ready at `prepare`, decode `audio`, answer `end`."""
        if self._passes is None:
            self._passes = self._engine.take(self._phrasebook, lambda: self._cancelled)
        if self._cancelled or self._passes is None:
            return
        if message.type == "audio":
            samples = np.frombuffer(message.payload, "<i2").astype(np.int16)
            self._samples += len(samples)
            self._decode(self._front.process(samples))
            self._tell_interim()
        elif message.type == "end":
            self._decode(self._front.flush())
            general, likely = self._passes
            self._tell_final(self._choose(general.finish(), likely.finish()))

    def cancel(self) -> None:
        """Stop decoding at the next frame."""
        self._cancelled = True

    def close(self) -> None:
        """Give the decoders back."""
        if self._passes is not None:
            self._engine.give_back(self._phrasebook, *self._passes)

    def _decode(self, samples: np.ndarray[Any, np.dtype[np.int16]]) -> None:
        for each in self._passes or ():
            each.feed(samples, self._mean)

    def _tell_interim(self) -> None:
        now = time.monotonic()
        if self._passes is None or now - self._told_at < INTERIM_SECONDS:
            return
        text = self._passes[0].interim()
        if text and text != self._told:
            self._told, self._told_at = text, now
            self._emit(WorkerMessage("transcript", {"text": text, "final": False}))

    def _choose(self, general: Heard, likely: Heard) -> tuple[Heard, Sequence[str]]:
        words = tuple(word for word, *_ in likely.words)
        fits = likely.acoustic - general.acoustic >= WORST_FIT
        if words in ANSWERS and general.text != likely.text:
            worse = likely.acoustic - general.acoustic < ANSWER_FIT
            fits = not worse and likely.confidence >= ANSWER_CONFIDENCE
        if words and fits and self._phrasebook.says(words):
            return likely, [general.text] if general.text not in ("", likely.text) else []
        if general.confidence < LOWEST_CONFIDENCE:
            return Heard(), [general.text] if general.text else []
        return general, []

    def _tell_final(self, chosen: tuple[Heard, Sequence[str]]) -> None:
        heard, alternatives = chosen
        offset = self._began / self._rate
        words = [[text, start + offset, end + offset, confidence] for text, start, end, confidence in heard.words]
        data = {"text": heard.text, "final": True, "words": words, "alternatives": list(alternatives)}
        data["confidence"] = round(heard.confidence, 3)
        self._began, self._told = self._samples, ""
        self._emit(WorkerMessage("transcript", data))
