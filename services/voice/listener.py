"""The listening half of a conversation: frames -> voice activity -> ears -> finished utterances."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from services.audio.frame import FRAME_SECONDS, Frame
from services.clock import Clock
from services.dialogue.shapes import Utterance
from services.domain import AudioSpan
from services.errors import SecretaryError
from services.stt.protocol import Transcript
from services.voice.call_ears import CallEars, OpenEars
from services.voice.endpointing import EndOfTurnPolicy, TurnSoFar
from services.voice.settings import VoiceSettings
from services.voice.vad import VoiceActivity

PRE_ROLL = 0.3  # seconds before the detected onset: soft first consonants lie there; a span ends as much later


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The caller has begun to speak."""


@dataclass(frozen=True, slots=True)
class SpeechSustained:
    """The caller has been speaking for as long as a barge-in takes."""


@dataclass(frozen=True, slots=True)
class InterimHeard:
    """The words so far."""

    text: str


@dataclass(frozen=True, slots=True)
class Heard:
    """A finished turn of the caller; times are the clock's seconds."""

    utterance: Utterance
    transcript: Transcript | None
    speech_end: float
    decided: float
    transcribed: float


@dataclass(frozen=True, slots=True)
class EarsFailed:
    """The ears broke; `recovered` tells whether others are taking their place."""

    message: str
    recovered: bool


ListenerEvent = SpeechStarted | SpeechSustained | InterimHeard | Heard | EarsFailed


@dataclass(slots=True)
class _Pending:
    span: AudioSpan
    speech_end: float
    decided: float
    overdue: asyncio.TimerHandle


class Listener:
    """Owns the voice activity, the end-of-turn decision and the ears of one call.

    Give it every frame of the caller; it emits events by calling `emit` (never blocking). Without ears (`open_ears`
    None) finished turns carry no text, only where they lie in the recording.
    """

    def __init__(
        self,
        activity: VoiceActivity,
        policy: EndOfTurnPolicy,
        settings: VoiceSettings,
        clock: Clock,
        language: str,
        open_ears: OpenEars | None,
        emit: Callable[[ListenerEvent], None],
    ) -> None:
        self._activity = activity
        self._policy = policy
        self._settings = settings
        self._clock = clock
        self._language = language
        self._emit = emit
        self._ears = CallEars(open_ears, self._take, self._on_lost)
        self._pre_roll: deque[Frame] = deque(maxlen=round(PRE_ROLL / FRAME_SECONDS))
        self._pending: deque[_Pending] = deque()
        self._late = 0  # finals that the ears still owe for turns that were given up
        self._settled = asyncio.Event()
        self._settled.set()
        self._interim = ""
        self._began: float | None = None
        self._sustained = False
        self._voice_at = 0.0

    @property
    def hears_speech(self) -> bool:
        """True from the onset of the caller's speech until the end of the turn is decided."""
        return self._began is not None

    @property
    def thinking(self) -> bool:
        """True while the ears owe a final transcript."""
        return bool(self._pending)

    @property
    def has_ears(self) -> bool:
        """True while speech can be understood."""
        return self._ears.present

    def start(self) -> None:
        """Begin to open the ears; without them the listener still tells when somebody speaks."""
        self._ears.start()

    async def push(self, frame: Frame) -> None:
        """Take the caller's next frame."""
        state = self._activity.push(frame)
        if state.speaking:
            self._voice_at = self._clock.monotonic()
        if self._began is None:
            self._pre_roll.append(frame)
            if state.speaking:
                await self._begin(state.started)
            return
        await self._ears.hear(frame)
        self._note_sustained(frame.end / frame.rate)
        if not state.speaking and state.silence >= self._policy.wait(
            TurnSoFar(self._interim, self._language, self.has_ears)
        ):
            await self._end_turn(state.last_voice)

    async def finish(self, timeout: float) -> None:
        """The line is closed: end the turn in progress and wait for what the ears still owe."""
        if self._began is not None:
            await self._end_turn(self._activity.state.last_voice)
        try:
            async with asyncio.timeout(timeout):
                await self._settled.wait()
        except TimeoutError:
            self._give_up_all()

    async def close(self) -> None:
        """Give the ears back."""
        for pending in self._pending:
            pending.overdue.cancel()
        self._pending.clear()
        await self._ears.close()

    async def _begin(self, started: float) -> None:
        self._began = started
        self._sustained = False
        self._interim = ""
        self._emit(SpeechStarted())
        for frame in self._pre_roll:
            await self._ears.hear(frame)
        self._pre_roll.clear()

    def _note_sustained(self, now: float) -> None:
        state = self._activity.state
        if not state.speaking:
            self._sustained = False
        elif not self._sustained and now - state.started >= self._settings.barge_in:
            self._sustained = True
            self._emit(SpeechSustained())

    async def _end_turn(self, last_voice: float) -> None:
        began, self._began = self._began, None
        span = AudioSpan(max(0.0, (began or 0.0) - PRE_ROLL), last_voice + PRE_ROLL)
        overdue = asyncio.get_running_loop().call_later(self._settings.transcript_timeout, self._give_up_oldest)
        self._settled.clear()
        self._pending.append(_Pending(span, self._voice_at, self._clock.monotonic(), overdue))
        if not await self._ears.end_utterance():
            self._settle(None)

    def _take(self, transcript: Transcript) -> None:
        if not transcript.final:
            if self._began is not None:
                self._interim = transcript.text
                self._emit(InterimHeard(transcript.text))
        elif self._late:
            self._late -= 1
        else:
            self._settle(transcript)

    def _settle(self, transcript: Transcript | None) -> None:
        """Answer the oldest turn that waits for its words."""
        if not self._pending:
            return
        pending = self._pending.popleft()
        pending.overdue.cancel()
        if not self._pending:
            self._settled.set()
        text = transcript.text if transcript else ""
        language = transcript.language if transcript else self._language
        confidence = transcript.confidence if transcript else None
        utterance = Utterance(text, language, "speech", confidence, pending.span)
        now = self._clock.monotonic()
        self._emit(Heard(utterance, transcript, pending.speech_end, pending.decided, now))

    def _give_up_oldest(self) -> None:
        """Wait no longer for the words of a turn. They still come one day, and are not those of the next turn."""
        self._late += 1
        self._settle(None)

    def _give_up_all(self) -> None:
        while self._pending:
            self._settle(None)

    def _on_lost(self, error: SecretaryError, recovered: bool) -> None:
        self._late = 0
        self._give_up_all()
        self._emit(EarsFailed(error.message, recovered))
