"""When the caller has finished: a small pluggable policy."""

from dataclasses import dataclass
from typing import Protocol

from services.voice.endpointing.endings import ending_of
from services.voice.endpointing.wording import Ending, wording
from services.voice.settings import VoiceSettings

_TYPICAL_PAUSE = 0.5  # seconds: the long pauses inside the turns of a caller who is neither fast nor slow
_FASTEST, _SLOWEST = 0.75, 1.6  # how far a caller's pace may shorten or lengthen a wait
_TOO_SHORT = 1.0  # seconds of speech: the turn model knows nothing of a single word
_UNDECIDED = 0.5  # the turn model's probability that tells nothing


@dataclass(frozen=True, slots=True)
class TurnSoFar:
    """What is known of a turn while the caller is silent.

    `interim` are the words until now; `ears` tells whether there are any; `spoken` is how long the turn has lasted, in
    seconds, its pauses included; `usual_pause` is how long this caller pauses inside a turn (None: not known yet);
    `over` is the audio turn model's probability that the turn is over (None: not asked, or not answered yet);
    `expects` is what the secretary has just asked for: "" (anything), "yes_no", "number", "name" or "message".
    """

    interim: str
    language: str
    ears: bool
    spoken: float = 0.0
    usual_pause: float | None = None
    over: float | None = None
    expects: str = ""


class EndOfTurnPolicy(Protocol):
    """Decides how long a silence must last to be the end of the caller's turn.

    `wait` is asked at every frame of silence and must return at once. It sees the newest interim transcript, which may
    change between two calls; the turn ends as soon as the silence is at least what the newest answer says.
    """

    def wait(self, turn: TurnSoFar) -> float:
        """Return the silence, in seconds, that ends this turn."""
        ...


class TurnPolicy:
    """Decides by the words, by the tone, by the caller's pace and by what was asked.

    The words give the first answer (endings.py): `end_of_turn_finished` after a whole question, a plain answer or a
    goodbye, `end_of_turn_unfinished` after a word that calls for more, a filler or a number half said, `end_of_turn`
    where they do not tell. A message (`expects`) is told in several sentences: only a goodbye finishes it, and an open
    sentence waits longer, halfway to unfinished.

    Then the turn model's probability, where there is one, moves the wait: open words go all the way between finished
    and unfinished; finished ones at most to `end_of_turn`, unfinished ones at most halfway down to it. Of a turn
    shorter than a second it tells nothing.

    Then the caller's usual pause scales it, from 0.75 for a fast speaker to 1.6 for a slow one. A number that was asked
    for and is half said waits unmoved: each of its groups sounds like an end. The result lies always between the
    shortest and the longest of the three settings. Without ears it is `end_of_message`.

    Stateless: one policy serves all calls. The reading of the words is kept for the newest 512 texts, so that asking
    at every frame of silence costs a few microseconds.
    """

    def __init__(self, settings: VoiceSettings) -> None:
        self._settings = settings
        self._waits = {
            Ending.FINISHED: settings.end_of_turn_finished,
            Ending.OPEN: settings.end_of_turn,
            Ending.UNFINISHED: settings.end_of_turn_unfinished,
        }
        for language in ("ru", "en"):
            wording(language)  # read from disk now and not in a call

    def wait(self, turn: TurnSoFar) -> float:
        """Return the silence, in seconds, that ends this turn."""
        if not turn.ears:
            return self._settings.end_of_message
        ending = ending_of(turn.interim, turn.language, turn.expects)
        if ending is Ending.UNFINISHED and turn.expects == "number":
            return self._waits[ending]
        seconds = self._by_tone(ending, turn) * _pace(turn.usual_pause)
        return min(max(seconds, min(self._waits.values())), max(self._waits.values()))

    def _by_tone(self, ending: Ending, turn: TurnSoFar) -> float:
        """Return the wait after the words, moved by the turn model's probability."""
        finished, unfinished = self._waits[Ending.FINISHED], self._waits[Ending.UNFINISHED]
        middle = self._waits[Ending.OPEN]
        halfway = (middle + unfinished) / 2
        over = _UNDECIDED if turn.over is None or 0 < turn.spoken < _TOO_SHORT else turn.over
        sure = abs(over - _UNDECIDED) / _UNDECIDED  # 0..1, of whichever it tells
        if ending is Ending.FINISHED:
            return _between(finished, middle, sure) if over < _UNDECIDED else finished
        if ending is Ending.UNFINISHED:
            return _between(unfinished, halfway, sure) if over > _UNDECIDED else unfinished
        start = halfway if turn.expects == "message" else middle
        return _between(start, unfinished if over < _UNDECIDED else finished, sure)


def _between(start: float, end: float, part: float) -> float:
    return start + (end - start) * part


def _pace(usual_pause: float | None) -> float:
    """Return the factor of a caller who pauses so long inside a turn."""
    return 1.0 if usual_pause is None else min(max(usual_pause / _TYPICAL_PAUSE, _FASTEST), _SLOWEST)
