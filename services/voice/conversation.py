"""The conversation on a line: greet, listen, answer sentence by sentence, give way when interrupted, say goodbye.

Everything that happens (the caller's speech, keys, a finished reply, the closed line, a deadline) arrives in one inbox
and is handled by one loop, so that the state below is changed in one place only.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import structlog

from services.audio.frame import Frame
from services.dialogue.shapes import KeepAudio
from services.errors import EngineError, LineError
from services.events import CallEventType
from services.voice.answering import Answering
from services.voice.call import Call
from services.voice.calling.callee import Callee
from services.voice.deadlines import Deadlines, Due
from services.voice.digits import DigitCollector
from services.voice.ending import Ending
from services.voice.hearing.beep import BeepListener
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
from services.voice.line import Closed, Digit, Hold, Joined, TypedText
from services.voice.overlap import Overlap
from services.voice.patience import Patience
from services.voice.speaking.replies import Replies, ReplyDone
from services.voice.turns import TurnBook
from services.voice.utterances import asks_nothing, joined

log = structlog.get_logger()

_LAST_WORDS = 2.0  # seconds the ears get for what was being said when the line closed
_LAST_SENTENCE = 30.0  # seconds that parting may take when the time is up


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
        self._parting_until: float | None = None  # the clock's second; None: she is not parting
        self._patience: Patience
        self._turns: TurnBook
        self._replies: Replies
        self._overlap: Overlap
        self._answering: Answering
        self._deadlines: Deadlines
        self._ending: Ending
        self._callee: Callee | None = None  # who is there, on a call of our own
        self.keep: list[KeepAudio] = []
        self.closed_at: float | None = None  # the clock's second at which the line closed

    async def run(self) -> str:
        """Hold the conversation until the line closes; every task it started has ended when it returns."""
        call, listener = self._call, self._listener
        answered_at = call.clock.monotonic()
        call.conversation.number = call.conversation.number or call.line.info.number  # told between two rings
        patience = self._patience = Patience(call.settings, answered_at)
        turns = self._turns = TurnBook(call, answered_at)
        replies = self._replies = Replies(call, turns, self.keep, self._inbox.put)
        overlap = self._overlap = Overlap(call, replies, listener)
        self._answering = Answering(call, turns, listener, replies, overlap, patience)
        self._ending = Ending(call, listener, replies, patience, self._inbox.put)
        self._deadlines = Deadlines(call.settings, patience, self._digits, listener, replies, overlap, self._answering)
        listener.start()
        self._set_ears(listener.has_ears)
        reader = asyncio.create_task(self._inbox.follow(call.line, self._take), name="line")
        try:
            self._begin()
            reason = await self._live()
            self.closed_at = call.clock.monotonic()
            await self._last_words()
        finally:
            reader.cancel()
            await replies.drop()
            await asyncio.gather(reader, return_exceptions=True)
            await listener.close()
        return reason

    @property
    def outcome(self) -> str:
        """What the call came to, as ENDED tells it."""
        return "answered" if self._callee is None else self._callee.outcome

    def _begin(self) -> None:
        """Greet who has called; who was called speaks first."""
        call, turns, listener = self._call, self._turns, self._listener
        if call.conversation.direction == "in":
            self._replies.speak(call.secretary.greet(call.conversation))
            return
        self._callee = Callee(
            call, turns, listener, self._replies, self._answering, self._patience, self._ending.hang_up
        )
        keep, beeps = self._on_frame, BeepListener(call.line.rate, self._inbox.put)

        def on_frame(frame: Frame) -> None:
            keep(frame)
            beeps.push(frame)

        self._on_frame = on_frame

    async def _live(self) -> str:
        while True:
            event = await self._inbox.next(self._until())
            if isinstance(event, Closed):
                return self._ending.reason or event.reason
            try:
                await self._follow(event)
            except LineError as error:  # it is closing under us; its Closed event follows
                log.info("the line refused", call=self._call.journal.call_id, error=str(error))
            except Exception:  # whatever broke, the caller's last words are still kept
                log.exception("the conversation failed", call=self._call.journal.call_id)
                return "failure"

    async def _follow(self, event: InboxEvent | None) -> None:
        if self._ending.connected:
            if event is None:
                await self._ending.hang_up("max_call")
        elif isinstance(event, Joined):  # somebody of the house has done it, in the midst of the call
            self._ending.connected = True
            await self._answering.silence("transfer")
        elif self._parting:
            await self._handle_parting(event)
        elif self._callee is not None and await self._callee.takes(event):
            pass
        elif event is None:
            await self._on_deadline()
        else:
            await self._handle(event)

    def _until(self) -> float:
        if self._ending.connected:
            return self._deadlines.time_is_up
        until = self._parting_until or self._deadlines.next()
        return until if self._callee is None or self._parting else self._callee.until(until)

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
                await self._on_wait_due(due)

    async def _on_end_due(self, due: Due, now: float) -> None:
        if due is Due.LEAVING:
            await self._ending.hang_up(self._patience.stay())
            return
        await self._answering.silence("max_call")
        self._parting_until = now + _LAST_SENTENCE
        self._replies.speak(self._call.secretary.time_is_up(self._call.conversation))

    async def _on_wait_due(self, due: Due) -> None:
        """One side has waited for the other for long."""
        if due is Due.FILLER:
            self._replies.fill()
        elif due is Due.NO_ANSWER:
            await self._answering.silence("failure")
            await self._ending.failed(EngineError("No answer was ready in time."), parting=self._parting)
        else:
            if self._listener.hears_speech:  # for long, and without a word
                self._overlap.take_for_noise()
            self._replies.speak(self._call.secretary.no_input(self._call.conversation, self._patience.ask()))

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
                self._turns.caller_says(text)
                self._patience.words(self._call.clock.monotonic())
                await self._answering.words(text)
            case Pausing(text):
                self._overlap.pausing()
                self._answering.try_out(text)

    async def _handle_parting(self, event: InboxEvent | None) -> None:
        """The last sentence of a call whose time is up is said to its end; what is heard meanwhile is kept."""
        match event:
            case None:
                await self._ending.hang_up("max_call")
            case InterimHeard(text):
                self._turns.caller_says(text)
            case Heard():
                await self._answering.heard(event, parting=True)
            case ReplyDone():
                await self._on_reply_done(event)
            case EarsFailed() | EarsBack():
                self._on_ears(event)

    async def _on_heard(self, heard: Heard) -> None:
        self._patience.sound(self._call.clock.monotonic())
        leaving = self._patience.stay()
        if leaving and asks_nothing(heard.utterance):
            self._turns.caller_spoke(heard)
            await self._ending.hang_up(leaving)
            return
        await self._answering.heard(heard)

    async def _on_digit(self, key: str) -> None:
        self._patience.sound(self._call.clock.monotonic())
        if self._replies.interruptible:
            await self._answering.silence("digits")
        self._patience.stay()
        if self._digits.deadline is None and self._call.secretary.takes_key(self._call.conversation):
            await self._answering.typed(key, "digits")
        elif number := self._digits.press(key):
            await self._answering.typed(number, "digits")

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
            await self._ending.failed(done.error, parting=self._parting)
        elif not await self._ending.perform(done.reply.effects, parting=self._parting):
            await self._answering.waiting()

    @property
    def _parting(self) -> bool:
        """True while the last sentence of a call whose time is up is said."""
        return self._parting_until is not None

    async def _take(self, frame: Frame) -> None:
        self._on_frame(frame)
        if not self._ending.connected:
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
