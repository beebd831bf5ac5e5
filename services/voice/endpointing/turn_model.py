"""The optional audio turn model: does this sound like the end of a turn.

Made for the smart-turn v3 family of the pipecat project (BSD-2-Clause; a Whisper Tiny encoder with a small head, 23
languages, Russian and English among them). What its own inference code and model card say, and what is done here:

- input `input_features`, float32 (1, 80, 800): the log-mel spectrogram of the last 8 s at 16 kHz;
- a shorter turn is padded with zeros in front, so that the end of speech is at the end of the window;
- the padded sound is brought to mean 0 and variance 1 (`do_normalize`) before the spectrogram is made;
- output: one number, already the probability (sigmoid) that the turn is complete.

Names and lengths are read from the file, so that a relative with another window or batch works as well. It is not made
for a single word: the policy does not use it in a turn's first second.
"""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import numpy as np
import structlog

from services.audio.frame import Samples
from services.audio.resample import StreamingResampler
from services.errors import EngineUnavailableError
from services.parts import Part, State
from services.voice.endpointing import log_mel

FOLDER = "turn"
"""Where the model lies, relative to MODELS_DIR: the last *.onnx by name is taken."""

_PART = "turn model"
_USUAL_FRAMES = 800
_ANSWER_SECONDS = 0.4  # an opinion that comes later is of no use: the turn has ended by then
_MOST_WAITING = 4  # questions of all calls together: at 30 to 100 ms each, a later one would be late
_GET = (
    "To judge by the tone, too, download smart-turn-v3.2-cpu.onnx (8.7 MB) from "
    "https://huggingface.co/pipecat-ai/smart-turn-v3 into MODELS_DIR/turn."
)

log = structlog.get_logger()


class TurnModel:
    """A loaded network on a thread of its own, shared by all calls."""

    def __init__(self, session: Any, name: str) -> None:
        self.name = name
        self._session = session
        self._input, self._frames = _signature(session, name)
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="turn-model")
        self._places = threading.BoundedSemaphore(_MOST_WAITING)
        self._over = False

    @classmethod
    def load(cls, path: Path) -> Self:
        """Load a file (about 0.1 s: do it in a thread). Raises EngineUnavailableError when it is no such model."""
        try:
            import onnxruntime as ort

            options = ort.SessionOptions()
            options.inter_op_num_threads = options.intra_op_num_threads = 1
            options.log_severity_level = 4
            session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:
            # onnxruntime has no common base class for what its reader raises.
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise EngineUnavailableError(
                f"The turn model {path.name} cannot be loaded: {reason}.", _again(path)
            ) from None
        return cls(session, path.name)

    async def probability(self, samples: Samples, rate: int) -> float | None:
        """Return 0..1 that a turn ending with `samples` ((n,) int16 of 8 or 16 kHz, the turn from its start) is over.

        None when there is no sound, when the answer would take over 0.4 s, when too many calls ask at once, or after
        the network has failed. Cancelling it withdraws a question that waits. Ask one at a time in a call.
        """
        if self._over or not len(samples) or not self._places.acquire(blocking=False):
            return None
        question = self._executor.submit(self._judge, samples, rate)
        question.add_done_callback(lambda _: self._places.release())
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                return await asyncio.wrap_future(question)
        except TimeoutError:
            return None
        except Exception as error:
            # Whatever a strange network makes onnxruntime raise: the call goes on by words and silence.
            self._over = True
            log.warning("turn model failed", model=self.name, error=repr(error))
            return None

    async def close(self) -> None:
        """Give the thread back; a question under way is answered first."""
        self._over = True
        await asyncio.to_thread(self._executor.shutdown, cancel_futures=True)

    def _judge(self, samples: Samples, rate: int) -> float:
        features = features_of(samples, rate, self._frames)
        output = np.asarray(self._session.run(None, {self._input: features})[0], np.float64)
        return float(np.clip(output.reshape(-1)[-1], 0.0, 1.0))


def features_of(samples: Samples, rate: int, frames: int = _USUAL_FRAMES) -> log_mel.Floats:
    """Return the network's input, (1, 80, frames) float32, for the end of `samples` (int16)."""
    length = frames * log_mel.HOP
    newest = samples[-(length * rate // log_mel.RATE) :]
    if rate != log_mel.RATE:
        resampler = StreamingResampler(rate, log_mel.RATE)
        newest = np.concatenate((resampler.process(newest), resampler.flush()))[-length:]
    sound = np.zeros(length, np.float32)
    sound[length - len(newest) :] = newest / np.float32(32768)
    return log_mel.log_mel(log_mel.standardised(sound))[None]


def find_turn_model(models_dir: Path) -> Path | None:
    """Return the newest model by name in MODELS_DIR/turn, None when there is none."""
    try:
        return max((path for path in (models_dir / FOLDER).glob("*.onnx") if path.is_file()), default=None)
    except OSError:
        return None


async def open_turn_model(models_dir: Path, *, wanted: bool = True) -> tuple[TurnModel | None, Part]:
    """Load the model when it is `wanted` and there; the part tells what became of it and how to get one."""
    if not wanted:
        return None, Part(_PART, State.READY, "The audio turn model is switched off (VOICE__TURN_MODEL).")
    path = find_turn_model(models_dir)
    if path is None:
        return None, Part(_PART, State.READY, "The end of a turn is judged by words and silence.", _GET)
    try:
        model = await asyncio.to_thread(TurnModel.load, path)
    except EngineUnavailableError as error:
        return None, Part(_PART, State.DEGRADED, error.message, error.remedy)
    return model, Part(_PART, State.READY, f"{path.name} listens for the end of a turn, too.")


def _signature(session: Any, name: str) -> tuple[str, int]:
    """Return the name of the input and the frames it takes."""
    inputs = session.get_inputs()
    shape = inputs[0].shape if len(inputs) == 1 else []
    if len(shape) != 3 or (isinstance(shape[1], int) and shape[1] != log_mel.FILTERS):
        raise EngineUnavailableError(
            f"The turn model {name} does not take a spectrogram of {log_mel.FILTERS} mel filters.", _GET
        )
    return str(inputs[0].name), shape[2] if isinstance(shape[2], int) and shape[2] > 0 else _USUAL_FRAMES


def _again(path: Path) -> str:
    return f"Delete {path.name} and download it again, or switch it off with SECRETARY_VOICE__TURN_MODEL=false."
