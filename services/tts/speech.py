"""From a worker's chunks of native rate to 20 ms frames of the asked rate.

What a speech worker says after {"type": "speak"} (services.workers): any number of "mark" {start, length, position} and
"audio" {rate} with int16 samples as payload, marks before the audio they point into, then "done". Positions are sample
indexes at the native rate from the first sample of the request.
"""

from collections.abc import AsyncGenerator, Mapping
from typing import Any

import numpy as np

from services.audio.frame import Frame, Samples
from services.audio.framer import Framer
from services.audio.resample import StreamingResampler
from services.errors import EngineError
from services.tts.protocol import SpeechPiece, WordMark
from services.workers.worker import Worker

SILENCE_SECONDS = 30.0


class FrameCutter:
    """Resamples one stream of speech, once, and cuts it into frames whose positions begin at 0."""

    def __init__(self, native_rate: int, rate: int) -> None:
        self._resampler = StreamingResampler(native_rate, rate)
        self._framer = Framer(rate)

    def push(self, samples: Samples) -> list[Frame]:
        """Take (n,) int16 samples at the native rate; return the frames that are whole."""
        return self._framer.push(self._resampler.process(samples))

    def flush(self) -> list[Frame]:
        """Return what was withheld, the last frame padded with silence."""
        return [*self._framer.push(self._resampler.flush()), *self._framer.flush()]


async def speak(
    worker: Worker, request: Mapping[str, Any], native_rate: int, rate: int
) -> AsyncGenerator[SpeechPiece, None]:
    """Let `worker` speak `request` and yield frames of `rate` Hz and word marks. Raises EngineError."""
    session = await worker.open()
    try:
        await session.send("speak", request)
        cutter = FrameCutter(native_rate, rate)
        while (message := await session.receive(SILENCE_SECONDS)) is not None:
            if message.type == "audio":
                for frame in cutter.push(np.frombuffer(message.payload, np.dtype("<i2")).astype(np.int16, copy=False)):
                    yield frame
            elif message.type == "mark":
                position = int(message.data["position"]) * rate // native_rate
                yield WordMark(int(message.data["start"]), int(message.data["length"]), position)
            elif message.type == "done":
                for frame in cutter.flush():
                    yield frame
                return
        raise EngineError("The speech engine stopped before the end of the sentence.")
    finally:
        await session.aclose()
