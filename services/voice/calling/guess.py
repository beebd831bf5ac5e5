"""Who has taken a call of ours: a person, a mailbox, or the network's own announcement. A guess, by words and pace.

People say a word or two and wait; machines talk on. To talk to a machine as to a person costs a minute, to leave a
person with a machine's message is rude: so nothing but words that hardly anybody says, or a beep after a long
monologue, makes a machine.
"""

import tomllib
from enum import Enum, auto
from functools import cache
from importlib.resources import files

from services.clock import Clock
from services.voice.endpointing.wording import Phrases, without_repeats, words_of
from services.voice.hearing.listener import Onset, Pausing, SpeechSustained, TurnEnded

LONG_BREATH = 4.0  # seconds of speech without a pause worth the name: machines read out, people wait
_PAUSE = 0.4  # seconds of silence that end such a breath
_FEW = 4  # words
_LANGUAGES = ("en", "ru")  # a network speaks its own, whatever the call is in


class Taken(Enum):
    """Who seems to be there."""

    PERSON = auto()
    MAILBOX = auto()
    ANNOUNCEMENT = auto()


class MachineWords:
    """The words of every language that tell machines from people."""

    def __init__(self) -> None:
        lists = [tomllib.loads((_FOLDER / f"{each}.toml").read_text("utf-8")) for each in _LANGUAGES]
        self._kinds = {kind: Phrases([one for each in lists for one in each[kind]]) for kind in lists[0]}

    def has(self, kind: str, text: str) -> bool:
        """Tell whether a phrase of this kind (mailbox, announcement, the weak ones, person) is in `text`."""
        return self._kinds[kind].inside(words_of(text)) > 0

    def is_hello(self, text: str) -> bool:
        """Tell whether `text` is nothing but a person's first words."""
        words = without_repeats(words_of(text))
        return 0 < len(words) <= _FEW and self._kinds["hello"].fill(words)


_FOLDER = files("services.voice.calling") / "machine_words"


@cache
def machine_words() -> MachineWords:
    """Return the words, read once."""
    return MachineWords()


class Guess:
    """What the other side's words and pauses say so far; `taken` is a person until there is a reason against it."""

    def __init__(self, clock: Clock) -> None:
        self.taken = Taken.PERSON
        self._clock = clock
        self._words = machine_words()
        self._began: float | None = None  # of the breath under way, or the latest
        self._rests_since: float | None = None
        self._longest = 0.0

    @property
    def is_machine(self) -> bool:
        """True once it is more likely a machine than a person."""
        return self.taken is not Taken.PERSON

    @property
    def talks_on(self) -> bool:
        """True when somebody has talked as long in one breath as machines do."""
        return max(self._longest, self._breath()) >= LONG_BREATH

    def voice(self) -> None:
        """A voice has begun, or goes on after a pause."""
        now = self._clock.monotonic()
        if self._began is None or (self._rests_since is not None and now - self._rests_since > _PAUSE):
            self._longest = max(self._longest, self._breath())
            self._began = now
        self._rests_since = None

    def pause(self) -> None:
        """The voice rests."""
        self._rests_since = self._rests_since or self._clock.monotonic()

    def follow(self, event: object) -> None:
        """Take note of what the listener tells of the voice."""
        match event:
            case Onset() | SpeechSustained():
                self.voice()
            case Pausing() | TurnEnded():
                self.pause()
            case _:
                pass

    def hear(self, text: str) -> None:
        """Weigh the words of a turn so far, or all of them."""
        if self._words.has("person", text):
            self.taken = Taken.PERSON
        elif self._words.has("mailbox", text):
            self.taken = Taken.MAILBOX
        elif self.taken is not Taken.MAILBOX and self._words.has("announcement", text):
            self.taken = Taken.ANNOUNCEMENT
        elif not self.is_machine and self.talks_on:
            if self._words.has("weak_announcement", text):
                self.taken = Taken.ANNOUNCEMENT
            elif self._words.has("weak", text):
                self.taken = Taken.MAILBOX

    def is_person(self, text: str) -> bool:
        """Tell whether these words can hardly be a machine's, whatever was thought before."""
        return self._words.has("person", text) or self._words.is_hello(text)

    def _breath(self) -> float:
        if self._began is None:
            return 0.0
        return (self._rests_since or self._clock.monotonic()) - self._began
