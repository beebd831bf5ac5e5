"""The caller's voice over the secretary's: lower ours, fall silent, give way, or go on where we were.

    clear --onset--> ducked --sustained--> held --words--> interruption
                       |                     |
                       +----- a cough, an uh-huh, no words: clear again, nothing lost

An answer that is not heard yet is not ducked but held back at the onset: it begins when the noise has passed. A held
line keeps what is queued, so an interruption that was none costs a pause and not the rest of the sentence.
"""

from collections import deque
from enum import Enum, auto

from services.dialogue.shapes import Utterance
from services.voice.backchannel import is_backchannel, is_farewell, means_stop
from services.voice.call import Call
from services.voice.hearing.listener import PRE_ROLL, Heard, Listener
from services.voice.speaking.replies import Replies

_LOOK_AGAIN = 0.2  # seconds after which a voice that was only an onset is looked for again
_BACK = 0.5  # seconds: at most so much is said again after a pause
_ONSET_BEFORE = 0.3  # seconds that an onset may lie before, or behind, the voice that was found of it
_TOUCHES = 8  # onsets that are remembered: more do not lie in the turns whose words are still owed


class _State(Enum):
    CLEAR = auto()
    DUCKED = auto()
    HELD = auto()


class Weight(Enum):
    """What a finished turn over the secretary's speech amounts to."""

    NOTHING = auto()  # an uh-huh: listening, not a turn
    WAITS = auto()  # answered when the secretary has finished
    INTERRUPTS = auto()


class Overlap:
    """Moves the line between clear, ducked and held; tells when the caller has interrupted.

    All times are the clock's seconds. `deadline` is when `on_deadline` wants to be asked.
    """

    def __init__(self, call: Call, replies: Replies, listener: Listener) -> None:
        self._call = call
        self._settings = call.settings
        self._replies = replies
        self._listener = listener
        self._state = _State.CLEAR
        self._since = 0.0
        self._sustained = False
        self._nodding = False
        self._touched: deque[float] = deque(maxlen=_TOUCHES)
        self.is_noise = False  # this stretch of sound has gone on without a word for too long to be a turn
        self.deadline: float | None = None

    def take_for_noise(self) -> None:
        """What is heard now is no turn, until it has paused."""
        self.is_noise = True
        self._touched.append(self._call.clock.monotonic())

    @property
    def holds(self) -> bool:
        """True while the line is held for the caller."""
        return self._state is _State.HELD

    def onset(self) -> None:
        """A voice may have begun."""
        if self._state is not _State.CLEAR or self.is_noise or not self._yields:
            return
        self._since = self._call.clock.monotonic()
        self._touched.append(self._since)
        self._sustained, self._nodding = self._listener.sustained, False
        if self._replies.speaking:
            self._duck()
        else:
            self._hold()
        self.deadline = self._since + _LOOK_AGAIN

    def sustained(self) -> bool:
        """The voice goes on; return True when it is an interruption already."""
        self.onset()
        if self._state is _State.CLEAR:
            return False
        self._sustained = True
        return not self._listener.has_ears or self._judge(self._listener.interim)

    def words(self, text: str) -> bool:
        """The words so far, over the secretary's; return True when they are an interruption."""
        if not text.strip() or not self._yields:
            return False
        if means_stop(text, self._listener.language):
            return True
        if self.is_noise and not is_backchannel(text, self._listener.language):
            return True
        return self._state is not _State.CLEAR and self._sustained and self._judge(text)

    def pausing(self) -> None:
        """The caller is silent again, inside the turn."""
        self.is_noise = False
        if self._state is _State.CLEAR or not self._listener.early_words:
            return
        if not self._listener.interim or self._nodding:
            self.clear()

    def turn_ended(self) -> None:
        """The turn is over: what comes next may be the caller again."""
        if not self._listener.voice_now:
            self.is_noise = False

    def on_deadline(self) -> bool:
        """Look again; return True when the caller has interrupted."""
        now, self.deadline = self._call.clock.monotonic(), None
        if self._state is _State.CLEAR:
            return False
        if not self._listener.voice_now:
            if (
                not self._sustained
                or self._nodding
                or (self._state is _State.HELD and not (self._listener.hears_speech or self._listener.thinking))
            ):
                self.clear()
            else:
                self.deadline = now + _LOOK_AGAIN
            return False
        if not self._sustained:
            self.deadline = now + _LOOK_AGAIN
            return False
        if self._nodding or not self._listener.early_words:
            return self._interrupts()  # too long for an uh-huh; or ears that tell their words only afterwards
        self.is_noise = True
        self.clear()
        return False

    def weigh(self, utterance: Utterance) -> Weight:
        """Judge a finished turn that lies over the secretary's speech, and which did not stop it so far."""
        language = utterance.language
        span = utterance.span
        seconds = span.end - span.start - 2 * PRE_ROLL if span else 0.0
        if not self._replies.interruptible:
            return Weight.WAITS
        if self._replies.parting and is_farewell(utterance.text, language):
            return Weight.NOTHING
        if is_backchannel(utterance.text, language) and seconds <= self._settings.backchannel:
            return Weight.WAITS if self._replies.asks else Weight.NOTHING
        if means_stop(utterance.text, language) or seconds >= self._settings.barge_in:
            return Weight.INTERRUPTS
        return Weight.WAITS

    def was_touched(self, heard: Heard) -> bool:
        """Tell whether a finished turn lies over the secretary's speech; ask once a turn, in their order."""
        span = heard.utterance.span
        began = heard.speech_end - (span.end - span.start - 2 * PRE_ROLL if span else 0.0) - _ONSET_BEFORE
        touches = [self._touched.popleft() for at in list(self._touched) if at <= heard.speech_end + _ONSET_BEFORE]
        return any(at >= began for at in touches)

    def clear(self) -> None:
        """Go on at the full level, from the word that was cut."""
        line, state = self._call.line, self._state
        self._state, self.deadline = _State.CLEAR, None
        if state is _State.HELD:
            line.resume(min(self._replies.since_word(), round(_BACK * line.rate)))
            self._replies.hold(False)
        line.duck(0.0)

    def reset(self) -> None:
        """The line was silenced, or a reply ended: what follows is at the full level."""
        if self._state is not _State.CLEAR:
            self.clear()

    @property
    def _yields(self) -> bool:
        """True while there is a reply that may be ducked or held."""
        replies = self._replies
        return (replies.under_way or replies.speaking) and not replies.on_trial and replies.interruptible

    def _judge(self, text: str) -> bool:
        """Tell whether sustained speech with these words so far is an interruption."""
        if not text.strip():
            self._nodding = False
            self._hold()
            self.deadline = self._since + self._settings.false_interruption
            return False
        farewell = self._replies.parting and is_farewell(text, self._listener.language, so_far=True)
        if not farewell and not is_backchannel(text, self._listener.language):
            return self._interrupts()
        self._nodding = True
        if self._state is _State.HELD and self._replies.speaking:
            self.clear()
            self._duck()
        # An uh-huh is short; people part at any length.
        self.deadline = None if farewell else self._since + self._settings.backchannel
        return False

    def _interrupts(self) -> bool:
        """Give way, unless a passage has begun meanwhile that is heard to its end."""
        if not self._replies.interruptible:
            self.clear()
            return False
        return True

    def _duck(self) -> None:
        self._state = _State.DUCKED
        self._call.line.duck(self._settings.duck_db)

    def _hold(self) -> None:
        if self._state is not _State.HELD:
            self._state = _State.HELD
            self._replies.hold(True)
            self._call.line.pause()
