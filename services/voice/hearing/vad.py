"""Voice activity: Silero on onnxruntime, and the hysteresis that makes speech of its probabilities.

Silero VAD 6 looks at windows of 32 ms (256 samples at 8 kHz, 512 at 16 kHz) preceded by 4 ms of context from the window
before, and carries a recurrent state of shape (2, 1, 128). Its package imports torch, so only its file is used.
"""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from services.audio.frame import Frame, Samples
from services.errors import EngineUnavailableError

_WINDOW = {8000: 256, 16000: 512}
_CONTEXT = {8000: 32, 16000: 64}
# Below this level (about -66 dBFS) no voice is intelligible on a line: the model is not asked, which saves its cost in
# silence. 0.0005 of full scale, as mean absolute value.
_GATE = 16.0


class VoiceDetector(Protocol):
    """Gives the probability of speech for successive windows of one line."""

    window: int

    def probability(self, samples: Samples) -> float:
        """Return 0..1 for the next `window` samples."""
        ...


VadFactory = Callable[[int], VoiceDetector]
"""Makes a detector for one call at the given rate."""


def no_detector(rate: int) -> VoiceDetector:
    """Stand where no call is expected (an installation opened without speech)."""
    raise EngineUnavailableError(f"This installation was opened without speech: no line of {rate} Hz can be taken.")


class SileroModel:
    """The loaded network, shared by all calls; each call has a `detector` with its own state."""

    def __init__(self) -> None:
        """Load the network (about 0.1 s: do it in a thread). Raises EngineUnavailableError."""
        path = _model_file()
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.inter_op_num_threads = options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self._session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def detector(self, rate: int) -> "SileroDetector":
        """Return a fresh detector for a line of 8 or 16 kHz."""
        return SileroDetector(self._session, rate)


class SileroDetector:
    """One line's voice detector."""

    def __init__(self, session: Any, rate: int) -> None:
        if rate not in _WINDOW:
            raise EngineUnavailableError(f"Voice detection needs a line of 8000 or 16000 Hz, not {rate} Hz.")
        self._session = session
        self._rate = np.array(rate, np.int64)
        self._state: NDArray[np.float32] = np.zeros((2, 1, 128), np.float32)
        self._input = np.zeros((1, _CONTEXT[rate] + _WINDOW[rate]), np.float32)
        self.window = _WINDOW[rate]

    def probability(self, samples: Samples) -> float:
        """Return 0..1 for the next `window` samples (int16)."""
        self._input[0, : -self.window] = self._input[0, self.window :]
        self._input[0, -self.window :] = samples / np.float32(32768)
        if np.abs(samples.astype(np.int32)).mean() < _GATE:
            return 0.0
        output, self._state = self._session.run(None, {"input": self._input, "state": self._state, "sr": self._rate})
        return float(output[0, 0])


def _model_file() -> Path:
    spec = importlib.util.find_spec("silero_vad")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "data" / "silero_vad.onnx"
        if path.is_file():
            return path
    raise EngineUnavailableError(
        "Voice detection (silero-vad) is not installed.", "Run ./start_cpu.sh again: it installs what is missing."
    )


@dataclass(slots=True)
class SpeechState:
    """Who is speaking now, in seconds of the caller's stream.

    `likely` tells of the latest window alone; `speaking` turns on after `_ON` windows of likely speech and off at the
    first window of silence; `started` is where the voice began, `last_voice` the end of the last window with voice,
    `silence` how long it has been quiet since.
    """

    likely: bool = False
    speaking: bool = False
    started: float = 0.0
    last_voice: float = 0.0
    silence: float = 0.0


class VoiceActivity:
    """Frames in, speech state out."""

    _LIKELY, _UNLIKELY = 0.5, 0.35
    _ON = 2  # windows: 64 ms, shorter than any syllable, longer than a click

    def __init__(self, detector: VoiceDetector, rate: int) -> None:
        self._detector = detector
        self._rate = rate
        self._rest: Samples = np.empty(0, np.int16)
        self._run = 0
        self.state = SpeechState()

    def push(self, frame: Frame) -> SpeechState:
        """Take the next frame; return the state, which is changed in place."""
        frame.expect_rate(self._rate)
        samples = np.concatenate((self._rest, frame.samples))
        begin = frame.end - len(samples)
        size = self._detector.window
        while len(samples) >= size:
            self._judge(self._detector.probability(samples[:size]), begin, size)
            samples, begin = samples[size:], begin + size
        self._rest = samples
        self.state.silence = frame.end / self._rate - self.state.last_voice
        return self.state

    def split(self) -> None:
        """The turn was ended in the middle of what sounds like speech: what follows begins here."""
        self.state.started = self.state.last_voice

    def _judge(self, probability: float, begin: int, size: int) -> None:
        state, end = self.state, (begin + size) / self._rate
        likely = probability >= (self._UNLIKELY if state.speaking else self._LIKELY)
        state.likely = likely
        self._run = self._run + 1 if likely else 0
        if not likely:
            state.speaking = False
            return
        if not state.speaking and self._run < self._ON:
            return
        if not state.speaking:
            state.speaking = True
            state.started = end - self._run * size / self._rate
        state.last_voice = end
