"""Piper inside its worker process: espeak-ng's phonemes (global state in C) and ONNX models."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from services.errors import EngineError, EngineUnavailableError
from services.tts.pieces import cut, plain
from services.workers.protocol import Emit, WorkerMessage, WorkerSession

PIECE_CHARACTERS = 250
CHUNK_SAMPLES = 4096
PAUSE_SECONDS = 0.2
"""Between two sentences of one request: Piper ends a sentence without a pause."""

VOLUME = 0.6
"""Piper brings each sentence to full scale; a line needs headroom, and other engines speak about this loud."""

MAX_LOADED = 4


class PiperEngine:
    """The loaded voices, the least recently used one given up first. Option: `folder`."""

    def __init__(self, *, options: Mapping[str, Any]) -> None:
        try:
            import piper
        except ImportError as error:
            raise EngineUnavailableError(
                f"Piper cannot be loaded: {error}.",
                "Install the package piper-tts (it comes with the main requirements).",
            ) from None
        self._piper = piper
        self._folder = Path(str(options["folder"]))
        self._voices: OrderedDict[str, Any] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, data: Mapping[str, Any], emit: Emit) -> WorkerSession:  # noqa: ARG002 - the protocol's signature
        """Begin a session."""
        return PiperSession(self, emit)

    def voice(self, name: str) -> Any:
        """Return a loaded `piper.PiperVoice`. Raises EngineError when it cannot be loaded."""
        with self._lock:
            voice = self._voices.get(name)
            if voice is None:
                voice = self._load(name)
                self._voices[name] = voice
            self._voices.move_to_end(name)
            while len(self._voices) > MAX_LOADED:
                self._voices.popitem(last=False)
            return voice

    def configuration(self, parameters: Mapping[str, Any]) -> Any:
        """Return a `piper.SynthesisConfig`."""
        return self._piper.SynthesisConfig(
            speaker_id=parameters.get("speaker"), length_scale=parameters.get("length_scale"), volume=VOLUME
        )

    def _load(self, name: str) -> Any:
        path = self._folder / f"{name}.onnx"
        try:
            return self._piper.PiperVoice.load(path)
        except Exception as error:
            # onnxruntime and piper raise whatever their own readers raise.
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise EngineError(
                f"The Piper voice {name} cannot be loaded: {reason}.", f"Delete {path.name} and download it again."
            ) from None


class PiperSession:
    """Speaks what {"type": "speak", text, voice, speaker, length_scale} asks; {"type": "check", voices} loads voices.

    A check is answered by "checked" {broken: {voice: reason}} after each voice has been loaded once.
    """

    def __init__(self, engine: PiperEngine, emit: Emit) -> None:
        self._engine = engine
        self._emit = emit

    def handle(self, message: WorkerMessage) -> None:
        """Take one request."""
        if message.type == "check":
            self._check(message.data)
        else:
            self._speak(message.data)

    def cancel(self) -> None:
        """Nothing to do: a run of the model cannot be interrupted, and the first emission after it raises."""

    def close(self) -> None:
        """Nothing is held."""

    def _check(self, data: Mapping[str, Any]) -> None:
        for name in data["voices"]:
            reason = ""
            try:
                self._engine.voice(name)
            except EngineError as error:
                reason = error.message
            self._emit(WorkerMessage("checked", {"voice": name, "reason": reason}))
        self._emit(WorkerMessage("done"))

    def _speak(self, data: Mapping[str, Any]) -> None:
        voice = self._engine.voice(str(data["voice"]))
        configuration = self._engine.configuration(data)
        silence = np.zeros(int(voice.config.sample_rate * PAUSE_SECONDS), np.int16)
        begun = False
        # [[...]] would be read as raw phonemes.
        text = plain(str(data["text"])).replace("[[", "[ ").replace("]]", " ]")
        for _, piece in cut(text, PIECE_CHARACTERS):
            if not any(each.isalnum() for each in piece):
                continue
            for chunk in voice.synthesize(piece, configuration):
                if begun:
                    self._send(silence)
                self._send(np.atleast_1d(chunk.audio_int16_array))
                begun = True
        self._emit(WorkerMessage("done"))

    def _send(self, samples: Any) -> None:
        for start in range(0, len(samples), CHUNK_SAMPLES):
            self._emit(WorkerMessage("audio", payload=samples[start : start + CHUNK_SAMPLES].astype("<i2").tobytes()))
