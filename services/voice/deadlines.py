"""Everything in a call that happens because time has passed."""

from collections.abc import Callable
from enum import Enum, auto

from services.voice.answering import Answering
from services.voice.digits import DigitCollector
from services.voice.hearing.listener import Listener
from services.voice.overlap import Overlap
from services.voice.patience import Patience
from services.voice.settings import VoiceSettings
from services.voice.speaking.replies import Replies

_FILLERS_APART = 2.5  # times `filler_after` lie between two fillers of one wait
_WORDLESS = 6.0  # seconds of sound without a word that are no speech
_JUST_BEGUN = 0.4  # seconds a reply gets to be heard without a filler before it, however long the caller waits


class Due(Enum):
    """What it is time for, in the order of weight."""

    TIME_IS_UP = auto()  # the call has lasted as long as it may
    LEAVING = auto()  # the goodbye was said, and no word came of what was heard
    OVERLAP = auto()  # look again at the caller's voice over the secretary's
    PUT_OFF = auto()  # an answer has waited for the caller to go on
    DIGITS = auto()  # a pause ends the keyed number
    NO_ANSWER = auto()  # the answer takes so long that something must be wrong
    FILLER = auto()  # bridge the wait for an answer
    SILENCE = auto()  # nobody has said anything for a while


class Deadlines:
    """Knows the next second of the clock at which something is due, and what it is then."""

    def __init__(
        self,
        settings: VoiceSettings,
        patience: Patience,
        digits: DigitCollector,
        listener: Listener,
        replies: Replies,
        overlap: Overlap,
        answering: Answering,
    ) -> None:
        self._settings = settings
        self._digits = digits
        self._listener = listener
        self._replies = replies
        self._overlap = overlap
        self._patience = patience
        self._wait_began: float | None = None
        self._fillers = 0
        self._all: tuple[tuple[Due, Callable[[], float | None]], ...] = (
            (Due.TIME_IS_UP, lambda: patience.time_is_up(busy=self._busy)),
            (Due.LEAVING, patience.leaves_at),
            (Due.OVERLAP, lambda: overlap.deadline),
            (Due.PUT_OFF, lambda: answering.put_off_until),
            (Due.DIGITS, lambda: digits.deadline),
            (Due.NO_ANSWER, self._no_answer),
            (Due.FILLER, self._filler),
            (Due.SILENCE, self._silence),
        )

    def next(self) -> float:
        """Return when something is due next, in the clock's seconds."""
        return min(at for _, when in self._all if (at := when()) is not None)

    @property
    def time_is_up(self) -> float:
        """When a call is over in which we have no more part."""
        return self._patience.time_is_up(busy=False)

    def due(self, now: float) -> Due | None:
        """Return what is due at `now`, None when it has been settled meanwhile."""
        found = next((due for due, when in self._all if (at := when()) is not None and at <= now), None)
        if found is Due.FILLER:
            self._fillers += 1
        return found

    @property
    def _busy(self) -> bool:
        return self._at_work or self._listener.hears_speech or self._replies.speaking

    @property
    def _at_work(self) -> bool:
        """True while something is under way whose end will be told; that a mere filler has ended, nobody tells."""
        return self._replies.under_way or self._listener.thinking or self._digits.deadline is not None

    def _silence(self) -> float | None:
        """Sound without a word (a television) is silence, too, after a while."""
        if self._at_work:
            return None
        wordless = self._listener.wordless_since
        if wordless is not None:
            return max(self._patience.silence(), wordless + _WORDLESS)
        return None if self._listener.hears_speech else self._patience.silence()

    def _no_answer(self) -> float | None:
        """The same patience for an answer that does not begin and for one that falls silent in the middle."""
        since = self._replies.waiting_since or self._replies.stalled_since
        return None if since is None or self._overlap.holds else since + self._settings.answer_timeout

    def _filler(self) -> float | None:
        """The wait counts from the end of the caller's speech, be it the ears or the secretary that is slow."""
        if self._replies.speaking or self._listener.hears_speech or self._overlap.holds:
            return None
        since = self._replies.waiting_since
        if since is None:
            since = self._listener.waiting_since
        if since is None:
            return None
        if since != self._wait_began:
            self._wait_began, self._fillers = since, 0
        due = since + self._settings.filler_after * (1 + _FILLERS_APART * self._fillers)
        return max(due, self._replies.begun_at + _JUST_BEGUN)
