"""livekit-agents at the settings that suit this workload best.

The ears decide the turn (turn_detection "stt", no delay); sentences by its own blingfire tokenizer, which may speak a
sentence of any length and waits for as little behind it as it can; the voice is a streaming plugin that gives 20 ms
frames; no VAD, no text filters, no adaptive interruption, no false-interruption pause, no echo warm-up. The line takes
frames as fast as they come, as its own audio source does, and is cleared on an interruption.
"""

import asyncio
import logging
import time
from typing import Any

from livekit import rtc
from livekit.agents import Agent, AgentSession, inference, llm, stt, tokenize, tts
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS
from livekit.agents.voice import io

from bench.conversation.far_end import VOICE_BYTES, FarEnd
from bench.conversation.workload import FRAME_SAMPLES, RATE, model, voice

logging.getLogger("livekit").setLevel(logging.CRITICAL)

SETTINGS = "turn_detection stt, no endpointing delay, blingfire with the least context, no filters, no VAD"


class Microphone(io.AudioInput):
    """The caller's frames."""

    def __init__(self, far: FarEnd) -> None:
        super().__init__(label="bench")
        self._frames = far.microphone()

    async def __anext__(self) -> rtc.AudioFrame:
        samples = await anext(self._frames)
        return rtc.AudioFrame(samples.tobytes(), RATE, 1, FRAME_SAMPLES)


class Speaker(io.AudioOutput):
    """The line to the caller's ear."""

    def __init__(self, far: FarEnd) -> None:
        super().__init__(label="bench", capabilities=io.AudioOutputCapabilities(pause=False), sample_rate=RATE)
        self._far = far
        self._loop = asyncio.get_running_loop()
        self._pushed = 0.0
        self._began = 0.0
        self._end: asyncio.TimerHandle | None = None

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        """Take a frame."""
        await super().capture_frame(frame)
        self._far.hand(frame.data, frame.duration)
        if not self._pushed:
            self._began = self._loop.time()
            self.on_playback_started(created_at=time.time())
        self._pushed += frame.duration

    def flush(self) -> None:
        """Report the end of the segment when the ear has heard it."""
        super().flush()
        if self._pushed:
            self._end = self._loop.call_at(self._far.over, self._finish, self._pushed, False)

    def clear_buffer(self) -> None:
        """Drop what has not been heard."""
        if not self._pushed:
            return
        heard = max(0.0, self._pushed - max(0.0, self._far.ahead))
        self._far.discard()
        self._finish(heard, True)

    def _finish(self, position: float, interrupted: bool) -> None:
        if self._end is not None:
            self._end.cancel()
            self._end = None
        self._pushed = 0.0
        self.on_playback_finished(playback_position=position, interrupted=interrupted)


class Ears(stt.STT):
    """The ears."""

    def __init__(self, far: FarEnd) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=True, interim_results=True))
        self.far = far

    async def _recognize_impl(self, *_args: Any, **_options: Any) -> stt.SpeechEvent:
        raise NotImplementedError

    def stream(self, **_options: Any) -> "EarStream":
        """Open an ear."""
        return EarStream(self)


class EarStream(stt.RecognizeStream):
    """One ear; what is said comes from the script."""

    def __init__(self, ears: Ears) -> None:
        super().__init__(stt=ears, conn_options=DEFAULT_API_CONNECT_OPTIONS, sample_rate=RATE)
        self.heard = 0
        ears.far.on_transcript = self._final
        ears.far.on_barge_in = self._interim

    async def _run(self) -> None:
        async for _frame in self._input_ch:
            self.heard += 1

    def _final(self, text: str) -> None:
        kinds = stt.SpeechEventType
        self._event_ch.send_nowait(stt.SpeechEvent(kinds.FINAL_TRANSCRIPT, alternatives=[_words(text)]))
        self._event_ch.send_nowait(stt.SpeechEvent(kinds.END_OF_SPEECH))

    def _interim(self) -> None:
        kinds = stt.SpeechEventType
        self._event_ch.send_nowait(stt.SpeechEvent(kinds.START_OF_SPEECH))
        self._event_ch.send_nowait(stt.SpeechEvent(kinds.INTERIM_TRANSCRIPT, alternatives=[_words("wait")]))


def _words(text: str) -> stt.SpeechData:
    return stt.SpeechData(language="en", text=text, confidence=0.9)


class Model(llm.LLM):
    """The language model."""

    def chat(self, *, chat_ctx: Any, tools: Any = None, conn_options: Any = None, **_options: Any) -> "Writing":
        """Begin a reply."""
        options = conn_options or DEFAULT_API_CONNECT_OPTIONS
        return Writing(self, chat_ctx=chat_ctx, tools=tools or [], conn_options=options)


class Writing(llm.LLMStream):
    """A reply being written."""

    async def _run(self) -> None:
        async for token in model():
            delta = llm.ChoiceDelta(role="assistant", content=token)
            self._event_ch.send_nowait(llm.ChatChunk(id="bench", delta=delta))


class Voice(tts.TTS):
    """The voice."""

    def __init__(self) -> None:
        super().__init__(capabilities=tts.TTSCapabilities(streaming=True), sample_rate=RATE, num_channels=1)
        self.sentences = tokenize.blingfire.SentenceTokenizer(min_sentence_len=1, stream_context_len=1)

    def synthesize(self, *_args: Any, **_options: Any) -> Any:
        """Only streams are used."""
        raise NotImplementedError

    def stream(self, *, conn_options: Any = DEFAULT_API_CONNECT_OPTIONS) -> "Speaking":
        """Begin to speak."""
        return Speaking(tts=self, conn_options=conn_options)


class Speaking(tts.SynthesizeStream):
    """A reply being spoken."""

    async def _run(self, output_emitter: Any) -> None:
        assert isinstance(self._tts, Voice)
        sentences = self._tts.sentences.stream()
        output_emitter.initialize(
            request_id="bench", sample_rate=RATE, num_channels=1, mime_type="audio/pcm", stream=True
        )
        output_emitter.start_segment(segment_id="bench")
        reader = asyncio.create_task(self._read(sentences))
        try:
            async for sentence in sentences:
                self._mark_started()
                async for _number in voice(sentence.token):
                    output_emitter.push(VOICE_BYTES)
                output_emitter.flush()
        finally:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
            await sentences.aclose()

    async def _read(self, sentences: Any) -> None:
        async for piece in self._input_ch:
            if isinstance(piece, str):
                sentences.push_text(piece)
            else:
                sentences.flush()
        sentences.end_input()


async def serve(far: FarEnd) -> None:
    """Hold one call."""
    await _serve(far, None)


async def serve_vad(far: FarEnd) -> None:
    """Hold one call with livekit's own Silero on each frame."""
    await _serve(far, inference.VAD(model="silero"))


async def _serve(far: FarEnd, vad: Any) -> None:
    session: AgentSession[None] = AgentSession(
        stt=Ears(far),
        llm=Model(),
        tts=Voice(),
        vad=vad,
        turn_handling={
            "turn_detection": "stt",
            "endpointing": {"min_delay": 0.0, "max_delay": 0.0},
            "interruption": {"mode": "vad", "resume_false_interruption": False, "false_interruption_timeout": None},
        },
        tts_text_transforms=None,
        aec_warmup_duration=None,
        user_away_timeout=None,
        video_sampler=None,
    )
    session.input.audio, session.output.audio = Microphone(far), Speaker(far)
    await session.start(Agent(instructions="Answer."), record=False)
    await far.closed.wait()
    await session.aclose()
