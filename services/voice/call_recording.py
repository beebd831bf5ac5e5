"""The sound of one call on its way to the disk: kept from the answer, or from the end of a notice on."""

from collections.abc import Callable, Sequence
from pathlib import Path

from services.audio.frame import Frame
from services.audio.recording import StereoRecorder
from services.dialogue.shapes import KeepAudio
from services.errors import SecretaryError
from services.events import CallEventType
from services.voice.desk import Desk
from services.voice.journal import CallJournal
from services.voice.line import AudioLine

_SOUND_PATIENCE = 3.0  # seconds: what is late is noted behind the call's back
_UNHEARD = 0.1  # seconds that a frame may still be on its way to the ear when the line has handed it on


class CallRecording:
    """Both sides of a call, laid by their positions since the answer.

    With `notice` nothing is kept before the caller has heard it to its end: until then the recording, if there will be
    one, is silence on both sides. `keep` False keeps only the sound of taken messages. It is announced in the journal
    while it begins: a crash then leaves a recording that is found. `caller` takes the caller's frames.
    """

    def __init__(self, desk: Desk, line: AudioLine, journal: CallJournal, *, keep: bool, notice: bool) -> None:
        now = desk.clock.now()
        self._desk = desk
        self._line = line
        self._journal = journal
        self._keep = keep
        self._notice = notice
        self._path = Path("recordings") / f"{now:%Y}" / f"{now:%m}" / f"{journal.call_id}.ogg"
        self._recorder = StereoRecorder(desk.data_dir / self._path, line.rate)
        self._notice_ends: int | None = None  # in samples of the line's count of what was played
        self._from: int | None = None  # the position since the answer from which on everything is kept
        self._announced = False
        self.caller: Callable[[Frame], None] = self._caller_behind_notice if notice else self._recorder.caller

    def begin(self) -> None:
        """The call has been answered."""
        if self._notice:
            self._line.tap(self._secretary_behind_notice)
        else:
            self._announce()
            self._line.tap(self._recorder.secretary)

    def notice_sent(self, position: int) -> None:
        """The notice is on the line, and over when so many samples have been played. Only the first notice counts."""
        if self._notice_ends is None:
            self._notice_ends = position

    async def file(self, sounds: Sequence[KeepAudio]) -> None:
        """Seal the recording, cut the sounds of taken messages out of it, and forget it where none is kept."""
        try:
            await self._recorder.seal()
            if self._recorder.failed:
                self._degraded("recording", self._recorder.failed)
            if self._from is not None or not self._notice:
                await self._cut_out(sounds)
            if not self._keep:
                (self._desk.data_dir / self._path).unlink(missing_ok=True)
        finally:
            if self._announced and not self._recorder.seconds:
                self._journal.record(CallEventType.RECORDED, {"path": ""})  # what was announced does not exist

    async def _cut_out(self, sounds: Sequence[KeepAudio]) -> None:
        desk, journal = self._desk, self._journal
        for number, sound in enumerate(_newest(sounds), start=1):
            path = self._path.with_name(f"{journal.call_id}.message-{number}.ogg")
            try:
                await self._recorder.cut_caller(sound.spans, desk.data_dir / path)
                noting = desk.sounds.set_audio(journal.company_id, sound.message_id, path.as_posix())
                await desk.errands.within(_SOUND_PATIENCE, noting)
                journal.record(CallEventType.MESSAGE, {"message_id": sound.message_id})
            except SecretaryError as error:
                self._degraded("message sound", error.message)

    def _secretary_behind_notice(self, frame: Frame) -> None:
        if self._from is None:
            if self._notice_ends is None or self._line.played < self._notice_ends:
                return
            self._from = frame.end + round(_UNHEARD * frame.rate)
            self._announce()
        if frame.position >= self._from:
            self._recorder.secretary(frame)

    def _caller_behind_notice(self, frame: Frame) -> None:
        if self._from is not None and frame.position >= self._from:
            self._recorder.caller(frame)

    def _announce(self) -> None:
        if self._keep:
            self._announced = True
            self._journal.record(CallEventType.RECORDED, {"path": self._path.as_posix()})

    def _degraded(self, part: str, detail: str) -> None:
        self._journal.record(CallEventType.DEGRADED, {"part": part, "detail": detail})


def _newest(keep: Sequence[KeepAudio]) -> list[KeepAudio]:
    """Of several wishes for the same message only the last counts: it has all the spans, or none if taken back."""
    return [sound for sound in {sound.message_id: sound for sound in keep}.values() if sound.spans]
