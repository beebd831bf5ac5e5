"""Vosk inside its worker process: one model, many recognisers."""

import json
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from services.audio.resample import StreamingResampler
from services.errors import EngineUnavailableError
from services.workers.protocol import Emit, WorkerMessage

INTERIM_SECONDS = 0.2
KALDI_RATE = 16000
"""What Kaldi takes for the rate of a model that does not say."""


class VoskEngine:
    """Built once per process, for the model in `options["folder"]`."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        import vosk

        folder = str(options["folder"])
        vosk.SetLogLevel(-1)
        try:
            # A path always: a model given by its language alone would be fetched from the network.
            self._model = vosk.Model(folder)
        except Exception as error:  # vosk raises the bare class for every failure
            raise EngineUnavailableError(
                f"The Vosk model {folder} cannot be loaded: {error}.", "Unpack the model anew."
            ) from error
        self._recognizer = vosk.KaldiRecognizer
        self._rate = model_rate(Path(folder))

    def open(self, data: Mapping[str, Any], emit: Emit) -> "VoskSession":
        """Begin a session for {rate}.

        Hints are not used: Vosk takes a word list only as a grammar, which forces every other word into it. Sound is
        brought to the model's own rate here: Kaldi refuses a lower one, so that a phone's 8 kHz would not be heard.
        """
        recognizer = self._recognizer(self._model, float(self._rate))
        recognizer.SetWords(True)
        return VoskSession(recognizer, StreamingResampler(int(data["rate"]), self._rate), emit)


class VoskSession:
    """One ear. Vosk ends utterances of its own at pauses; they are joined until `end` comes."""

    def __init__(self, recognizer: Any, resampler: StreamingResampler, emit: Emit) -> None:
        self._recognizer = recognizer
        self._resampler = resampler
        self._emit = emit
        self._pieces: list[Mapping[str, Any]] = []
        self._told = ""
        self._told_at = 0.0
        self._cancelled = False

    def handle(self, message: WorkerMessage) -> None:
        """Decode `audio`, answer `end`."""
        if self._cancelled:
            return
        if message.type == "audio":
            samples = self._resampler.process(np.frombuffer(message.payload, "<i2").astype(np.int16))
            if self._recognizer.AcceptWaveform(samples.tobytes()):
                self._pieces.append(json.loads(self._recognizer.Result()))
            self._tell_interim()
        elif message.type == "end":
            self._pieces.append(json.loads(self._recognizer.FinalResult()))
            self._tell_final()

    def cancel(self) -> None:
        """Decode nothing more."""
        self._cancelled = True

    def close(self) -> None:
        """Free the recogniser."""
        self._recognizer = None

    def _tell_interim(self) -> None:
        now = time.monotonic()
        if now - self._told_at < INTERIM_SECONDS:
            return
        partial = json.loads(self._recognizer.PartialResult()).get("partial", "")
        text = " ".join(filter(None, [*(piece.get("text", "") for piece in self._pieces), partial]))
        if text and text != self._told:
            self._told, self._told_at = text, now
            self._emit(WorkerMessage("transcript", {"text": text, "final": False}))

    def _tell_final(self) -> None:
        text, words = joined(self._pieces)
        confidences = [word[3] for word in words]
        confidence = round(sum(confidences) / len(confidences), 3) if confidences else None
        self._pieces, self._told = [], ""
        data = {"text": text, "final": True, "words": words, "confidence": confidence}
        self._emit(WorkerMessage("transcript", data))


def model_rate(folder: Path) -> int:
    """Return the sample rate that the model in `folder` was made for (conf/mfcc.conf)."""
    written = (folder / "conf" / "mfcc.conf").read_text(encoding="utf-8", errors="replace")
    found = re.search(r"^\s*--sample[-_]frequency=(\d+)", written, re.MULTILINE)
    return int(found.group(1)) if found else KALDI_RATE


def joined(pieces: list[Mapping[str, Any]]) -> tuple[str, list[list[Any]]]:
    """Join Vosk's results of one utterance: the text, and words as [text, start, end, confidence].

    Vosk counts its times from the first sample the recogniser was given, as a stream's words are counted.
    """
    text = " ".join(piece["text"] for piece in pieces if piece.get("text"))
    words = [
        [word["word"], word["start"], word["end"], word["conf"]] for piece in pieces for word in piece.get("result", ())
    ]
    return text, words
