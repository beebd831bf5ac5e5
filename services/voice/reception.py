"""Takes calls: every line that rings or is to call, from the first event to the sealed recording."""

import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import structlog

from services.clock import Clock
from services.dialogue.notice import notice_of
from services.dialogue.shapes import Conversation
from services.domain import CallTerms
from services.errors import LineError, NotTakenError, SecretaryError
from services.events import CallEventType
from services.voice.call import Call
from services.voice.call_recording import CallRecording
from services.voice.conversation import VoiceConversation
from services.voice.desk import Desk
from services.voice.directory import LiveCall
from services.voice.journal import CallJournal
from services.voice.line import AudioLine, Capability, LineInfo
from services.voice.preparation import Preparation
from services.voice.settings import VoiceSettings
from services.voice.speaking.ahead import opening_ahead
from services.voice.warming import warm

_FIRST_STORED = 0.3
"""What an answer waits at most for the call to be on the disk: a process that dies then has not lost it."""

log = structlog.get_logger()


class Reception:
    """Takes lines, on their terms. One instance serves all channels; each call is independent of the others."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._preparation = Preparation(desk)

    async def take(self, line: AudioLine) -> str:
        """Answer `line` (or let it call), hold the conversation until it closes, store all; return the call's id.

        The call is in the desk's directory meanwhile, also while it is being placed. Raises SecretaryError, and takes
        no call, when there is no such company, persona or voice; a known company's call is stored as failed then.
        """
        desk, info = self._desk, line.info
        try:
            conversation, trouble = await self._preparation.conversation(line)
        except SecretaryError as error:
            if await self._preparation.knows(info.company_id):
                await self._came_to_nothing(info, "failed", str(error))
            raise
        journal = self._journal(info, conversation.call_id)
        journal.record(CallEventType.STARTED, _started(info, conversation, desk.clock))
        if trouble:
            journal.record(CallEventType.DEGRADED, {"part": "database", "detail": trouble})
        call = LiveCall(info.company_id, conversation.call_id, line, desk.clock.now())
        with desk.directory.on_line(call), structlog.contextvars.bound_contextvars(call=call.call_id):
            await self._hold(line, conversation, journal)
        return conversation.call_id

    async def missed(self, info: LineInfo) -> str:
        """Note a call that ended before it was answered; return its id."""
        return await self._came_to_nothing(info, "missed", "caller_hangup")

    async def rejected(self, info: LineInfo, reason: str) -> str:
        """Note a call that was not let through (`reason`: blocked, not_allowed, closed, too_many); return its id."""
        return await self._came_to_nothing(info, "rejected", reason)

    async def not_placed(self, info: LineInfo, outcome: str, reason: str) -> str:
        """Note an outgoing call that no line was found for, or that the line could not begin; return its id."""
        return await self._came_to_nothing(info, outcome, reason)

    @asynccontextmanager
    async def noted(self, line: AudioLine) -> AsyncIterator[Callable[[], None]]:
        """Store a call in which nobody of ours talks (a colleague's, joined to a caller's) while the context lasts.

        Gives what is to be called when it is answered. A LineError that leaves the context before says what became of
        the call. It is in the desk's directory like any other.
        """
        desk, info = self._desk, line.info
        call_id = info.call_id or uuid.uuid4().hex
        journal = self._journal(info, call_id)
        journal.record(CallEventType.STARTED, _started(info, None, desk.clock))
        answered: list[float] = []

        def note_answer() -> None:
            answered.append(desk.clock.monotonic())
            journal.record(CallEventType.ANSWERED)

        outcome, reason = "cancelled", "own_hangup"
        try:
            with desk.directory.on_line(LiveCall(info.company_id, call_id, line, desk.clock.now())):
                yield note_answer
        except LineError as error:
            outcome, reason = _not_taken(info, error)
            raise
        finally:
            if answered:
                _end(journal, "answered", "joined", round(desk.clock.monotonic() - answered[0], 2))
            else:
                _end(journal, outcome, reason, 0.0)
            await journal.close()

    async def warm(self, info: LineInfo, rate: int, capabilities: frozenset[Capability]) -> None:
        """Have ready what callers of such a line hear: who answers is read, and what is likely to be said spoken ahead.

        The speaking goes on in the background when this returns. Nothing is raised: what fails costs the first callers
        a moment.
        """
        try:
            await warm(self._desk, self._preparation, info, rate, capabilities)
        except SecretaryError as error:
            log.warning("nothing could be spoken ahead", line=info.line, error=str(error))

    async def _hold(self, line: AudioLine, conversation: Conversation, journal: CallJournal) -> None:
        desk = self._desk
        settings = _on_terms(desk.settings, line.info.terms)
        notice = bool(notice_of(conversation))
        recording = CallRecording(desk, line, journal, keep=settings.record, notice=notice)
        outcome, reason = "failed", "failure"
        answered: float | None = None
        talk: VoiceConversation | None = None
        try:
            call = await self._call(line, conversation, journal, settings, recording)
            async with opening_ahead(call):
                talk = VoiceConversation(call, partial(desk.listener, call), recording.caller)
                await journal.begun(_FIRST_STORED)  # whatever happens from now on, the call is known
                await line.answer()
                answered = desk.clock.monotonic()
                journal.record(CallEventType.ANSWERED)
                recording.begin()
                reason = await talk.run()
                outcome = talk.outcome
        except LineError as error:
            if answered is None:
                outcome, reason = _not_taken(line.info, error)
            log.info("nobody is on the line", call=conversation.call_id, outcome=outcome, error=str(error))
        finally:
            closed = (talk.closed_at if talk else None) or desk.clock.monotonic()
            seconds = 0.0 if answered is None else round(closed - answered, 2)
            try:
                await self._wrap_up(line, journal, recording, talk)
            finally:
                _end(journal, outcome, reason, seconds)
                await journal.close()

    async def _call(
        self,
        line: AudioLine,
        conversation: Conversation,
        journal: CallJournal,
        settings: VoiceSettings,
        recording: CallRecording,
    ) -> Call:
        desk, personas = self._desk, await self._preparation.menu_personas(conversation)
        conversation.menu = tuple(
            item for item in conversation.menu if item.action != "persona" or item.value in personas
        )
        return Call(
            line,
            conversation,
            desk.secretary,
            desk.mouth,
            journal,
            settings,
            desk.clock,
            await self._preparation.tongues(conversation),
            personas,
            recording.notice_sent,
        )

    async def _wrap_up(
        self, line: AudioLine, journal: CallJournal, recording: CallRecording, talk: VoiceConversation | None
    ) -> None:
        """End the line and file the sounds; what fails costs itself only, the call is stored all the same."""
        try:
            await line.hangup()
        except LineError as error:
            log.warning("the line could not be ended", call=journal.call_id, error=str(error))
        try:
            await recording.file(talk.keep if talk else ())
        except Exception as error:
            log.exception("the recording could not be filed", call=journal.call_id)
            journal.record(CallEventType.DEGRADED, {"part": "recording", "detail": str(error)})

    def _journal(self, info: LineInfo, call_id: str) -> CallJournal:
        desk = self._desk
        return CallJournal(info.company_id, call_id, desk.calls, desk.bus, desk.clock, desk.errands)

    async def _came_to_nothing(self, info: LineInfo, outcome: str, reason: str) -> str:
        call_id = info.call_id or uuid.uuid4().hex
        journal = self._journal(info, call_id)
        journal.record(CallEventType.STARTED, _started(info, None, self._desk.clock))
        _end(journal, outcome, reason, 0.0)
        await journal.close()
        return call_id


def _on_terms(settings: VoiceSettings, terms: CallTerms) -> VoiceSettings:
    """Return the settings of this call."""
    wanted = {"max_call": terms.max_seconds, "record": terms.record}
    given = {name: value for name, value in wanted.items() if value is not None}
    return settings.model_copy(update=given) if given else settings


def _not_taken(info: LineInfo, error: LineError) -> tuple[str, str]:
    """Return outcome and reason of a call that never came about."""
    if isinstance(error, NotTakenError):
        return error.outcome, error.message
    return ("failed", "line_lost") if info.direction == "out" else ("missed", "not_answered")


def _started(info: LineInfo, conversation: Conversation | None, clock: Clock) -> Mapping[str, Any]:
    return {
        "channel": info.channel,
        "direction": info.direction,
        "number": info.number,
        "line": info.line,
        "language": conversation.language if conversation else info.language,
        "persona": conversation.persona.slug if conversation else info.persona,
        "conversation_id": conversation.id if conversation else "",
        "purpose": info.terms.purpose,
        "started_at": clock.now().isoformat(),
    }


def _end(journal: CallJournal, outcome: str, reason: str, seconds: float) -> None:
    end = {"outcome": outcome, "reason": reason, "seconds": seconds, "stats": {}}
    journal.record(CallEventType.ENDED, end)
