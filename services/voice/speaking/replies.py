"""The secretary's side of a call: the reply under way, and how it ends."""

import asyncio
import copy
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import structlog

from services.audio.frame import Frame
from services.dialogue.shapes import KeepAudio, ReplyEvent, Utterance
from services.events import CallEventType
from services.voice.call import Call
from services.voice.effects import ending
from services.voice.latency import Stage, Trace
from services.voice.speaking.filler import Filler
from services.voice.speaking.reply import Reply
from services.voice.turns import TurnBook

_KEEPING = 10.0  # seconds the secretary gets to store the last words

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ReplyDone:
    """A reply was played to its end, or failed."""

    reply: Reply
    error: BaseException | None


class Replies:
    """At most one reply at a time: begun (perhaps on trial), played to its end, stopped, or taken back.

    `asked` is the caller's turn that it answers; it stays when the reply is taken back, since it still wants an answer.
    `keep` collects the sounds to keep. `on_done` is called when a reply has ended by itself, and must return at once.
    """

    def __init__(
        self, call: Call, turns: TurnBook, keep: list[KeepAudio], on_done: Callable[[ReplyDone], None]
    ) -> None:
        self.asked: Utterance | None = None
        self._call = call
        self._turns = turns
        self._keep = keep
        self._on_done = on_done
        self._filler = Filler(call)
        self._reply: Reply | None = None
        self._task: asyncio.Task[None] | None = None
        self._state_before: dict[str, Any] = {}
        self._last_asked = False
        self.begun_at = 0.0  # the clock's second at which the newest answer was certain
        call.line.tap(self._on_played)

    @property
    def under_way(self) -> bool:
        """True from the first thought of a reply until its last word has been played."""
        return self._reply is not None

    @property
    def audible(self) -> bool:
        """True when the caller has heard some of the reply under way."""
        return self._reply is not None and self._reply.audible

    @property
    def speaking(self) -> bool:
        """True while the secretary is heard, be it a filler only."""
        return self.audible or self._filler.speaking

    @property
    def on_trial(self) -> bool:
        """True while the reply under way was begun before the caller had surely finished."""
        return self._reply is not None and not self._reply.certain.is_set()

    @property
    def interruptible(self) -> bool:
        """False while a passage is spoken that must be heard to its end."""
        return self._reply is None or self._reply.speech.interruptible

    def was_bound(self, at: float) -> bool:
        """Tell whether a passage that must be heard to its end was still spoken at that second of the clock."""
        return self._reply is not None and at <= self._reply.speech.bound_until

    @property
    def asks(self) -> bool:
        """True when the reply under way, or the last one, ends with a question, as far as it is written."""
        return self._last_asked if self._reply is None or self.on_trial else self._reply.asks

    @property
    def parting(self) -> bool:
        """True while what is said is known to be the call's last."""
        return self._reply is not None and ending(self._reply.effects) is not None

    @property
    def stalled_since(self) -> float | None:
        """When the sound of the reply under way last ended, in the clock's seconds: almost now while it is played.

        Before its first sound it is when she began to speak of her own accord; None for an answer (`waiting_since`). A
        line that is held for the caller has not stalled.
        """
        reply = self._reply
        if reply is None:
            return None
        if reply.speech.hole is None:
            return self.begun_at if reply.asked is None else None
        return self._call.clock.monotonic() - reply.speech.hole

    @property
    def audible_for(self) -> float | None:
        """Seconds since the first sound of the reply under way; None: nothing of it was heard."""
        at = self._reply.speech.audible_at if self._reply is not None else None
        return None if at is None else self._call.clock.monotonic() - at

    @property
    def waiting_since(self) -> float | None:
        """The end of the caller's speech while a certain answer is not heard yet, in the clock's seconds."""
        reply = self._reply
        if reply is None or reply.audible or not reply.certain.is_set() or reply.asked is None:
            return None
        return reply.trace.origin

    def begin(
        self,
        events: AsyncGenerator[ReplyEvent, None],
        trace: Trace,
        asked: Utterance | None = None,
    ) -> None:
        """Begin to write and speak a reply to `asked`; none may be under way."""
        self.asked = asked or self.asked
        self._start(trace, asked).certain.set()
        self.begun_at = self._call.clock.monotonic()
        self._perform(events)

    def speak(self, events: AsyncGenerator[ReplyEvent, None]) -> None:
        """Begin to speak of her own accord; nothing may be under way."""
        self.begin(events, Trace(self._call.clock, self._call.clock.monotonic()))

    def try_out(self, asked: Utterance, trace: Trace) -> None:
        """Begin a reply to words that are not yet certain; it is made ready and not heard. None may be under way."""
        reply = self._start(trace, asked)
        self._perform(self._call.secretary.reply(self._call.conversation, asked, reply.certain))

    def commit(self, asked: Utterance, origin: float, marks: dict[Stage, float]) -> bool:
        """The caller has finished: the reply on trial is the answer if `asked` has the same words."""
        reply = self._reply
        if reply is None or reply.asked is None or not _same_words(reply.asked.text, asked.text):
            return False
        reply.asked = self.asked = asked
        reply.trace.origin = origin
        for stage, at in marks.items():
            reply.trace.mark(stage, at)
        reply.certain.set()
        self.begun_at = self._call.clock.monotonic()
        return True

    def is_trying(self, text: str) -> bool:
        """Tell whether a reply to these words is on trial."""
        reply = self._reply
        return self.on_trial and reply is not None and reply.asked is not None and _same_words(reply.asked.text, text)

    def is_current(self, done: ReplyDone) -> bool:
        """Tell whether it is the reply under way that has ended."""
        return done.reply is self._reply

    def fill(self) -> None:
        """Bridge the wait with a short phrase, where the persona has one and the answer is not on the line already."""
        if self._reply is not None and self._reply.speech.on_line:  # it has only not sounded yet
            return
        if not self._filler.speaking and (text := self._filler.choose()):
            self._filler.say(text)
            if self._reply is not None:
                self._reply.trace.mark(Stage.FILLER)

    def finish(self, done: ReplyDone) -> bool:
        """Remember a reply that has ended by itself; False when it was stopped before this could be told."""
        if done.reply is not self._reply:
            return False
        self._reply = self._task = None
        ended_by = "" if done.reply.speech.whole else "hangup"  # the line closed under its last words
        self._remember(done.reply, "failure" if done.error else ended_by)
        return True

    async def stop(self, by: str) -> bool:
        """Silence the line at once and keep of the reply what was heard; False when there is none."""
        reply = self._reply
        if reply is None or self.on_trial:
            await self.take_back()
            return False
        reply.speech.cut()
        await self.drop()
        self._call.journal.record(CallEventType.INTERRUPTED, {"turn": self._turns.count, "by": by})
        self._remember(reply, by)
        return True

    async def take_back(self) -> None:
        """Forget a reply that nobody has heard: the caller goes on, and it will be one turn."""
        if self._filler.speaking or self._reply is not None:
            self._call.line.discard_unsent()
        was_begun = self._reply is not None
        await self.drop()
        if was_begun:
            self._call.conversation.state = self._state_before

    async def hung_up(self) -> Utterance | None:
        """End with the line; return what the caller said and the secretary has not even begun to answer."""
        reply, asked, on_trial = self._reply, self.asked, self.on_trial
        await self.drop()
        if reply is None:
            return asked
        if not on_trial:
            self._remember(reply, "hangup")
            if reply.begun:  # what was said is stored with it
                return None
        self._call.conversation.state = self._state_before
        return asked

    async def keep_last(self, events: AsyncGenerator[ReplyEvent, None]) -> None:
        """Let the secretary store the last words: nobody listens any more, only sounds to keep count."""
        try:
            async with asyncio.timeout(_KEEPING), aclosing(events):
                async for event in events:
                    if isinstance(event, KeepAudio):
                        self._keep.append(event)
        except Exception as error:  # the call has ended all the same, and is stored as it was
            log.exception("the last words could not be kept", call=self._call.journal.call_id)
            self._call.journal.record(CallEventType.DEGRADED, {"part": "last words", "detail": str(error)})

    async def drop(self) -> None:
        """End the reply's task and the filler, silently."""
        task, self._task, self._reply = self._task, None, None
        if task is not None:  # before anything is awaited: it would go on sending meanwhile
            task.cancel()
        await self._filler.drop()
        if task is not None:
            await asyncio.gather(task, return_exceptions=True)

    def since_word(self) -> int:
        """Return how many samples ago the word began that is being played."""
        return self._reply.speech.since_word() if self._reply is not None else 0

    def hold(self, held: bool) -> None:
        """Take note that the line is held for the caller: silence is then meant."""
        if self._reply is not None:
            self._reply.speech.hold(held)

    def _start(self, trace: Trace, asked: Utterance | None) -> Reply:
        assert self._task is None, "two replies would speak at once"
        self._reply = Reply(self._call, trace, asked, self._keep, self._filler.queued)
        self._state_before = copy.deepcopy(self._call.conversation.state)
        return self._reply

    def _perform(self, events: AsyncGenerator[ReplyEvent, None]) -> None:
        reply = self._reply
        assert reply is not None
        self._task = asyncio.create_task(reply.perform(events), name="reply")
        self._task.add_done_callback(lambda task: self._report(reply, task))

    def _report(self, reply: Reply, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            self._on_done(ReplyDone(reply, task.exception()))

    def _remember(self, reply: Reply, interrupted_by: str) -> None:
        if reply.asked is not None:  # what she said of her own accord is no answer to a turn that still wants one
            self.asked = None
        self._last_asked = reply.asks
        self._turns.secretary_spoke(reply, interrupted_by)

    def _on_played(self, frame: Frame) -> None:
        if self._reply is not None:
            self._reply.speech.on_played(frame)


def _same_words(one: str, other: str) -> bool:
    """Compare two transcripts without case and marks, which ears add only at the end."""
    return _words(one) == _words(other)


def _words(text: str) -> list[str]:
    return "".join(each if each.isalnum() else " " for each in text.casefold()).split()
