"""The listening half of a conversation: frames -> echo canceller -> voice activity -> ears -> finished utterances."""

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
from services.voice.endpointing.endpointer import Endpointer
from services.voice.hearing.call_ears import CallEars, EarsBack, EarsFailed, OpenEars
from services.voice.hearing.vad import VoiceActivity
from services.voice.ports import Echo
from services.voice.settings import VoiceSettings

_PAUSE = 0.12  # seconds of silence that are a pause where no head start is wanted
PRE_ROLL = 0.3  # seconds before the detected onset: soft first consonants lie there; a span ends as much later


@dataclass(frozen=True, slots=True)
class Onset:
    """A voice may have begun: one window of likely speech. Often it was a click."""


@dataclass(frozen=True, slots=True)
class SpeechSustained:
    """The caller has been speaking for as long as a barge-in takes."""


@dataclass(frozen=True, slots=True)
class Pausing:
    """The caller has paused for as long as a head start takes; the turn is not over yet. `text`: the words so far."""

    text: str


@dataclass(frozen=True, slots=True)
class InterimHeard:
    """The words so far."""

    text: str


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """The caller has finished after `seconds` of speech; the ears' last word on it follows as Heard."""

    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Heard:
    """A finished turn of the caller; times are the clock's seconds. `by_ears`: speech was understood at that time."""

    utterance: Utterance
    transcript: Transcript | None
    speech_end: float
    decided: float
    transcribed: float
    by_ears: bool = True


ListenerEvent = Onset | SpeechSustained | Pausing | InterimHeard | TurnEnded | Heard | EarsFailed | EarsBack


@dataclass(slots=True)
class _Pending:
    span: AudioSpan
    speech_end: float
    decided: float
    interim: str
    overdue: asyncio.TimerHandle


class Listener:
    """Owns the voice activity, the end-of-turn decision and the ears of one call.

    Give it every frame of the caller; it emits events by calling `emit` (never blocking). Without ears (`open_ears`
    None) finished turns carry no text, only where they lie in the recording. `language` is what is listened for;
    `early_words` tells that words come while they are spoken (it turns True with the first that do).
    """

    def __init__(
        self,
        activity: VoiceActivity,
        endpointer: Endpointer,
        settings: VoiceSettings,
        clock: Clock,
        language: str,
        open_ears: OpenEars | None,
        emit: Callable[[ListenerEvent], None],
        echo: Echo | None = None,
        *,
        early_words: bool = False,
    ) -> None:
        self.language = language
        self.early_words = early_words
        self._activity = activity
        self._endpointer = endpointer
        self._settings = settings
        self._clock = clock
        self._emit = emit
        self._echo = echo
        self._ears = CallEars(open_ears, self._take, self._on_lost, lambda: emit(EarsBack()))
        self._pre_roll: deque[Frame] = deque(maxlen=round(PRE_ROLL / FRAME_SECONDS))
        self._pending: deque[_Pending] = deque()
        self._change_ears = False
        self._late = 0  # finals that the ears still owe for turns that were given up
        self._settled = asyncio.Event()
        self._settled.set()
        self._interim = ""
        self._began: float | None = None
        self._likely = self._sustained = self._paused = False
        self._voice_at = self._began_at = 0.0
        self._now = 0.0

    @property
    def hears_speech(self) -> bool:
        """True from the onset of the caller's speech until the end of the turn is decided."""
        return self._began is not None

    @property
    def wordless_since(self) -> float | None:
        """The clock's second since which something sounds like speech and brings no word; None: nothing of the kind."""
        return self._began_at if self._began is not None and self.early_words and not self._interim else None

    @property
    def voice_now(self) -> bool:
        """True while the latest sound is a voice."""
        return self._activity.state.speaking or self._activity.state.likely

    @property
    def sustained(self) -> bool:
        """True while the caller has been speaking for as long as a barge-in takes, without a pause."""
        return self._sustained

    @property
    def pausing(self) -> bool:
        """True while the caller is silent inside a turn."""
        return self._began is not None and self._paused

    @property
    def interim(self) -> str:
        """The words of the turn so far; "" between turns."""
        return self._interim if self._began is not None else ""

    @property
    def span(self) -> AudioSpan:
        """Where the speech of the turn lies in the caller's stream, as far as it has come."""
        return AudioSpan(max(0.0, (self._began or 0.0) - PRE_ROLL), self._activity.state.last_voice + PRE_ROLL)

    @property
    def thinking(self) -> bool:
        """True while the ears owe a final transcript."""
        return bool(self._pending)

    @property
    def waiting_since(self) -> float | None:
        """When the speech ended for which the ears still owe the words, in the clock's seconds; None: nothing owed.

        A sound of which ears that tell words early have told none is no speech: nobody waits for an answer to a cough.
        """
        return next((each.speech_end for each in self._pending if each.interim or not self.early_words), None)

    @property
    def has_ears(self) -> bool:
        """True while speech can be understood."""
        return self._ears.present

    def start(self) -> None:
        """Begin to open the ears; without them the listener still tells when somebody speaks."""
        self._ears.start()

    def change_language(self, language: str) -> None:
        """Listen for another language as soon as the ears have told what they owe; a turn under way is heard anew."""
        self.language = language
        self._change_ears = True

    def cut_off(self) -> None:
        """An answer had to be taken back because the caller went on: this caller needs longer pauses."""
        self._endpointer.pace.cut_off()

    async def push(self, frame: Frame) -> None:
        """Take the caller's next frame."""
        if self._echo is not None:
            frame = self._echo.clean(frame)
        state = self._activity.push(frame)
        if state.likely:
            if state.speaking:
                self._voice_at = self._clock.monotonic()
            if not self._likely:
                self._emit(Onset())
        self._likely = state.likely
        if self._change_ears and not self._pending:
            self._change_ears, self._late = False, 0
            await self._ears.reopen()
        if self._began is None:
            self._pre_roll.append(frame)
            if state.speaking:
                await self._begin(state.started)
            return
        await self._ears.hear(frame)
        self._now = frame.end / frame.rate
        self._endpointer.hear(frame, state)
        self._note_sustained()
        self._note_pause()
        if self._endpointer.is_over(state, self._now, self.language, ears=self.has_ears):
            await self._end_turn()

    async def finish(self, timeout: float) -> None:
        """The line is closed: end the turn in progress and wait for what the ears still owe."""
        if self._began is not None:
            await self._end_turn()
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
        await self._endpointer.close()
        await self._ears.close()

    async def _begin(self, started: float) -> None:
        self._began, self._began_at = started, self._clock.monotonic()
        self._sustained = self._paused = False
        self._interim = ""
        self._endpointer.begin(started, self._pre_roll)
        for frame in self._pre_roll:
            await self._ears.hear(frame)
        self._pre_roll.clear()

    def _note_sustained(self) -> None:
        state = self._activity.state
        if not state.speaking:
            self._sustained = False
        elif not self._sustained and self._now - state.started >= self._settings.barge_in:
            self._sustained = True
            self._emit(SpeechSustained())

    def _note_pause(self) -> None:
        state = self._activity.state
        if state.speaking:
            self._paused = False
        elif not self._paused and state.silence >= (self._settings.head_start or _PAUSE):
            self._paused = True
            self._emit(Pausing(self._interim))

    async def _end_turn(self) -> None:
        span, self._began, self._sustained = self.span, None, False
        overdue = asyncio.get_running_loop().call_later(self._settings.transcript_timeout, self._give_up_oldest)
        self._settled.clear()
        self._pending.append(_Pending(span, self._voice_at, self._clock.monotonic(), self._interim, overdue))
        self._activity.split()
        self._emit(TurnEnded(span.end - span.start - 2 * PRE_ROLL))
        if not await self._ears.end_utterance():
            self._settle(None)

    def _take(self, transcript: Transcript) -> None:
        if not transcript.final:
            self.early_words = True
            if self._began is not None:
                self._interim = transcript.text
                self._endpointer.words(self._interim, self._now)
                self._emit(InterimHeard(self._interim))
        elif self._late:
            self._late -= 1
        else:
            self._settle(transcript)

    def _settle(self, transcript: Transcript | None) -> None:
        """Answer the oldest turn that waits for its words; without a last word the interim ones count."""
        if not self._pending:
            return
        pending = self._pending.popleft()
        pending.overdue.cancel()
        if not self._pending:
            self._settled.set()
        text = transcript.text if transcript else pending.interim
        language = transcript.language if transcript else self.language
        confidence = transcript.confidence if transcript else None
        utterance = Utterance(text, language, "speech", confidence, pending.span)
        now = self._clock.monotonic()
        self._emit(Heard(utterance, transcript, pending.speech_end, pending.decided, now, self.has_ears))

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
