"""The conversation on a line: greet, listen, answer sentence by sentence, give way when interrupted, say goodbye.

Everything that happens (the caller's speech, keys, a finished reply, the closed line, a deadline) arrives in one inbox
and is handled by one loop, so that the state below is changed in one place only.
"""

import asyncio
import copy
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import structlog

from services.audio.frame import Frame
from services.clock import Clock
from services.dialogue.shapes import Conversation, EndCall, KeepAudio, ReplyEvent, SendDigits, Transfer, Utterance
from services.domain import AudioSpan
from services.errors import LineError, SecretaryError
from services.events import CallEventType
from services.tts.protocol import Voice
from services.voice.digits import DigitCollector
from services.voice.journal import CallJournal
from services.voice.latency import Stage, Trace
from services.voice.line import AudioLine, Closed, Digit, Hold, TypedText
from services.voice.listener import (
    EarsFailed,
    Heard,
    InterimHeard,
    Listener,
    ListenerEvent,
    SpeechStarted,
    SpeechSustained,
)
from services.voice.ports import Mouth, SecretaryOnLine
from services.voice.reply import Reply
from services.voice.settings import VoiceSettings
from services.voice.speech import Speech
from services.voice.turns import TurnBook

log = structlog.get_logger()

_INBOX = 256
_BLIP = 0.5  # seconds: shorter sounds that held no words are coughs and clicks
_LAST_WORDS = 2.0  # seconds the ears get for what was being said when the line closed
_FAILURES = 3  # replies in a row that may fail before the call is ended


@dataclass(frozen=True, slots=True)
class ReplyDone:
    """A reply was played to its end, or failed."""

    reply: Reply
    error: BaseException | None


InboxEvent = ListenerEvent | Digit | TypedText | Hold | Closed | ReplyDone


class VoiceConversation:
    """One call's dialogue. `run` answers with the reason the line closed; `keep` then holds the sounds to keep."""

    def __init__(
        self,
        line: AudioLine,
        conversation: Conversation,
        secretary: SecretaryOnLine,
        mouth: Mouth,
        voice: Voice,
        make_listener: Callable[[Callable[[ListenerEvent], None]], Listener],
        journal: CallJournal,
        settings: VoiceSettings,
        clock: Clock,
        on_frame: Callable[[Frame], None],
    ) -> None:
        self._line = line
        self._conversation = conversation
        self._secretary = secretary
        self._mouth = mouth
        self._voice = voice
        self._journal = journal
        self._settings = settings
        self._clock = clock
        self._on_frame = on_frame
        self._inbox: asyncio.Queue[InboxEvent] = asyncio.Queue(_INBOX)
        self._listener = make_listener(self._inbox.put_nowait)
        self._digits = DigitCollector(clock, settings.digit_pause)
        self._reply: Reply | None = None
        self._task: asyncio.Task[None] | None = None
        self._state_before: dict[str, Any] = {}
        self._asked: Utterance | None = None
        self._waiting: Heard | None = None
        self._failures = 0
        self._quiet = 0
        self._quiet_since = 0.0
        self._answered_at = 0.0
        self._turns: TurnBook
        self.keep: list[KeepAudio] = []

    async def run(self) -> str:
        """Hold the conversation until the line closes; every task it started has ended when it returns."""
        self._answered_at = self._quiet_since = self._clock.monotonic()
        self._turns = TurnBook(self._conversation, self._journal, self._clock, self._answered_at)
        self._line.tap(self._on_played)
        await self._listener.start()
        self._conversation.abilities = replace(self._conversation.abilities, ears=self._listener.has_ears)
        reader = asyncio.create_task(self._read_line(), name="line")
        try:
            self._begin(self._secretary.greet(self._conversation), Trace(self._clock, self._answered_at))
            reason = await self._live()
            await self._last_words()
        finally:
            reader.cancel()
            await self._drop_task()
            await asyncio.gather(reader, return_exceptions=True)
            await self._listener.close()
        return reason

    async def _live(self) -> str:
        while True:
            event = await self._next_event()
            if isinstance(event, Closed):
                return event.reason
            try:
                await self._handle(event)
            except LineError as error:  # the line is closing under us; its Closed event follows
                log.info("the line refused", call=self._journal.call_id, error=str(error))

    async def _next_event(self) -> InboxEvent:
        """Wait for the next event, or for the first deadline to pass."""
        while True:
            now = self._clock.monotonic()
            deadline = self._deadline()
            if deadline is not None and deadline <= now:
                self._on_deadline(now)
                continue
            try:
                async with asyncio.timeout(None if deadline is None else deadline - now):
                    return await self._inbox.get()
            except TimeoutError:
                continue

    def _deadline(self) -> float | None:
        if self._digits.deadline is not None:
            return self._digits.deadline
        if self._task is not None or self._listener.hears_speech or self._listener.thinking:
            return None
        return self._quiet_since + self._settings.no_input

    def _on_deadline(self, now: float) -> None:
        if number := self._digits.take():
            self._answer_typed(number, "digits")
            return
        self._quiet += 1
        if now - self._answered_at > self._settings.max_call:
            self._quiet = _FAILURES
        self._begin(self._secretary.no_input(self._conversation, self._quiet), Trace(self._clock, now))

    async def _handle(self, event: InboxEvent) -> None:
        match event:
            case SpeechSustained():
                await self._on_sustained()
            case InterimHeard(text):
                self._journal.record(CallEventType.INTERIM, {"role": "caller", "text": text})
            case Heard():
                await self._on_heard(event)
            case Digit(key):
                await self._on_digit(key)
            case TypedText(text):
                await self._stop_reply("caller")
                self._answer_typed(text, "typed")
            case ReplyDone():
                await self._on_reply_done(event)
            case EarsFailed(message, recovered):
                self._journal.record(CallEventType.DEGRADED, {"part": "stt", "detail": message})
                self._conversation.abilities = replace(self._conversation.abilities, ears=recovered)
            case SpeechStarted() | Hold() | Closed():
                pass

    # -- the caller speaks ------------------------------------------------------------------------------------------

    async def _on_sustained(self) -> None:
        """Somebody really speaks: give way, or take back an answer that nobody has heard yet."""
        if self._reply is None:
            return
        if self._reply.speech.audible_at is None:
            await self._take_back_reply()
        else:
            await self._stop_reply("caller")

    async def _on_heard(self, heard: Heard) -> None:
        utterance = heard.utterance
        self._quiet_since = self._clock.monotonic()
        if not utterance.understood and self._listener.has_ears and _length(utterance) < _BLIP and self._asked is None:
            return
        self._quiet = 0
        self._turns.caller_spoke(heard)
        if self._reply is not None and self._reply.speech.audible_at is not None:
            # Short words over the secretary's speech did not stop it: they are answered when it has finished.
            self._waiting = heard if utterance.understood else self._waiting
            return
        if self._reply is not None:
            await self._take_back_reply()
        self._answer(heard)

    def _answer(self, heard: Heard) -> None:
        utterance = heard.utterance
        if self._asked is not None:  # the caller went on before the answer was heard: one turn, not two
            utterance = _joined(self._asked, utterance)
        trace = Trace(self._clock, heard.speech_end)
        trace.mark(Stage.END_OF_TURN, heard.decided)
        trace.mark(Stage.TRANSCRIPT, heard.transcribed)
        self._ask(utterance, trace)

    def _answer_typed(self, text: str, source: Literal["typed", "digits"]) -> None:
        self._quiet = 0
        self._turns.caller_typed(text, source)
        self._ask(Utterance(text, self._conversation.language, source), Trace(self._clock, self._clock.monotonic()))

    def _ask(self, utterance: Utterance, trace: Trace) -> None:
        self._asked = utterance
        self._state_before = copy.deepcopy(self._conversation.state)
        self._begin(self._secretary.reply(self._conversation, utterance), trace)

    async def _on_digit(self, key: str) -> None:
        self._quiet_since = self._clock.monotonic()
        await self._stop_reply("digits")
        if number := self._digits.press(key):
            self._answer_typed(number, "digits")

    # -- the secretary speaks ---------------------------------------------------------------------------------------

    def _begin(self, events: AsyncGenerator[ReplyEvent, None], trace: Trace) -> None:
        speech = Speech(self._line, self._mouth, self._voice, trace, self._clock, self._announce)
        reply = Reply(speech, trace, self._line, self.keep, self._answered_at)
        self._reply = reply
        self._task = asyncio.create_task(reply.perform(events), name="reply")
        self._task.add_done_callback(lambda task: self._report(reply, task))

    def _report(self, reply: Reply, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            self._inbox.put_nowait(ReplyDone(reply, task.exception()))

    def _announce(self, text: str) -> None:
        self._journal.record(CallEventType.SAYING, {"text": text})

    def _on_played(self, frame: Frame) -> None:
        if self._reply is not None:
            self._reply.speech.on_played(frame)

    async def _on_reply_done(self, done: ReplyDone) -> None:
        if done.reply is not self._reply:
            return
        self._reply = self._task = None
        self._quiet_since = self._clock.monotonic()
        self._remember(done.reply)
        if done.error is not None:
            await self._on_failure(done.error)
            return
        self._failures = 0
        waiting, self._waiting = self._waiting, None
        for effect in done.reply.effects:
            if isinstance(effect, EndCall):
                await self._hang_up(effect.reason)
            elif isinstance(effect, Transfer):
                await self._line.transfer(effect.to)
            elif isinstance(effect, SendDigits):
                await self._line.send_digits(effect.digits)
        if waiting is not None and not any(isinstance(effect, EndCall) for effect in done.reply.effects):
            self._answer(waiting)

    async def _on_failure(self, error: BaseException) -> None:
        """A reply broke: say so in human words; give up politely when even that fails."""
        if isinstance(error, SecretaryError):
            log.warning("a reply failed", call=self._journal.call_id, error=str(error))
        else:
            log.error("a reply failed", call=self._journal.call_id, exc_info=error)
        self._journal.record(CallEventType.DEGRADED, {"part": "reply", "detail": str(error) or type(error).__name__})
        self._failures += 1
        if self._failures >= _FAILURES:
            await self._hang_up("failure")
            return
        self._begin(self._secretary.apology(self._conversation), Trace(self._clock, self._clock.monotonic()))

    async def _hang_up(self, reason: str) -> None:
        await self._line.hangup()
        self._inbox.put_nowait(Closed(reason))

    async def _stop_reply(self, by: str) -> None:
        """Silence the line at once and keep of the reply what was heard."""
        reply = self._reply
        if reply is None:
            return
        reply.speech.cut()
        await self._drop_task()
        self._journal.record(CallEventType.INTERRUPTED, {"turn": self._turns.count, "by": by})
        self._remember(reply, interrupted_by=by)
        self._quiet_since = self._clock.monotonic()

    def _remember(self, reply: Reply, interrupted_by: str = "") -> None:
        asked, self._asked = self._asked, None
        self._turns.secretary_spoke(reply, asked.text if asked else "", interrupted_by)

    async def _take_back_reply(self) -> None:
        """Forget an answer nobody has heard: the caller goes on, and it will be one turn."""
        if self._reply is not None:
            self._reply.speech.cut()
        await self._drop_task()
        self._conversation.state = self._state_before

    async def _drop_task(self) -> None:
        task, self._task, self._reply = self._task, None, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    # -- the line ---------------------------------------------------------------------------------------------------

    async def _read_line(self) -> None:
        try:
            async for event in self._line.events():
                if isinstance(event, Frame):
                    self._on_frame(event)
                    await self._listener.push(event)
                else:
                    await self._inbox.put(event)
        except Exception:
            log.exception("listening failed", call=self._journal.call_id)
        await self._inbox.put(Closed("line_lost"))  # counts only where no other Closed came before

    async def _last_words(self) -> None:
        """The line is closed: what was being said is still understood, stored and, if it was a message, kept."""
        if self._reply is not None:
            reply = self._reply
            await self._drop_task()
            self._remember(reply, interrupted_by="hangup")
        await self._listener.finish(_LAST_WORDS)
        last = self._waiting.utterance if self._waiting else None
        while not self._inbox.empty():
            event = self._inbox.get_nowait()
            if isinstance(event, Heard):
                self._turns.caller_spoke(event)
                last = event.utterance if last is None else _joined(last, event.utterance)
        async for left in self._secretary.hung_up(self._conversation, last):
            if isinstance(left, KeepAudio):
                self.keep.append(left)


def _length(utterance: Utterance) -> float:
    return utterance.span.end - utterance.span.start - 0.6 if utterance.span else 0.0


def _joined(first: Utterance, second: Utterance) -> Utterance:
    spans = [each.span for each in (first, second) if each.span]
    span = AudioSpan(spans[0].start, spans[-1].end) if spans else None
    return replace(second, text=f"{first.text} {second.text}".strip(), span=span)
