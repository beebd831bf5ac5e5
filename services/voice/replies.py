"""The secretary's side of a call: the reply under way, and how it ends."""

import asyncio
import copy
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import structlog

from services.audio.frame import Frame
from services.clock import Clock
from services.dialogue.shapes import Conversation, KeepAudio, ReplyEvent, Utterance
from services.events import CallEventType
from services.tts.protocol import Voice
from services.voice.journal import CallJournal
from services.voice.latency import Trace
from services.voice.line import AudioLine
from services.voice.ports import Mouth
from services.voice.reply import Reply
from services.voice.speech import Speech
from services.voice.turns import TurnBook

_KEEPING = 10.0  # seconds the secretary gets to store the last words

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ReplyDone:
    """A reply was played to its end, or failed."""

    reply: Reply
    error: BaseException | None


class Replies:
    """At most one reply at a time: begun, played to its end, stopped, or taken back.

    `asked` is the caller's turn that it answers; it stays when the reply is taken back, since it still wants an answer.
    `keep` collects the sounds to keep. `on_done` is called when a reply has ended by itself, and must return at once.
    """

    def __init__(
        self,
        line: AudioLine,
        conversation: Conversation,
        mouth: Mouth,
        voice: Voice,
        turns: TurnBook,
        journal: CallJournal,
        clock: Clock,
        keep: list[KeepAudio],
        on_done: Callable[[ReplyDone], None],
    ) -> None:
        self.asked: Utterance | None = None
        self._line = line
        self._conversation = conversation
        self._mouth = mouth
        self._voice = voice
        self._turns = turns
        self._journal = journal
        self._clock = clock
        self._keep = keep
        self._on_done = on_done
        self._reply: Reply | None = None
        self._task: asyncio.Task[None] | None = None
        self._state_before: dict[str, Any] = {}
        line.tap(self._on_played)

    @property
    def under_way(self) -> bool:
        """True from the first thought of a reply until its last word has been played."""
        return self._reply is not None

    @property
    def audible(self) -> bool:
        """True when the caller has heard some of the reply under way."""
        return self._reply is not None and self._reply.speech.audible_at is not None

    def begin(self, events: AsyncGenerator[ReplyEvent, None], trace: Trace) -> None:
        """Begin to write and speak a reply; none may be under way."""
        assert self._task is None, "two replies would speak at once"
        speech = Speech(self._line, self._mouth, self._voice, trace, self._clock, self._announce)
        reply = self._reply = Reply(speech, trace, self._line, self._keep, self._turns.answered_at)
        self._state_before = copy.deepcopy(self._conversation.state)
        self._task = asyncio.create_task(reply.perform(events), name="reply")
        self._task.add_done_callback(lambda task: self._report(reply, task))

    def finish(self, done: ReplyDone) -> bool:
        """Remember a reply that has ended by itself; False when it was stopped before this could be told."""
        if done.reply is not self._reply:
            return False
        self._reply = self._task = None
        self._remember(done.reply, "failure" if done.error else "")
        return True

    async def stop(self, by: str) -> bool:
        """Silence the line at once and keep of the reply what was heard; False when there is none."""
        reply = self._reply
        if reply is None:
            return False
        reply.speech.cut()
        await self.drop()
        self._journal.record(CallEventType.INTERRUPTED, {"turn": self._turns.count, "by": by})
        self._remember(reply, by)
        return True

    async def take_back(self) -> None:
        """Forget a reply that nobody has heard: the caller goes on, and it will be one turn."""
        if self._reply is not None:
            self._reply.speech.cut()
            await self.drop()
            self._conversation.state = self._state_before

    async def hung_up(self) -> Utterance | None:
        """End with the line; return what the caller said and the secretary has not even begun to answer."""
        reply, asked = self._reply, self.asked
        if reply is not None:
            await self.drop()
            self._remember(reply, "hangup")
            if reply.begun:  # what was said is stored with it
                return None
            self._conversation.state = self._state_before
        return asked

    async def keep_last(self, events: AsyncGenerator[ReplyEvent, None]) -> None:
        """Let the secretary store the last words: nobody listens any more, only sounds to keep count."""
        try:
            async with asyncio.timeout(_KEEPING), aclosing(events):
                async for event in events:
                    if isinstance(event, KeepAudio):
                        self._keep.append(event)
        except Exception as error:  # the call has ended all the same, and is stored as it was
            log.exception("the last words could not be kept", call=self._journal.call_id)
            self._journal.record(CallEventType.DEGRADED, {"part": "last words", "detail": str(error)})

    async def drop(self) -> None:
        """End the reply's task, silently."""
        task, self._task, self._reply = self._task, None, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _report(self, reply: Reply, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            self._on_done(ReplyDone(reply, task.exception()))

    def _remember(self, reply: Reply, interrupted_by: str) -> None:
        asked, self.asked = self.asked, None
        self._turns.secretary_spoke(reply, asked.text if asked else "", interrupted_by)

    def _announce(self, text: str) -> None:
        self._journal.record(CallEventType.SAYING, {"text": text})

    def _on_played(self, frame: Frame) -> None:
        if self._reply is not None:
            self._reply.speech.on_played(frame)
