"""pipecat at the settings that suit this workload best.

The ears propose the turn, as a service with its own turn detection does (ExternalUserTurnStrategies), so no VAD and no
end-of-turn wait; sentences by its own aggregator; audio stops at the ears (`audio_passthrough=False`); chunks of 20 ms;
no metrics, no RTVI, no turn tracking, no heartbeats, no idle timeout, no filters, no log. The transport keeps the
line's pace as its WebSocket transports do, three frames ahead, and clears the far end on an interruption.
"""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from loguru import logger
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.frames.frames import (
    CancelFrame,
    EndFrame,
    Frame,
    InputAudioRawFrame,
    InterruptionFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    OutputAudioRawFrame,
    ProposedUserStartedSpeakingFrame,
    ProposedUserStoppedSpeakingFrame,
    StartFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair, LLMUserAggregatorParams
from pipecat.processors.audio.vad_processor import VADProcessor
from pipecat.processors.frame_processor import FrameDirection
from pipecat.services.llm_service import LLMService
from pipecat.services.settings import LLMSettings, STTSettings, TTSSettings
from pipecat.services.stt_service import STTService
from pipecat.services.tts_service import TTSService
from pipecat.transports.base_input import BaseInputTransport
from pipecat.transports.base_output import BaseOutputTransport
from pipecat.transports.base_transport import TransportParams
from pipecat.turns.user_turn_strategies import ExternalUserTurnStrategies
from pipecat.utils.asyncio.task_manager import TaskManager
from pipecat.utils.time import time_now_iso8601
from pipecat.workers.base_worker import WorkerParams

from bench.conversation.far_end import VOICE_BYTES, FarEnd
from bench.conversation.workload import RATE, model, voice

logger.remove()
logger.disable("pipecat")

SETTINGS = (
    "ExternalUserTurnStrategies, sentence aggregation, audio_passthrough=False, 20 ms chunks, no metrics, RTVI or log"
)


class Microphone(BaseInputTransport):
    """The caller's frames."""

    def __init__(self, far: FarEnd, params: TransportParams) -> None:
        super().__init__(params)
        self._far = far
        self._reader: Any = None

    async def start(self, frame: StartFrame) -> None:
        """Begin to read."""
        await super().start(frame)
        await self.set_transport_ready(frame)
        self._reader = self.create_task(self._read())

    async def stop(self, frame: EndFrame) -> None:
        """End reading."""
        await super().stop(frame)
        await self._end()

    async def cancel(self, frame: CancelFrame) -> None:
        """End reading."""
        await super().cancel(frame)
        await self._end()

    async def _end(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            await self.cancel_task(reader)

    async def _read(self) -> None:
        async for samples in self._far.microphone():
            await self.push_audio_frame(InputAudioRawFrame(audio=samples.tobytes(), sample_rate=RATE, num_channels=1))


class Speaker(BaseOutputTransport):
    """The line to the caller's ear."""

    def __init__(self, far: FarEnd, params: TransportParams) -> None:
        super().__init__(params)
        self._far = far

    async def start(self, frame: StartFrame) -> None:
        """Begin to write."""
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Clear the far end on an interruption."""
        if isinstance(frame, InterruptionFrame):
            self._far.discard()
        await super().process_frame(frame, direction)

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        """Write a chunk, and keep the pace."""
        self._far.hand(memoryview(frame.audio).cast("h"), len(frame.audio) / 2 / RATE)
        await self._far.paced()
        return True


class Ears(STTService):
    """The ears, with a turn detection of their own."""

    def __init__(self, far: FarEnd) -> None:
        super().__init__(audio_passthrough=False, sample_rate=RATE, settings=STTSettings(model="bench", language=None))
        self._said: asyncio.Queue[str] = asyncio.Queue()
        self._receiver: Any = None
        self.heard = 0
        far.on_transcript = self._said.put_nowait
        far.on_barge_in = lambda: self._said.put_nowait("")

    @property
    def supports_ttfs(self) -> bool:
        """The ears define the turn, so there is no time to wait for them."""
        return False

    async def start(self, frame: StartFrame) -> None:
        """Begin to receive."""
        await super().start(frame)
        self._receiver = self.create_task(self._receive())

    async def cleanup(self) -> None:
        """End receiving."""
        await super().cleanup()
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            await self.cancel_task(receiver)

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame | None, None]:  # noqa: ARG002
        """Hear a frame."""
        self.heard += 1
        yield None

    async def _receive(self) -> None:
        while True:
            text = await self._said.get()
            if not text:  # the caller speaks over the answer
                await self.broadcast_frame(ProposedUserStartedSpeakingFrame)
                continue
            await self.broadcast_frame(ProposedUserStartedSpeakingFrame)
            await self.push_frame(TranscriptionFrame(text, "", time_now_iso8601(), finalized=True))
            await self.broadcast_frame(ProposedUserStoppedSpeakingFrame)


class Model(LLMService):
    """The language model."""

    def __init__(self) -> None:
        super().__init__(settings=LLMSettings(model="bench"))

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Write the reply for a context."""
        await super().process_frame(frame, direction)
        if not isinstance(frame, LLMContextFrame):
            await self.push_frame(frame, direction)
            return
        await self.push_frame(LLMFullResponseStartFrame())
        try:
            async for token in model():
                await self.push_frame(LLMTextFrame(token))
        finally:
            await self.push_frame(LLMFullResponseEndFrame())


class Voice(TTSService):
    """The voice."""

    def __init__(self) -> None:
        super().__init__(
            push_start_frame=True,
            push_stop_frames=True,
            sample_rate=RATE,
            settings=TTSSettings(model="bench", voice="bench", language="en"),
        )

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        """Speak."""
        async for _number in voice(text):
            yield TTSAudioRawFrame(audio=VOICE_BYTES, sample_rate=RATE, num_channels=1, context_id=context_id)


async def serve(far: FarEnd) -> None:
    """Hold one call."""
    await _serve(far, [])


async def serve_vad(far: FarEnd) -> None:
    """Hold one call with pipecat's own Silero on each frame."""
    await _serve(far, [VADProcessor(vad_analyzer=SileroVADAnalyzer(sample_rate=RATE))])


async def _serve(far: FarEnd, before_the_ears: list[Any]) -> None:
    params = TransportParams(
        audio_in_enabled=True,
        audio_out_enabled=True,
        audio_in_sample_rate=RATE,
        audio_out_sample_rate=RATE,
        audio_out_10ms_chunks=2,
        audio_out_end_silence_secs=0,
    )
    user, assistant = LLMContextAggregatorPair(
        LLMContext(), user_params=LLMUserAggregatorParams(user_turn_strategies=ExternalUserTurnStrategies())
    )
    pipeline = Pipeline(
        [Microphone(far, params), *before_the_ears, Ears(far), user, Model(), Voice(), Speaker(far, params), assistant]
    )
    worker = PipelineWorker(
        pipeline,
        params=PipelineParams(audio_in_sample_rate=RATE, audio_out_sample_rate=RATE),
        cancel_on_idle_timeout=False,
        idle_timeout_secs=None,
        enable_rtvi=False,
        enable_turn_tracking=False,
        check_dangling_tasks=False,
    )
    running = asyncio.create_task(worker.run(WorkerParams(task_manager=TaskManager())))
    await far.closed.wait()
    await worker.cancel()
    await running
