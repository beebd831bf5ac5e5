"""Engines and a line that keep to the protocols and to a script, for dialogues in virtual time.

The caller is a list of `Act`s. Speech is a loud tone that the fake detector hears; what the ears understand of it is
written beside it. The secretary's voice says one character in 50 ms.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from services.audio.frame import FRAME_SECONDS, Frame, Samples, frame_samples
from services.audio.playout import PlayoutQueue
from services.dialogue.shapes import AnsweredBy, Conversation, EndCall, KeepAudio, ReplyEvent, ReplyText, Utterance
from services.domain import CompanyProfile, Persona
from services.errors import EngineError, LineError
from services.events import CallEvent, CallEventType
from services.stt.protocol import Transcript
from services.tts.protocol import SpeechPiece, Voice, WordMark
from services.voice.line import Capability, Closed, Digit, LineEvent, LineInfo, TypedText

RATE = 8000
CHARACTER_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Act:
    """What the caller does at second `at`: speaks `seconds` of `text`, presses `key`, types, or hangs up."""

    at: float
    seconds: float = 0.0
    text: str = ""
    key: str = ""
    typed: str = ""
    hang_up: bool = False


class FakeLine:
    """A line in (virtual) real time; records what was played and when."""

    rate = RATE
    capabilities = frozenset({Capability.DIGITS_IN, Capability.HANG_UP})

    def __init__(self, acts: Sequence[Act], longest: float = 120.0) -> None:
        self.info = LineInfo("test", "in", "default", "+79991234567", language="en")
        self._acts = sorted(acts, key=lambda act: act.at)
        self._longest = longest
        self._playout = PlayoutQueue(RATE)
        self._closed = ""
        self.heard: list[tuple[float, bool]] = []

    async def answer(self) -> None:
        if self._closed:
            raise LineError("gone")

    async def events(self) -> AsyncIterator[LineEvent]:
        begin = asyncio.get_running_loop().time()
        keys = [act for act in self._acts if act.key or act.typed]
        for number in range(round(self._longest / FRAME_SECONDS)):
            now = number * FRAME_SECONDS
            await asyncio.sleep(max(0.0, begin + now - asyncio.get_running_loop().time()))
            if self._closed:
                break
            self.heard.append((now, bool(self._playout.take().samples.any())))
            if any(act.hang_up and act.at <= now for act in self._acts):
                self._closed = "caller_hangup"
                break
            while keys and keys[0].at <= now:
                act = keys.pop(0)
                yield Digit(act.key) if act.key else TypedText(act.typed)
            loud = any(act.seconds and act.at <= now < act.at + act.seconds for act in self._acts)
            size = frame_samples(RATE)
            yield Frame(np.full(size, 8000 if loud else 0, np.int16), RATE, number * size)
        self._playout.close()
        yield Closed(self._closed or "line_lost")

    def first_sound(self, since: float) -> float:
        """Seconds from `since` to the first sound of the secretary."""
        return next(at for at, sound in self.heard if sound and at >= since) - since

    def sounds_between(self, start: float, end: float) -> bool:
        return any(sound for at, sound in self.heard if start <= at < end)

    async def send(self, frame: Frame) -> None:
        await self._playout.put(frame)

    def discard_unsent(self) -> int:
        return self._playout.discard()

    @property
    def played(self) -> int:
        return self._playout.played

    def tap(self, listener: Callable[[Frame], None]) -> None:
        self._playout.tap(listener)

    async def drained(self) -> None:
        await self._playout.drained()

    async def send_digits(self, digits: str) -> None:
        pass

    async def transfer(self, to: str) -> None:
        pass

    async def hangup(self) -> None:
        self._closed = self._closed or "own_hangup"
        self._playout.close()


class LoudnessDetector:
    """Speech is what is loud."""

    window = 256

    def probability(self, samples: Samples) -> float:
        return 1.0 if np.abs(samples).mean() > 1000 else 0.0


class FakeEars:
    """Understands the n-th utterance as the n-th act's text, `delay` seconds after its end."""

    def __init__(self, acts: Sequence[Act], delay: float = 0.1, fails_at: int = -1, silent: bool = False) -> None:
        self._texts = [act.text for act in sorted(acts, key=lambda act: act.at) if act.seconds]
        self._delay = delay
        self._fails_at = fails_at
        self._silent = silent
        self.opened = 0
        self.closed = 0
        self.ended = 0
        self.pushed = 0

    async def open(self) -> "FakeEars":
        self._out: asyncio.Queue[Transcript | EngineError | None] = asyncio.Queue()
        self.opened += 1
        return self

    async def push(self, frame: Frame) -> None:
        frame.expect_rate(RATE)
        self.pushed += 1

    async def end_utterance(self) -> None:
        number, self.ended = self.ended, self.ended + 1
        if number == self._fails_at:
            raise EngineError("The ears broke.")
        if self._silent:
            return
        text = self._texts[number] if number < len(self._texts) else ""
        asyncio.get_running_loop().call_later(self._delay, self._out.put_nowait, Transcript(text, "en", True, 0.9))

    def __aiter__(self) -> AsyncIterator[Transcript]:
        return self._read(self._out)

    async def _read(self, out: "asyncio.Queue[Transcript | EngineError | None]") -> AsyncIterator[Transcript]:
        while (item := await out.get()) is not None:
            if isinstance(item, EngineError):
                raise item
            yield item

    async def aclose(self) -> None:
        self.closed += 1
        self._out.put_nowait(None)


class FakeMouth:
    """Speaks a tone, 50 ms a character, with word marks; each 20 ms frame is made in a tenth of its time."""

    def __init__(self, fails: int = 0) -> None:
        self.fails = fails

    def voice_for(self, language: str, gender: str, wanted: str = "") -> Voice:
        return Voice("fake", gender, language)

    async def synthesize(self, text: str, voice: Voice, rate: int) -> AsyncGenerator[SpeechPiece, None]:
        if self.fails:
            self.fails -= 1
            raise EngineError("The voice broke.")
        start = 0
        for word in text.split(" "):
            yield WordMark(start, len(word), round(start * CHARACTER_SECONDS * rate))
            start += len(word) + 1
        size = frame_samples(rate)
        for position in range(0, round(len(text) * CHARACTER_SECONDS * rate), size):
            await asyncio.sleep(FRAME_SECONDS / 10)
            yield Frame(np.full(size, 5000, np.int16), rate, position)


@dataclass
class FakeSecretary:
    """Answers by a table; what is not in it is answered with "You said ...". Records what it was asked."""

    answers: dict[str, str] = field(default_factory=dict)
    first_text: float = 0.05
    broken: int = 0
    asked: list[str] = field(default_factory=list)
    kept: list[Utterance] = field(default_factory=list)
    last: Utterance | None = None

    async def greet(self, conversation: Conversation) -> AsyncGenerator[ReplyEvent, None]:
        yield AnsweredBy("greeting")
        yield ReplyText("Hello, this is Emma.")

    async def reply(self, conversation: Conversation, utterance: Utterance) -> AsyncGenerator[ReplyEvent, None]:
        self.asked.append(utterance.text)
        conversation.state["count"] = conversation.state.get("count", 0) + 1
        await asyncio.sleep(self.first_text)
        if self.broken:
            self.broken -= 1
            raise RuntimeError("the mind broke")
        if not utterance.understood and utterance.span:
            yield KeepAudio("message", (utterance.span,))
            yield ReplyText("Your message is kept.")
            return
        yield AnsweredBy("faq", utterance.text, 0.9)
        for word in self.answers.get(utterance.text, f"You said {utterance.text}.").split(" "):
            yield ReplyText(word + " ")
        if "goodbye" in utterance.text:
            yield EndCall()

    async def no_input(self, conversation: Conversation, count: int) -> AsyncGenerator[ReplyEvent, None]:
        yield ReplyText("Are you there?" if count < 3 else "Goodbye.")
        if count >= 3:
            yield EndCall("no_input")

    async def apology(self, conversation: Conversation) -> AsyncGenerator[ReplyEvent, None]:
        yield ReplyText("Sorry, something broke.")

    async def time_is_up(self, conversation: Conversation) -> AsyncGenerator[ReplyEvent, None]:
        yield ReplyText("Time is up, goodbye.")
        yield EndCall("max_call")

    async def hung_up(
        self, conversation: Conversation, utterance: Utterance | None
    ) -> AsyncGenerator[ReplyEvent, None]:
        self.last = utterance
        if utterance is not None and utterance.span:
            yield KeepAudio("message", (utterance.span,))


class MemoryLog:
    """Keeps the stored events in memory."""

    def __init__(self) -> None:
        self.events: list[CallEvent] = []

    async def append(self, event: CallEvent) -> None:
        self.events.append(event)

    def turns(self, role: str) -> list[dict[str, object]]:
        """The stored turns of one side."""
        return [dict(e.data) for e in self.events if e.type is CallEventType.TURN and e.data["role"] == role]

    def heard(self, role: str) -> list[object]:
        return [turn["heard"] for turn in self.turns(role)]


def a_conversation() -> Conversation:
    persona = Persona("emma", "Emma", "en", "female", "Hello", "calm")
    return Conversation("c", CompanyProfile("default", "Bakery", "en", "UTC"), persona, "en", "test", call_id="call")
