"""Takes calls: every line that rings, from the first event to the sealed recording."""

import uuid
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import structlog

from services.audio.recording import StereoRecorder
from services.clock import Clock
from services.dialogue.shapes import Conversation, KeepAudio
from services.errors import LineError, SecretaryError
from services.events import CallEventType
from services.voice.call import Call
from services.voice.conversation import VoiceConversation
from services.voice.desk import Desk
from services.voice.journal import CallJournal
from services.voice.line import AudioLine, Capability, LineInfo
from services.voice.preparation import Preparation
from services.voice.warming import warm

_SOUND_PATIENCE = 3.0  # seconds: what is late is noted behind the call's back

log = structlog.get_logger()


class Reception:
    """Answers lines. One instance serves all channels; each call is independent of the others."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._preparation = Preparation(desk)

    async def take(self, line: AudioLine) -> str:
        """Answer `line`, hold the conversation until it closes, store everything; return the call's id.

        Raises SecretaryError, and takes no call, when there is no such company, persona or voice.
        """
        desk, info = self._desk, line.info
        conversation, trouble = await self._preparation.conversation(line)
        recording = _recording_path(desk, conversation.call_id)
        recorder = StereoRecorder(desk.data_dir / recording, line.rate)
        journal = CallJournal(info.company_id, conversation.call_id, desk.calls, desk.bus, desk.clock, desk.errands)
        journal.record(CallEventType.STARTED, _started(info, conversation, desk.clock))
        if trouble:
            journal.record(CallEventType.DEGRADED, {"part": "database", "detail": trouble})
        outcome, reason = "failed", "failure"
        answered: float | None = None
        talk: VoiceConversation | None = None
        keep: Sequence[KeepAudio] = ()
        try:
            talk = await self._talk(line, conversation, journal, recorder)
            keep = talk.keep
            await line.answer()
            answered = desk.clock.monotonic()
            journal.record(CallEventType.ANSWERED)
            if desk.settings.record:  # named while it begins: a crash then leaves a recording that is found
                journal.record(CallEventType.RECORDED, {"path": recording.as_posix()})
            line.tap(recorder.secretary)
            reason, outcome = await talk.run(), "answered"
        except LineError as error:
            if answered is None:
                outcome, reason = "missed", "not_answered"
            log.info("the call was gone", call=conversation.call_id, error=str(error))
        finally:
            closed = (talk.closed_at if talk else None) or desk.clock.monotonic()
            seconds = 0.0 if answered is None else round(closed - answered, 2)
            try:
                await self._wrap_up(line, journal, recorder, recording, keep)
            finally:
                if answered is not None and desk.settings.record and not recorder.seconds:
                    journal.record(CallEventType.RECORDED, {"path": ""})  # what was announced does not exist
                end = {"outcome": outcome, "reason": reason, "seconds": seconds, "stats": {}}
                journal.record(CallEventType.ENDED, end)
                await journal.close()
        return conversation.call_id

    async def missed(self, info: LineInfo) -> str:
        """Note a call that ended before it was answered; return its id."""
        desk, call_id = self._desk, uuid.uuid4().hex
        journal = CallJournal(info.company_id, call_id, desk.calls, desk.bus, desk.clock, desk.errands)
        journal.record(CallEventType.STARTED, _started(info, None, desk.clock))
        journal.record(
            CallEventType.ENDED, {"outcome": "missed", "reason": "caller_hangup", "seconds": 0.0, "stats": {}}
        )
        await journal.close()
        return call_id

    async def warm(self, info: LineInfo, rate: int, capabilities: frozenset[Capability]) -> None:
        """Have ready what callers of such a line hear: who answers is read, and what is likely to be said spoken ahead.

        The speaking goes on in the background when this returns. Nothing is raised: what fails costs the first callers
        a moment.
        """
        try:
            await warm(self._desk, self._preparation, info, rate, capabilities)
        except SecretaryError as error:
            log.warning("nothing could be spoken ahead", line=info.line, error=str(error))

    async def _talk(
        self, line: AudioLine, conversation: Conversation, journal: CallJournal, recorder: StereoRecorder
    ) -> VoiceConversation:
        desk = self._desk
        call = Call(
            line,
            conversation,
            desk.secretary,
            desk.mouth,
            journal,
            desk.settings,
            desk.clock,
            await self._preparation.tongues(conversation),
        )
        return VoiceConversation(call, partial(desk.listener, call), recorder.caller)

    async def _wrap_up(
        self,
        line: AudioLine,
        journal: CallJournal,
        recorder: StereoRecorder,
        recording: Path,
        keep: Sequence[KeepAudio],
    ) -> None:
        """End the line and file the sounds; what fails costs itself only, the call is stored all the same."""
        try:
            await line.hangup()
        except LineError as error:
            log.warning("the line could not be ended", call=journal.call_id, error=str(error))
        try:
            await self._file(journal, recorder, recording, keep)
        except Exception as error:
            log.exception("the recording could not be filed", call=journal.call_id)
            journal.record(CallEventType.DEGRADED, {"part": "recording", "detail": str(error)})

    async def _file(
        self, journal: CallJournal, recorder: StereoRecorder, recording: Path, keep: Sequence[KeepAudio]
    ) -> None:
        """Seal the recording, cut the sounds of taken messages out of it, and forget it where recording is off."""
        desk = self._desk
        await recorder.seal()
        if recorder.failed:
            journal.record(CallEventType.DEGRADED, {"part": "recording", "detail": recorder.failed})
        for number, sound in enumerate(_newest(keep), start=1):
            path = recording.with_name(f"{journal.call_id}.message-{number}.ogg")
            try:
                await recorder.cut_caller(sound.spans, desk.data_dir / path)
                noting = desk.sounds.set_audio(journal.company_id, sound.message_id, path.as_posix())
                await desk.errands.within(_SOUND_PATIENCE, noting)
                journal.record(CallEventType.MESSAGE, {"message_id": sound.message_id})
            except SecretaryError as error:
                journal.record(CallEventType.DEGRADED, {"part": "message sound", "detail": error.message})
        if not desk.settings.record:
            (desk.data_dir / recording).unlink(missing_ok=True)


def _newest(keep: Sequence[KeepAudio]) -> list[KeepAudio]:
    """Of several wishes for the same message only the last counts: it has all the spans, or none if taken back."""
    return [sound for sound in {sound.message_id: sound for sound in keep}.values() if sound.spans]


def _recording_path(desk: Desk, call_id: str) -> Path:
    now = desk.clock.now()
    return Path("recordings") / f"{now:%Y}" / f"{now:%m}" / f"{call_id}.ogg"


def _started(info: LineInfo, conversation: Conversation | None, clock: Clock) -> dict[str, str]:
    return {
        "channel": info.channel,
        "direction": info.direction,
        "number": info.number,
        "line": info.line,
        "language": conversation.language if conversation else info.language,
        "persona": conversation.persona.slug if conversation else info.persona,
        "conversation_id": conversation.id if conversation else "",
        "started_at": clock.now().isoformat(),
    }
