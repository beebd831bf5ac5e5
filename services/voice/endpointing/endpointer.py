"""Endpointing: gathers what is known of the caller's turn and asks the policy, frame by frame, whether it is over."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

import numpy as np

from services.audio.frame import FRAME_SECONDS, Frame, Samples
from services.voice.endpointing.pace import CallerPace
from services.voice.endpointing.policy import EndOfTurnPolicy, TurnSoFar
from services.voice.hearing.vad import SpeechState
from services.voice.settings import VoiceSettings

_STALLED = 2.5  # seconds without a new word in what sounds like speech: a television, not the caller
_MODEL_HEARS = 8.0  # seconds of sound the turn model looks at
_MODEL_ASKED = 0.1  # seconds of silence after which it is asked
_A_PAUSE = 0.1  # seconds: shorter silences lie inside words


class AudioTurnModel(Protocol):
    """Tells from the sound of a turn whether it is over."""

    async def probability(self, samples: Samples, rate: int) -> float | None:
        """Return 0..1 for a turn ending with `samples` (int16 mono), None when it cannot tell in time."""
        ...


class Endpointer:
    """The end-of-turn decision of one call; `pace` is what it has learned of this caller."""

    def __init__(
        self,
        policy: EndOfTurnPolicy,
        settings: VoiceSettings,
        model: AudioTurnModel | None = None,
        expects: Callable[[], str] = lambda: "",
    ) -> None:
        self.pace = CallerPace()
        self._policy = policy
        self._settings = settings
        self._model = model
        self._expects = expects
        self._expected = ""
        self._sound: deque[Frame] = deque(maxlen=round(_MODEL_HEARS / FRAME_SECONDS))
        self._started = 0.0
        self._silence = 0.0
        self._interim = ""
        self._words_at = 0.0
        self._over: float | None = None
        self._question: asyncio.Task[None] | None = None

    def begin(self, started: float, before: Iterable[Frame]) -> None:
        """A turn begins at this second of the caller's stream; `before` are the frames that belong to it so far."""
        self._started = self._words_at = started
        self._silence = 0.0
        self._interim = ""
        self._expected = self._expects()
        self._sound.clear()
        if self._model is not None:
            self._sound.extend(before)
        self._forget_opinion()

    def hear(self, frame: Frame, state: SpeechState) -> None:
        """Take a frame of the turn and the voice activity after it."""
        if self._model is not None:
            self._sound.append(frame)
        if not state.speaking:
            self._silence = state.silence
            if state.silence >= _MODEL_ASKED and self._question is None and self._over is None:
                self._ask(frame.rate)
        elif self._silence:
            if self._silence >= _A_PAUSE:
                self.pace.paused(self._silence)
            self._silence = 0.0
            self._forget_opinion()

    def words(self, interim: str, now: float) -> None:
        """Take the words so far; `now` is the second of the caller's stream."""
        if interim != self._interim:
            self._interim, self._words_at = interim, now

    def is_over(self, state: SpeechState, now: float, language: str, *, ears: bool) -> bool:
        """Tell whether the turn is over at second `now` of the caller's stream."""
        if now - self._started >= self._settings.longest_turn:
            return True
        if state.speaking:
            return bool(self._interim) and now - self._words_at >= _STALLED
        turn = TurnSoFar(
            self._interim,
            language,
            ears,
            now - self._started,
            self.pace.usual_pause,
            self._over,
            self._expected,
        )
        return state.silence >= self._policy.wait(turn)

    async def close(self) -> None:
        """Ask no more."""
        question = self._question
        self._forget_opinion()
        if question is not None:
            await asyncio.gather(question, return_exceptions=True)

    def _ask(self, rate: int) -> None:
        if self._model is not None:
            samples = np.concatenate([frame.samples for frame in self._sound])
            self._question = asyncio.create_task(self._opinion(self._model, samples, rate), name="turn model")

    async def _opinion(self, model: AudioTurnModel, samples: Samples, rate: int) -> None:
        self._over = await model.probability(samples, rate)

    def _forget_opinion(self) -> None:
        if self._question is not None:
            self._question.cancel()
        self._question = self._over = None
