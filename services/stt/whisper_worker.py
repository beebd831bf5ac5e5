"""faster-whisper inside its worker process: one model, one utterance decoded at a time."""

import math
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.audio.resample import resample
from services.errors import EngineUnavailableError
from services.workers.protocol import Emit, WorkerMessage

MODEL_RATE = 16000
INTERIM_SECONDS = 0.7
CHEAP = 0.25
"""An interim decoding is cheap when the last one took no longer than this, in seconds."""

SHORTEST_SECONDS = 0.1
LONGEST_SECONDS = 60
SILENCE_PROBABILITY = 0.8
HINT_CHARACTERS = 400


class WhisperEngine:
    """Built once per process, for the CTranslate2 folder in `options["folder"]` and the languages it is to serve."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        from faster_whisper import WhisperModel

        folder = str(options["folder"])
        device = str(options.get("device", "cpu"))
        kind = "int8" if device == "cpu" else "int8_float16"
        try:
            self._model = WhisperModel(folder, device=device, compute_type=kind, local_files_only=True)
        except Exception as error:  # CTranslate2 and the tokeniser raise a dozen kinds for a broken folder
            raise EngineUnavailableError(
                f"The Whisper model {folder} cannot be loaded: {error}.", "Copy the model anew."
            ) from error
        self._refuse_unknown(folder, options["languages"])
        self._one_at_a_time = threading.Lock()

    def open(self, data: Mapping[str, Any], emit: Emit) -> "WhisperSession":
        """Begin a session for {language, rate, hints}."""
        return WhisperSession(self, str(data["language"]), int(data["rate"]), data["hints"], emit)

    def decode(self, samples: NDArray[np.int16], rate: int, language: str, hotwords: str) -> tuple[str, float | None]:
        """Return the text of one utterance and its confidence, the mean probability of its tokens."""
        speech = resample(samples, rate, MODEL_RATE).astype(np.float32) / 32768
        with self._one_at_a_time:
            # The language is given: detection needs tables that converted models may lack.
            segments, _ = self._model.transcribe(
                speech,
                language=language,
                beam_size=1,
                temperature=0.0,
                condition_on_previous_text=False,
                without_timestamps=True,
                hotwords=hotwords or None,
            )
            kept = [each for each in segments if each.no_speech_prob < SILENCE_PROBABILITY]
        text = " ".join(filter(None, (each.text.strip() for each in kept)))
        if not text:
            return "", None
        return text, round(math.exp(sum(each.avg_logprob for each in kept) / len(kept)), 3)

    def _refuse_unknown(self, folder: str, languages: Sequence[str]) -> None:
        """Refuse languages the model has no token for: it would write down the words of another one."""
        known = {code for code in self._model.supported_languages if self._knows(code)}
        if unknown := [language for language in languages if language not in known]:
            raise EngineUnavailableError(
                f"The Whisper model {folder} does not know the language {', '.join(unknown)}.",
                "Bring a model that does, or list what this one knows (en) in a file `languages` in its folder.",
            )

    def _knows(self, language: str) -> bool:
        english_only = not self._model.model.is_multilingual
        return english_only or self._model.hf_tokenizer.token_to_id(f"<|{language}|>") is not None


class WhisperSession:
    """One ear: keeps the utterance and decodes it when it is over, and before that where decoding is cheap."""

    def __init__(self, engine: WhisperEngine, language: str, rate: int, hints: Sequence[str], emit: Emit) -> None:
        self._engine = engine
        self._language = language
        self._rate = rate
        self._hotwords = ", ".join(hints)[:HINT_CHARACTERS]
        self._emit = emit
        self._utterance: list[NDArray[np.int16]] = []
        self._length = 0
        self._took = 0.0
        self._heard_at = 0
        self._told = ""
        self._cancelled = False

    def handle(self, message: WorkerMessage) -> None:
        """Keep `audio`, answer `end`."""
        if self._cancelled:
            return
        if message.type == "audio":
            self._keep(np.frombuffer(message.payload, "<i2").astype(np.int16))
            if self._length - self._heard_at >= INTERIM_SECONDS * self._rate and self._took <= CHEAP:
                self._tell_interim()
        elif message.type == "end":
            text, confidence = self._decode()
            self._utterance, self._length, self._heard_at, self._told = [], 0, 0, ""
            self._emit(WorkerMessage("transcript", {"text": text, "final": True, "confidence": confidence}))

    def cancel(self) -> None:
        """Decode nothing more."""
        self._cancelled = True

    def close(self) -> None:
        """Forget the utterance."""
        self._utterance.clear()

    def _keep(self, samples: NDArray[np.int16]) -> None:
        if self._length < LONGEST_SECONDS * self._rate:
            self._utterance.append(samples)
            self._length += len(samples)

    def _decode(self) -> tuple[str, float | None]:
        if self._cancelled or self._length < SHORTEST_SECONDS * self._rate:
            return "", None
        speech = np.concatenate(self._utterance)
        if not speech.any():
            return "", None
        began = time.monotonic()
        found = self._engine.decode(speech, self._rate, self._language, self._hotwords)
        self._took = time.monotonic() - began
        return found

    def _tell_interim(self) -> None:
        self._heard_at = self._length
        text, _ = self._decode()
        if text and text != self._told:
            self._told = text
            self._emit(WorkerMessage("transcript", {"text": text, "final": False}))
