"""The secretary in writing: each text message that came is answered by one, at most once, also across restarts."""

import asyncio
import itertools
import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Literal, Protocol

import structlog

from services.clock import Clock
from services.dialogue.shapes import AnsweredBy, Conversation, ReplyEvent, ReplyText, Utterance
from services.domain import PastTurn, Turn
from services.errors import LineError, SecretaryError
from services.storage.texts.records import NewPart, TextMessage
from telephony.sms.door import OpenDoor, TextDoor
from telephony.sms.ports import SmsStore
from telephony.sms.rules import LOOK_BACK, fitting, reason_for_silence
from telephony.sms.submit import SubmitPart, encode_submit
from telephony.sms.threads import SmsThreads

ANSWER_SECONDS = 90.0
MOST_ATTEMPTS = 5

log = structlog.get_logger()


class Answers(Protocol):
    """Whoever answers; services.dialogue.secretary.Secretary is one."""

    def reply(
        self, conversation: Conversation, utterance: Utterance, certain: asyncio.Event | None = None
    ) -> AsyncGenerator[ReplyEvent, None]:
        """Answer one utterance."""
        ...


class References:
    """The references under which the parts of long messages travel: in turn, beginning anywhere."""

    def __init__(self) -> None:
        self._next = itertools.count(secrets.randbelow(256))

    def take(self) -> int:
        """Return the next one, 0 to 255."""
        return next(self._next) % 256


def new_part(part: SubmitPart) -> NewPart:
    """Return a part as the store takes it."""
    return NewPart(part.pdu, part.octets, part.text, part.sequence, part.total, part.reference)


class SmsConversation:
    """Answers the received text messages of one line.

    `on_queued` is called when an answer waits to be sent.
    """

    def __init__(
        self,
        secretary: Answers,
        threads: SmsThreads,
        store: SmsStore,
        clock: Clock,
        door: TextDoor | None = None,
    ) -> None:
        self.on_queued: Callable[[], None] | None = None
        self._secretary = secretary
        self._threads = threads
        self._store = store
        self._clock = clock
        self._door = door or OpenDoor()
        self._references = References()

    async def answer(self, message: TextMessage) -> bool:
        """Answer a received message or note why not; return False when it should be tried again later.

        Nothing is raised. What fails five times is left unanswered.
        """
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._answer(message)
        except TimeoutError:
            log.warning("a text message could not be answered in time", message=message.id)
        except SecretaryError as error:
            log.warning("a text message could not be answered", message=message.id, problem=str(error))
        except Exception:  # one message's fault must not keep the others waiting
            log.exception("answering a text message failed", message=message.id)
        else:
            return True
        return False

    async def _answer(self, message: TextMessage) -> None:
        attempt = await self._store.begin_answer(message.id)
        if not attempt:
            return
        if attempt > MOST_ATTEMPTS:
            await self._store.leave_unanswered(message.id, "The secretary failed to answer it.")
            return
        now = self._clock.now()
        rules = await self._door.rules(message.number)
        recent = await self._store.recent(message.number, now - LOOK_BACK)
        if why := reason_for_silence(message, recent, rules, now):
            log.info("a text message is left unanswered", message=message.id, reason=why)
            await self._store.leave_unanswered(message.id, why)
            return
        conversation = await self._threads.open(message.number)
        conversation.history.append(PastTurn("caller", message.text, now))
        text, by = await self._reply(conversation, message.text)
        text = fitting(text, rules.answer_parts)
        if not text:
            await self._store.leave_unanswered(message.id, "The secretary has nothing to say to it.")
            return
        try:
            number = await self._door.permit(message.number)
        except LineError as error:
            if attempt < MOST_ATTEMPTS:
                raise  # perhaps only the database was away
            await self._store.leave_unanswered(message.id, error.message)
            return
        parts = encode_submit(number, text, reference=self._references.take(), report=rules.reports)
        queued = await self._store.answer(message.id, text, [new_part(part) for part in parts], conversation.id)
        if queued is None:
            return
        if self.on_queued is not None:
            self.on_queued()
        await self._remember(conversation, message.text, text, by)

    async def _reply(self, conversation: Conversation, text: str) -> tuple[str, AnsweredBy]:
        said: list[str] = []
        by = AnsweredBy("scripted")
        utterance = Utterance(text, conversation.language, "typed")
        async with aclosing(self._secretary.reply(conversation, utterance)) as events:
            async for event in events:
                match event:
                    case ReplyText(words):
                        said.append(words)
                    case AnsweredBy():
                        by = event
                    case _:
                        pass  # a written conversation has no line to end, transfer or send keys on
        return "".join(said), by

    async def _remember(self, conversation: Conversation, asked: str, answered: str, by: AnsweredBy) -> None:
        """Store both turns; the answer is on its way already, so a failure costs the history only."""
        try:
            await self._threads.remember(conversation, _turn("caller", asked, conversation))
            await self._threads.remember(conversation, _turn("secretary", answered, conversation, by))
        except SecretaryError as error:
            log.warning("the turns of a written conversation were not stored", problem=str(error))


def _turn(
    role: Literal["caller", "secretary"], text: str, conversation: Conversation, by: AnsweredBy | None = None
) -> Turn:
    return Turn(
        index=0,
        role=role,
        intended=text,
        heard=text,
        language=conversation.language,
        start=0.0,
        end=0.0,
        source=by.source if by else "typed",
        detail=by.detail if by else "",
        score=by.score if by else None,
        persona=conversation.persona.slug if by else "",
        persona_version=conversation.persona.version if by else 0,
        model=by.model if by else "",
        tokens_in=by.tokens_in if by else 0,
        tokens_out=by.tokens_out if by else 0,
    )
