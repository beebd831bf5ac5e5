"""The other side of a call of ours: when to begin to speak to them, and what to do where nobody is there.

    waiting --hello, or silence--> opened ----------------------> a person, as on any call
       |                             |                              ^
       +---- a machine's words, or a beep after a monologue         | "hello?"
                     v                                              |
                  machine --beep, or silence--> leaving a message --+

While it waits the conversation does nothing of its own: nobody is answered who has not been told who calls.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from enum import Enum, auto

import structlog

from services.dialogue.shapes import AnsweredBy, ReplyEvent, ReplyText
from services.voice.answering import Answering
from services.voice.call import Call
from services.voice.calling.guess import Guess, Taken
from services.voice.hearing.beep import Beep
from services.voice.hearing.listener import Heard, InterimHeard, Listener, Onset, Pausing, SpeechSustained, TurnEnded
from services.voice.inbox import InboxEvent
from services.voice.line import Digit, TypedText
from services.voice.patience import Patience
from services.voice.speaking.replies import Replies, ReplyDone
from services.voice.turns import TurnBook
from services.voice.utterances import is_noise

_SILENT = 1.2  # seconds after which somebody who has taken the call and says nothing is spoken to
_CLICK = 0.12  # seconds of sound that are no hello
_SHORT = 2.0  # seconds of a "hello?" that is answered before its words are known
_PAUSE = 0.4  # seconds of silence that end a hello where there are no ears to tell
_LOOK_AGAIN = 0.1
_BEEP_DUE = 1.5  # seconds of silence after which a machine that has not beeped is taken to be listening
_WORDLESS = 4.0  # seconds of a noise that is no speech: somebody may be behind it
_LATE_BEEP = 3.0  # seconds into the message, which is then begun anew
_MONOLOGUE = 15.0  # seconds that no person talks to somebody who says nothing
_LONGEST_WAIT = 45.0  # seconds from the answer, after which a machine that goes on is spoken over
_WATCH = 20.0  # seconds from the answer in which a person may still turn out to be a machine

log = structlog.get_logger()


class _State(Enum):
    WAITING = auto()
    OPENED = auto()
    MACHINE = auto()
    LEAVING = auto()
    PERSON = auto()


class Callee:
    """Takes the events of a call of ours until it is known who is there; all of them while it is `waiting`."""

    def __init__(
        self,
        call: Call,
        turns: TurnBook,
        listener: Listener,
        replies: Replies,
        answering: Answering,
        patience: Patience,
        hang_up: Callable[[str], Awaitable[None]],
    ) -> None:
        self._call = call
        self._turns = turns
        self._listener = listener
        self._replies = replies
        self._answering = answering
        self._patience = patience
        self._hang_up = hang_up
        self._guess = Guess(call.clock)
        self._state = _State.WAITING
        self._answered_at = turns.answered_at
        self._deadline = turns.answered_at + _SILENT
        self._quiet_since = turns.answered_at
        self._opened_at = 0.0
        self._spoke_long = False
        self._paused = False  # after a hello that no ears will tell the words of

    @property
    def outcome(self) -> str:
        """What the call came to: answered, voicemail, or no_answer where only the network has spoken."""
        if self._state not in (_State.MACHINE, _State.LEAVING):
            return "answered"
        return "no_answer" if self._guess.taken is Taken.ANNOUNCEMENT else "voicemail"

    def until(self, otherwise: float) -> float:
        """Return when something is due; `otherwise` where the conversation's own deadlines hold."""
        return self._deadline if self._state in (_State.WAITING, _State.MACHINE) else otherwise

    async def takes(self, event: InboxEvent | None) -> bool:
        """Take an event; False when the conversation is to handle it as on any call."""
        self._guess.follow(event)
        match self._state:
            case _State.WAITING:
                return await self._waiting(event)
            case _State.OPENED:
                return await self._opened(event)
            case _State.MACHINE:
                return await self._machine(event)
            case _State.LEAVING:
                return await self._leaving(event)
            case _State.PERSON:
                return False

    # -- before the first word --------------------------------------------------------------------------------------

    async def _waiting(self, event: InboxEvent | None) -> bool:
        match event:
            case None:
                await self._look()
            case Beep():
                await self._tone(event)
            case Heard():
                await self._first_words(event)
            case Digit() | TypedText():
                await self._open()
                return False
            case Onset() | SpeechSustained() | InterimHeard() | Pausing() | TurnEnded():
                await self._hello(event)
            case _:
                return False
        return True

    async def _look(self) -> None:
        """Nobody has finished a word yet."""
        now, listener = self._now, self._listener
        self._deadline = now + _LOOK_AGAIN
        wordless = listener.wordless_since is not None and now - listener.wordless_since > _WORDLESS
        if now - self._answered_at > _MONOLOGUE and listener.hears_speech and not wordless:
            self._guess.taken = Taken.MAILBOX
            self._to_machine()
        elif wordless or self._paused or not (listener.hears_speech or listener.voice_now or listener.thinking):
            await self._open()

    async def _tone(self, beep: Beep) -> None:
        if beep.unobtainable:
            self._guess.taken = Taken.ANNOUNCEMENT
            self._to_machine()
        elif self._spoke_long or self._guess.talks_on:
            await self._leave_message()
        else:
            self._deadline = self._now + _SILENT  # whatever it is, it is not silence

    async def _hello(self, event: Onset | SpeechSustained | InterimHeard | Pausing | TurnEnded) -> None:
        """Somebody, or something, is speaking."""
        self._paused = False
        match event:
            case InterimHeard(text):
                self._turns.caller_says(text)
                self._weigh(text)
            case TurnEnded(seconds):
                self._spoke_long = seconds > _SHORT
                if _CLICK < seconds <= _SHORT:
                    await self._open()
            case Pausing() if not self._listener.has_ears and not self._guess.talks_on:
                self._paused, self._deadline = True, self._now + _PAUSE
            case _:
                pass

    async def _first_words(self, heard: Heard) -> None:
        if heard.by_ears and is_noise(heard.utterance):
            return
        self._turns.caller_spoke(heard)
        self._turns.unanswered(heard.utterance)
        self._weigh(heard.utterance.text)
        if self._guess.is_machine or self._state is not _State.WAITING:
            return
        if self._guess.talks_on and not heard.utterance.understood:  # a machine in another tongue would beep now
            self._deadline = self._now + _BEEP_DUE
        else:
            await self._open()

    async def _open(self) -> None:
        """Somebody is there: say who calls."""
        self._state, self._opened_at = _State.OPENED, self._now
        self._replies.speak(self._call.secretary.greet(self._call.conversation))

    # -- behind the opening -----------------------------------------------------------------------------------------

    async def _opened(self, event: InboxEvent | None) -> bool:
        if self._now - self._answered_at > _WATCH:
            self._state = _State.PERSON
            return False
        match event:
            case Beep():
                if self._guess.talks_on and self._now - self._opened_at < _BEEP_DUE:
                    await self._answering.silence("caller")
                    await self._leave_message()
            case Heard() if event.speech_end <= self._opened_at:  # the hello that the opening answers
                self._turns.caller_spoke(event)
                self._turns.unanswered(event.utterance)
                self._weigh(event.utterance.text)
            case Heard() if self._weigh(event.utterance.text):
                self._turns.caller_spoke(event)
            case InterimHeard(text) if self._weigh(text):
                self._turns.caller_says(text)
            case _:
                return False
        if self._state is _State.MACHINE:
            await self._answering.silence("caller")
        return True

    # -- a machine --------------------------------------------------------------------------------------------------

    async def _machine(self, event: InboxEvent | None) -> bool:
        match event:
            case None:
                await self._look_for_silence()
            case Beep():
                if self._guess.taken is Taken.MAILBOX:
                    await self._leave_message()
            case Heard():
                self._turns.caller_spoke(event)
                if self._guess.is_person(event.utterance.text):
                    self._guess.taken = Taken.PERSON
                    await self._open()
                else:
                    self._guess.hear(event.utterance.text)
            case InterimHeard(text):
                self._turns.caller_says(text)
                self._guess.hear(text)
            case Onset() | SpeechSustained() | Pausing() | TurnEnded() | Digit() | TypedText():
                pass
            case _:
                return False
        return True

    async def _look_for_silence(self) -> None:
        now, listener = self._now, self._listener
        self._deadline = now + _LOOK_AGAIN
        if listener.voice_now:
            self._quiet_since = now
        over = now - self._answered_at > _LONGEST_WAIT
        if not over and (listener.thinking or now - self._quiet_since < _BEEP_DUE):
            return
        if self._guess.taken is Taken.ANNOUNCEMENT:
            await self._hang_up("announcement")
        else:
            await self._leave_message()

    async def _leave_message(self) -> None:
        """Say the opening to the machine, all of it; a person who answers it is talked to."""
        self._guess.taken = Taken.MAILBOX
        log.info("a machine has taken the call", call=self._call.journal.call_id)
        self._state, self._opened_at = _State.LEAVING, self._now
        self._replies.speak(_message(self._call.secretary.opening(self._call.conversation)))

    async def _leaving(self, event: InboxEvent | None) -> bool:
        match event:
            case Beep() if self._now - self._opened_at < _LATE_BEEP:  # what was said before it is not on the tape
                await self._answering.silence("caller")
                await self._leave_message()
            case ReplyDone() if event.error is None:
                self._patience.leave("voicemail", self._now)
                return False
            case ReplyDone():
                await self._hang_up("failure")
            case Heard() if event.speech_end <= self._opened_at:  # said before the beep, understood behind it
                self._turns.caller_spoke(event)
            case Heard() if event.utterance.understood:
                self._guess.taken = Taken.PERSON
                self._guess.hear(event.utterance.text)
                if not self._guess.is_machine:
                    self._state = _State.PERSON
                    return False
                self._turns.caller_spoke(event)
            case InterimHeard(text):
                self._turns.caller_says(text)
                self._patience.words(self._now)
            case Onset() | SpeechSustained() | Pausing() | Beep() | Heard():
                pass
            case _:
                return False
        return True

    # -- all of them ------------------------------------------------------------------------------------------------

    @property
    def _now(self) -> float:
        return self._call.clock.monotonic()

    def _weigh(self, text: str) -> bool:
        """Take in words; True when they are a machine's."""
        self._guess.hear(text)
        if self._guess.is_machine:
            self._to_machine()
        return self._guess.is_machine

    def _to_machine(self) -> None:
        self._state, self._deadline, self._quiet_since = _State.MACHINE, self._now + _LOOK_AGAIN, self._now


async def _message(text: str) -> AsyncGenerator[ReplyEvent, None]:
    yield AnsweredBy("greeting", "voicemail")
    yield ReplyText(text)
