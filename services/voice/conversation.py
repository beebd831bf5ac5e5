"""The conversation on a line: greet, listen, answer sentence by sentence, give way when interrupted, say goodbye.

Everything that happens (the caller's speech, keys, a finished reply, the closed line, a deadline) arrives in one inbox
and is handled by one loop, so that the state below is changed in one place only.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import structlog

from services.audio.frame import Frame
from services.clock import Clock
from services.dialogue.shapes import Conversation, EndCall, KeepAudio, SendDigits, Transfer, Utterance
from services.errors import LineError, SecretaryError
from services.events import CallEventType
from services.tts.protocol import Voice
from services.voice.digits import DigitCollector
from services.voice.inbox import Inbox, InboxEvent
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
from services.voice.patience import Patience
from services.voice.ports import Mouth, SecretaryOnLine
from services.voice.replies import Replies, ReplyDone
from services.voice.settings import VoiceSettings
from services.voice.turns import TurnBook
from services.voice.utterances import is_noise, joined

log = structlog.get_logger()

_LAST_WORDS = 2.0  # seconds the ears get for what was being said when the line closed
_FAILURES = 3  # replies in a row that may fail before the call is ended


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
        self._inbox = Inbox(clock)
        self._listener = make_listener(self._inbox.put)
        self._digits = DigitCollector(clock, settings.digit_pause)
        self._waiting: Heard | None = None
        self._failures = 0
        self._parting = False
        self._leaving = ""  # the reason of a goodbye that the caller may just be interrupting
        self._ending = ""  # the reason of our own hanging up
        self._patience: Patience
        self._turns: TurnBook
        self._replies: Replies
        self.keep: list[KeepAudio] = []

    async def run(self) -> str:
        """Hold the conversation until the line closes; every task it started has ended when it returns."""
        answered_at = self._clock.monotonic()
        self._patience = Patience(self._settings, answered_at)
        self._turns = TurnBook(self._conversation, self._journal, self._clock, answered_at)
        self._replies = Replies(
            self._line,
            self._conversation,
            self._mouth,
            self._voice,
            self._turns,
            self._journal,
            self._clock,
            self.keep,
            self._inbox.put,
        )
        self._listener.start()
        self._conversation.abilities = replace(self._conversation.abilities, ears=self._listener.has_ears)
        reader = asyncio.create_task(self._inbox.follow(self._line, self._take), name="line")
        try:
            self._replies.begin(self._secretary.greet(self._conversation), Trace(self._clock, answered_at))
            reason = await self._live()
            await self._last_words()
        finally:
            reader.cancel()
            await self._replies.drop()
            await asyncio.gather(reader, return_exceptions=True)
            await self._listener.close()
        return reason

    async def _live(self) -> str:
        while True:
            event = await self._inbox.next(self._deadline())
            if isinstance(event, Closed):
                return self._ending or event.reason
            try:
                if event is None:
                    await self._on_deadline(self._clock.monotonic())
                else:
                    await self._handle(event)
            except LineError as error:  # the line is closing under us; its Closed event follows
                log.info("the line refused", call=self._journal.call_id, error=str(error))
            except Exception:  # whatever broke, the caller's last words are still kept
                log.exception("the conversation failed", call=self._journal.call_id)
                return "failure"

    def _deadline(self) -> float | None:
        if self._parting:
            return None
        busy = self._replies.under_way or self._listener.hears_speech or self._listener.thinking
        if self._digits.deadline is None:
            return self._patience.deadline(busy=busy)
        return min(self._digits.deadline, self._patience.deadline(busy=True))

    async def _on_deadline(self, now: float) -> None:
        if self._patience.is_over(now):
            await self._stop_reply("max_call")
            self._parting = True
            self._replies.begin(self._secretary.time_is_up(self._conversation), Trace(self._clock, now))
            return
        if number := self._digits.take():
            await self._stop_reply("digits")
            self._answer_typed(number, "digits")
            return
        asked = self._patience.ask()
        self._replies.begin(self._secretary.no_input(self._conversation, asked), Trace(self._clock, now))

    async def _handle(self, event: InboxEvent) -> None:
        if self._parting and isinstance(event, SpeechSustained | Digit | TypedText):
            return  # the last sentence of a call whose time is up is said to its end
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
        if self._replies.audible:
            await self._stop_reply("caller")
        else:
            await self._replies.take_back()

    async def _on_heard(self, heard: Heard) -> None:
        utterance = heard.utterance
        self._patience.sound(self._clock.monotonic())
        leaving, self._leaving = self._leaving, ""
        if leaving and not utterance.understood:
            await self._hang_up(leaving)
            return
        if self._listener.has_ears and is_noise(utterance):
            if self._replies.asked is not None and not self._replies.under_way:  # the noise took it back, or held it up
                self._answer(heard)
            return
        self._patience.answered()
        self._turns.caller_spoke(heard)
        if self._replies.audible or (self._parting and self._replies.under_way):
            # Short words over the secretary's speech did not stop it: they are answered when it has finished.
            if utterance.understood:
                self._let_wait(heard)
            return
        await self._replies.take_back()
        self._answer(heard)

    def _let_wait(self, heard: Heard) -> None:
        earlier = self._waiting.utterance if self._waiting else None
        self._waiting = replace(heard, utterance=joined(earlier, heard.utterance))

    def _answer(self, heard: Heard) -> None:
        if self._patience.is_over(self._clock.monotonic()):
            self._let_wait(heard)  # no time for an answer: kept with the caller's last words
            return
        # Where the caller went on before the answer was heard it is one turn, not two.
        utterance = joined(self._replies.asked, heard.utterance)
        if self._listener.hears_speech:  # the answer waits for the rest
            self._replies.asked = utterance
            return
        trace = Trace(self._clock, heard.speech_end)
        trace.mark(Stage.END_OF_TURN, heard.decided)
        trace.mark(Stage.TRANSCRIPT, heard.transcribed)
        self._ask(utterance, trace)

    def _answer_typed(self, text: str, source: Literal["typed", "digits"]) -> None:
        self._patience.answered()
        self._leaving = ""
        self._ask(self._turns.caller_typed(text, source), Trace(self._clock, self._clock.monotonic()))

    def _ask(self, utterance: Utterance, trace: Trace) -> None:
        self._replies.asked = utterance
        self._replies.begin(self._secretary.reply(self._conversation, utterance), trace)

    async def _on_digit(self, key: str) -> None:
        self._patience.sound(self._clock.monotonic())
        await self._stop_reply("digits")
        if number := self._digits.press(key):
            self._answer_typed(number, "digits")

    # -- the secretary speaks ---------------------------------------------------------------------------------------

    async def _on_reply_done(self, done: ReplyDone) -> None:
        if not self._replies.finish(done):
            return
        self._patience.sound(self._clock.monotonic())
        if done.error is not None:
            await self._on_failure(done.error)
            return
        self._failures = 0
        for effect in done.reply.effects:
            if isinstance(effect, EndCall) and self._listener.hears_speech and not self._parting:
                self._leaving = effect.reason
            elif isinstance(effect, EndCall):
                await self._hang_up(effect.reason)
            elif isinstance(effect, Transfer):
                await self._line.transfer(effect.to)
            elif isinstance(effect, SendDigits):
                await self._line.send_digits(effect.digits)
        if self._waiting is not None and not any(isinstance(effect, EndCall) for effect in done.reply.effects):
            waiting, self._waiting = self._waiting, None
            self._answer(waiting)

    async def _on_failure(self, error: BaseException) -> None:
        """A reply broke: say so in human words; give up politely when even that fails."""
        unforeseen = None if isinstance(error, SecretaryError) else error
        log.error("a reply failed", call=self._journal.call_id, error=str(error), exc_info=unforeseen)
        self._journal.record(CallEventType.DEGRADED, {"part": "reply", "detail": str(error) or type(error).__name__})
        self._failures += 1
        if self._failures >= _FAILURES or self._parting:
            await self._hang_up("failure")
            return
        self._replies.begin(self._secretary.apology(self._conversation), Trace(self._clock, self._clock.monotonic()))

    async def _hang_up(self, reason: str) -> None:
        self._ending = reason
        await self._line.hangup()
        self._inbox.put(Closed(reason))

    async def _stop_reply(self, by: str) -> None:
        if await self._replies.stop(by):
            self._patience.sound(self._clock.monotonic())

    # -- the line ---------------------------------------------------------------------------------------------------

    async def _take(self, frame: Frame) -> None:
        self._on_frame(frame)
        await self._listener.push(frame)

    async def _last_words(self) -> None:
        """The line is closed: what was being said is still understood, stored and, if it was a message, kept."""
        last = await self._replies.hung_up()
        if self._waiting is not None:
            last = joined(last, self._waiting.utterance)
        if number := self._digits.take():
            last = joined(last, self._turns.caller_typed(number, "digits"))
        await self._listener.finish(_LAST_WORDS)
        for event in self._inbox.rest():
            if isinstance(event, Heard):
                self._turns.caller_spoke(event)
                last = joined(last, event.utterance)
        await self._replies.keep_last(self._secretary.hung_up(self._conversation, last))
