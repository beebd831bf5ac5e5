"""When has the caller finished? A small pluggable policy."""

from dataclasses import dataclass
from typing import Protocol

from services.voice.settings import VoiceSettings

# Words after which a sentence is not over, whatever the silence says.
UNFINISHED = {
    "en": frozenset("and or but because if so that the a an my is at to for with of um uh er".split()),
    "ru": frozenset("и а но или что чтобы если потому когда где как на в с по для мой моя это ну э эм так".split()),
}
_DICTATED = 3


@dataclass(frozen=True, slots=True)
class TurnSoFar:
    """What is known while the caller is silent: the words until now, and whether there are ears at all."""

    interim: str
    language: str
    ears: bool


class EndOfTurnPolicy(Protocol):
    """Decides how long a silence must last to be the end of the caller's turn.

    `wait` is asked at every frame of silence and must return at once. It sees the newest interim transcript, which may
    change between two calls; the turn ends as soon as the silence is at least what the newest answer says.
    """

    def wait(self, turn: TurnSoFar) -> float:
        """Return the silence, in seconds, that ends this turn."""
        ...


class SilencePolicy:
    """Silence alone, lengthened where the words call for more: a trailing conjunction, a number being dictated."""

    def __init__(self, settings: VoiceSettings) -> None:
        self._settings = settings

    def wait(self, turn: TurnSoFar) -> float:
        """Return the silence, in seconds, that ends this turn."""
        if not turn.ears:
            return self._settings.end_of_message
        words = turn.interim.casefold().rstrip(".?! ").split()
        if words and (words[-1] in UNFINISHED.get(turn.language, frozenset()) or _dictating(words)):
            return self._settings.end_of_turn_unfinished
        return self._settings.end_of_turn


def _dictating(words: list[str]) -> bool:
    """Tell whether the last words are digits in a row, but not yet a whole phone number."""
    run = 0
    for word in reversed(words):
        if not (word.isdigit() or word in _DIGIT_WORDS):
            break
        run += 1
    return _DICTATED <= run < 10


_DIGIT_WORDS = frozenset(
    "zero oh one two three four five six seven eight nine double "
    "ноль один два три четыре пять шесть семь восемь девять".split()
)
