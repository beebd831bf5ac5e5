"""faster-whisper inside its worker process: one model, one utterance decoded at a time."""

import math
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

from services.audio.resample import resample
from services.errors import EngineUnavailableError
from services.stt.whisper_languages import chosen, with_language_ids
from services.workers.protocol import Emit, WorkerMessage

MODEL_RATE = 16000
INTERIM_SECONDS = 0.7
CHEAP = 0.25
"""An interim decoding is cheap when the last one took no longer than this, in seconds."""

SHORTEST_SECONDS = 0.1
LONGEST_SECONDS = 60
SILENCE_PROBABILITY = 0.8
HINT_CHARACTERS = 400
DETECTABLE_SECONDS = 1.5
"""An utterance shorter than this, with the silence around it, does not tell its language."""

log = structlog.get_logger()


class WhisperEngine:
    """Built once per process, for the CTranslate2 folder in `options["folder"]` and the languages it is to serve."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        from faster_whisper import WhisperModel

        folder = str(options["folder"])
        device = str(options.get("device", "cpu"))
        kind = "int8" if device == "cpu" else "int8_float16"
        try:
            with with_language_ids(Path(folder)) as whole:
                self._model = WhisperModel(str(whole), device=device, compute_type=kind, local_files_only=True)
        except Exception as error:  # CTranslate2 and the tokeniser raise a dozen kinds for a broken folder
            raise EngineUnavailableError(
                f"The Whisper model {folder} cannot be loaded: {error}.", "Copy the model anew."
            ) from error
        self._refuse_unknown(folder, options["languages"])
        self._languages = tuple(options["languages"])
        self._detects = self._model.model.is_multilingual and len(self._languages) > 1
        self._encodings = EncodeOnce(self._model)
        self._one_at_a_time = threading.Lock()

    def open(self, data: Mapping[str, Any], emit: Emit) -> "WhisperSession":
        """Begin a session for {language, rate, hints}."""
        return WhisperSession(self, str(data["language"]), int(data["rate"]), data["hints"], emit)

    def decode(
        self, samples: NDArray[np.int16], rate: int, language: str, hotwords: str, *, detect: bool = False
    ) -> tuple[str, float | None, str]:
        """Return the text of one utterance, its confidence (the mean probability of its tokens) and its language.

        `detect`: it may be in another one of the languages that are served, where that is sure. `hotwords` are in the
        given language.
        """
        speech = resample(samples, rate, MODEL_RATE).astype(np.float32) / np.float32(32768)
        with self._one_at_a_time:
            spoken = self._detected(speech, language) if detect and self._detects else language
            language, hotwords = spoken, hotwords if spoken == language else ""
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
            return "", None, language
        return text, round(math.exp(sum(each.avg_logprob for each in kept) / len(kept)), 3), language

    def _detected(self, speech: NDArray[np.float32], given: str) -> str:
        """Return the language that is spoken, as far as that can be told."""
        if len(speech) < DETECTABLE_SECONDS * MODEL_RATE:
            return given
        try:
            found = self._model.model.detect_language(self._encodings.first_window(speech))[0]
        except (IndexError, RuntimeError, ValueError) as error:
            log.warning("Whisper cannot tell languages apart: %s", error)
            self._detects = False
            return given
        return chosen(found, self._languages, given)

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


class EncodeOnce:
    """Lets a faster-whisper model encode the same window only once: encoding is most of the work of an utterance."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._encode = model.encode
        self._features: NDArray[np.float32] | None = None
        self._encoded: Any = None
        model.encode = self.encode

    def first_window(self, speech: NDArray[np.float32]) -> Any:
        """Encode the first 30 seconds of speech at MODEL_RATE, cut as `transcribe` cuts them."""
        from faster_whisper.audio import pad_or_trim

        extract = self._model.feature_extractor
        features = extract(speech)
        return self.encode(pad_or_trim(features[..., : min(extract.nb_max_frames, features.shape[-1] - 1)]))

    def encode(self, features: NDArray[np.float32]) -> Any:
        """Encode, unless these features came last."""
        if self._features is None or not np.array_equal(features, self._features):
            self._features, self._encoded = features.copy(), self._encode(features)
        return self._encoded


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
            text, confidence, language = self._decode(final=True)
            self._utterance, self._length, self._heard_at, self._told = [], 0, 0, ""
            final = {"text": text, "final": True, "confidence": confidence, "language": language}
            self._emit(WorkerMessage("transcript", final))

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

    def _decode(self, *, final: bool) -> tuple[str, float | None, str]:
        if self._cancelled or self._length < SHORTEST_SECONDS * self._rate:
            return "", None, self._language
        speech = np.concatenate(self._utterance)
        if not speech.any():
            return "", None, self._language
        began = time.monotonic()
        found = self._engine.decode(speech, self._rate, self._language, self._hotwords, detect=final)
        self._took = time.monotonic() - began
        return found

    def _tell_interim(self) -> None:
        self._heard_at = self._length
        text, _, _ = self._decode(final=False)
        if text and text != self._told:
            self._told = text
            self._emit(WorkerMessage("transcript", {"text": text, "final": False}))
