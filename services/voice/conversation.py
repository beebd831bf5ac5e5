"""The conversation on a line: greet, listen, answer sentence by sentence, give way when interrupted, say goodbye.

Everything that happens (the caller's speech, keys, a finished reply, the closed line, a deadline) arrives in one inbox
and is handled by one loop, so that the state below is changed in one place only.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace

import structlog

from services.audio.frame import Frame
from services.dialogue.shapes import Effect, KeepAudio, ReplyEvent
from services.errors import EngineError, LineError, SecretaryError
from services.events import CallEventType
from services.voice.answering import Answering
from services.voice.call import Call
from services.voice.deadlines import Deadlines, Due
from services.voice.digits import DigitCollector
from services.voice.effects import connect, ending
from services.voice.hearing.call_ears import EarsBack, EarsFailed
from services.voice.hearing.listener import (
    Heard,
    InterimHeard,
    Listener,
    ListenerEvent,
    Onset,
    Pausing,
    SpeechSustained,
    TurnEnded,
)
from services.voice.inbox import Inbox, InboxEvent
from services.voice.latency import Trace
from services.voice.line import Closed, Digit, Hold, TypedText
from services.voice.overlap import Overlap
from services.voice.patience import Patience
from services.voice.speaking.replies import Replies, ReplyDone
from services.voice.turns import TurnBook
from services.voice.utterances import asks_nothing, joined

log = structlog.get_logger()

_LAST_WORDS = 2.0  # seconds the ears get for what was being said when the line closed
_LAST_SENTENCE = 30.0  # seconds that parting may take when the time is up
_FAILURES = 3  # replies in a row that may fail before the call is ended


class VoiceConversation:
    """One call's dialogue. `run` answers with the reason the line closed; `keep` then holds the sounds to keep."""

    def __init__(
        self,
        call: Call,
        make_listener: Callable[[Callable[[ListenerEvent], None]], Listener],
        on_frame: Callable[[Frame], None],
    ) -> None:
        self._call = call
        self._on_frame = on_frame
        self._inbox = Inbox(call.clock)
        self._listener = make_listener(self._inbox.put)
        self._digits = DigitCollector(call.clock, call.settings.digit_pause)
        self._failures = 0
        self._parting_until: float | None = None  # the clock's second; None: she is not parting
        self._ending = ""  # the reason of our own hanging up
        self._patience: Patience
        self._turns: TurnBook
        self._replies: Replies
        self._overlap: Overlap
        self._answering: Answering
        self._deadlines: Deadlines
        self.keep: list[KeepAudio] = []
        self.closed_at: float | None = None  # the clock's second at which the line closed

    async def run(self) -> str:
        """Hold the conversation until the line closes; every task it started has ended when it returns."""
        call, listener = self._call, self._listener
        answered_at = call.clock.monotonic()
        patience = self._patience = Patience(call.settings, answered_at)
        turns = self._turns = TurnBook(call, answered_at)
        replies = self._replies = Replies(call, turns, self.keep, self._inbox.put)
        overlap = self._overlap = Overlap(call, replies, listener)
        self._answering = Answering(call, turns, listener, replies, overlap, patience)
        self._deadlines = Deadlines(call.settings, patience, self._digits, listener, replies, overlap, self._answering)
        listener.start()
        self._set_ears(listener.has_ears)
        reader = asyncio.create_task(self._inbox.follow(call.line, self._take), name="line")
        try:
            self._say(call.secretary.greet(call.conversation), answered_at)
            reason = await self._live()
            self.closed_at = call.clock.monotonic()
            await self._last_words()
        finally:
            reader.cancel()
            await replies.drop()
            await asyncio.gather(reader, return_exceptions=True)
            await listener.close()
        return reason

    async def _live(self) -> str:
        while True:
            event = await self._inbox.next(self._parting_until or self._deadlines.next())
            if isinstance(event, Closed):
                return self._ending or event.reason
            try:
                if self._parting_until is not None:
                    await self._handle_parting(event)
                elif event is None:
                    await self._on_deadline()
                else:
                    await self._handle(event)
            except LineError as error:  # it is closing under us; its Closed event follows
                log.info("the line refused", call=self._call.journal.call_id, error=str(error))
            except Exception:  # whatever broke, the caller's last words are still kept
                log.exception("the conversation failed", call=self._call.journal.call_id)
                return "failure"

    async def _on_deadline(self) -> None:
        now = self._call.clock.monotonic()
        match self._deadlines.due(now):
            case Due.TIME_IS_UP | Due.LEAVING as due:
                await self._on_end_due(due, now)
            case Due.OVERLAP:
                if self._overlap.on_deadline():
                    await self._answering.give_way()
            case Due.PUT_OFF:
                await self._answering.put_off_long_enough()
            case Due.DIGITS:
                await self._answering.typed(self._digits.take(), "digits")
            case Due.NO_ANSWER | Due.FILLER | Due.SILENCE as due:
                await self._on_wait_due(due, now)

    async def _on_end_due(self, due: Due, now: float) -> None:
        if due is Due.LEAVING:
            await self._hang_up(self._patience.stay())
            return
        await self._answering.silence("max_call")
        self._parting_until = now + _LAST_SENTENCE
        self._say(self._call.secretary.time_is_up(self._call.conversation), now)

    async def _on_wait_due(self, due: Due, now: float) -> None:
        """One side has waited for the other for long."""
        if due is Due.FILLER:
            self._replies.fill()
        elif due is Due.NO_ANSWER:
            await self._answering.silence("failure")
            await self._on_failure(EngineError("No answer was ready in time."))
        else:
            if self._listener.hears_speech:  # for long, and without a word
                self._overlap.take_for_noise()
            self._say(self._call.secretary.no_input(self._call.conversation, self._patience.ask()), now)

    async def _handle(self, event: InboxEvent) -> None:
        match event:
            case Onset() | SpeechSustained() | InterimHeard() | Pausing():
                await self._on_speech(event)
            case Heard():
                await self._on_heard(event)
            case Digit(key):
                await self._on_digit(key)
            case TypedText(text):
                self._patience.stay()
                await self._answering.typed(text, "typed")
            case ReplyDone():
                await self._on_reply_done(event)
            case EarsFailed() | EarsBack():
                self._on_ears(event)
            case TurnEnded():
                self._overlap.turn_ended()
            case Hold() | Closed():
                pass

    async def _on_speech(self, event: Onset | SpeechSustained | InterimHeard | Pausing) -> None:
        """The caller is speaking, and has not finished."""
        match event:
            case Onset():
                self._overlap.onset()
            case SpeechSustained():
                if self._overlap.sustained():
                    await self._answering.give_way()
            case InterimHeard(text):
                self._note_interim(text)
                self._patience.words(self._call.clock.monotonic())
                await self._answering.words(text)
            case Pausing(text):
                self._overlap.pausing()
                self._answering.try_out(text)

    async def _handle_parting(self, event: InboxEvent | None) -> None:
        """The last sentence of a call whose time is up is said to its end; what is heard meanwhile is kept."""
        match event:
            case None:
                await self._hang_up("max_call")
            case InterimHeard(text):
                self._note_interim(text)
            case Heard():
                await self._answering.heard(event, parting=True)
            case ReplyDone():
                await self._on_reply_done(event)
            case EarsFailed() | EarsBack():
                self._on_ears(event)

    def _say(self, events: AsyncGenerator[ReplyEvent, None], since: float) -> None:
        """Let the secretary speak of her own accord."""
        self._replies.begin(events, Trace(self._call.clock, since))

    async def _on_heard(self, heard: Heard) -> None:
        self._patience.sound(self._call.clock.monotonic())
        leaving = self._patience.stay()
        if leaving and asks_nothing(heard.utterance):
            self._turns.caller_spoke(heard)
            await self._hang_up(leaving)
            return
        await self._answering.heard(heard)

    async def _on_digit(self, key: str) -> None:
        self._patience.sound(self._call.clock.monotonic())
        if self._replies.interruptible:
            await self._answering.silence("digits")
        self._patience.stay()
        if number := self._digits.press(key):
            await self._answering.typed(number, "digits")

    def _note_interim(self, text: str) -> None:
        self._call.journal.record(CallEventType.INTERIM, {"role": "caller", "text": text})

    def _on_ears(self, event: EarsFailed | EarsBack) -> None:
        if isinstance(event, EarsFailed):
            self._call.journal.record(CallEventType.DEGRADED, {"part": "stt", "detail": event.message})
        self._set_ears(isinstance(event, EarsBack) or event.recovered)

    def _set_ears(self, ears: bool) -> None:
        conversation = self._call.conversation
        conversation.abilities = replace(conversation.abilities, ears=ears)

    async def _on_reply_done(self, done: ReplyDone) -> None:
        if self._replies.on_trial and self._replies.is_current(done):
            await self._replies.take_back()  # it broke while the caller was still speaking: asked anew afterwards
            return
        if not self._replies.finish(done):
            return
        self._overlap.reset()
        self._patience.sound(self._call.clock.monotonic())
        if done.error is not None:
            await self._on_failure(done.error)
            return
        self._failures = 0
        if not await self._perform(done.reply.effects):
            await self._answering.waiting()

    async def _perform(self, effects: Sequence[Effect]) -> bool:
        """Do what the answer was about; True when nothing is to be answered behind it."""
        try:
            await connect(self._call.line, effects)
        except LineError as error:  # she has just promised it
            await self._on_failure(error)
            return True
        reason = ending(effects)
        if reason is None:
            return False
        speaks_up = self._listener.hears_speech or self._listener.thinking
        if speaks_up and self._parting_until is None:
            self._patience.leave(reason, self._call.clock.monotonic())
        else:
            await self._hang_up(reason)
        return True

    async def _on_failure(self, error: BaseException) -> None:
        """A reply broke: say so in human words; give up politely when even that fails."""
        call = self._call
        unforeseen = None if isinstance(error, SecretaryError) else error
        log.error("a reply failed", call=call.journal.call_id, error=str(error), exc_info=unforeseen)
        call.journal.record(CallEventType.DEGRADED, {"part": "reply", "detail": str(error) or type(error).__name__})
        self._failures += 1
        if self._failures >= _FAILURES or self._parting_until is not None:
            await self._hang_up("failure")
            return
        self._say(call.secretary.apology(call.conversation), call.clock.monotonic())

    async def _hang_up(self, reason: str) -> None:
        self._ending = reason
        await self._call.line.hangup()
        self._inbox.put(Closed(reason))

    async def _take(self, frame: Frame) -> None:
        self._on_frame(frame)
        await self._listener.push(frame)

    async def _last_words(self) -> None:
        """The line is closed: what was being said is still understood, stored and, if it was a message, kept."""
        last = self._answering.unanswered(await self._replies.hung_up())
        if number := self._digits.take():
            last = joined(last, self._turns.caller_typed(number, "digits"))
        await self._listener.finish(_LAST_WORDS)
        for event in self._inbox.rest():
            if isinstance(event, Heard):
                self._turns.caller_spoke(event)
                last = joined(last, event.utterance)
        await self._replies.keep_last(self._call.secretary.hung_up(self._call.conversation, last))
