"""What a caller does in a call among fakes: a list of acts, each at its second.

Speech is loud; what the ears may understand of it is written beside it, word by word in time. `speaks` writes an act
as it is said, with its pauses:

    speaks(2, "I would like", 0.8, "to know your hours")
"""

from collections.abc import Sequence
from dataclasses import dataclass

WORD_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class TimedWord:
    """A word of the caller; `start` and `end` in seconds of the call."""

    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Act:
    """What the caller does at second `at`: speaks `seconds` of `text`, presses `key`, types, or hangs up.

    `pauses` are (offset, length) of the silences inside the speech, in seconds. A `text` of "" is a sound without
    words: a cough, a television. `final` is what the ears make of it in the end, where that differs from `text`.
    """

    at: float
    seconds: float = 0.0
    text: str = ""
    key: str = ""
    typed: str = ""
    hang_up: bool = False
    pauses: tuple[tuple[float, float], ...] = ()
    language: str = "en"
    final: str | None = None

    @property
    def end(self) -> float:
        """The second at which the last word is over."""
        return self.at + self.seconds

    def is_loud(self, now: float) -> bool:
        """Tell whether the caller makes a sound in this act at second `now` of the call."""
        offset = now - self.at
        if not 0 <= offset < self.seconds:
            return False
        return not any(start <= offset < start + length for start, length in self.pauses)

    def words(self) -> list[TimedWord]:
        """Lay the words evenly over the time that is spoken, none across a pause that stands between two of them."""
        words = self.text.split()
        if not words:
            return []
        voiced = self.seconds - sum(length for _, length in self.pauses)
        each = voiced / len(words)
        return [
            TimedWord(word, self._at(number * each, after=True), self._at((number + 1) * each, after=False))
            for number, word in enumerate(words)
        ]

    def _at(self, voiced: float, *, after: bool) -> float:
        """Return the second at which `voiced` seconds have been spoken, behind a pause that lies there if `after`."""
        offset = voiced
        for start, length in self.pauses:
            if offset > start + 1e-6 or (after and abs(offset - start) <= 1e-6):
                offset += length
        return self.at + offset


def speaks(
    at: float, *parts: str | float, word: float = WORD_SECONDS, language: str = "en", final: str | None = None
) -> Act:
    """Return the act of saying `parts`: texts at `word` seconds a word, and between them pauses in seconds."""
    offset, texts, pauses = 0.0, [], []
    for part in parts:
        if isinstance(part, str):
            texts.append(part)
            offset += len(part.split()) * word
        else:
            pauses.append((round(offset, 6), float(part)))
            offset += part
    return Act(at, round(offset, 6), " ".join(texts), pauses=tuple(pauses), language=language, final=final)


def sounds(at: float, seconds: float) -> Act:
    """Return the act of a sound without words: a cough (0.16 s), a television (a minute)."""
    return Act(at, seconds)


def is_loud(acts: Sequence[Act], now: float) -> bool:
    """Tell whether the caller's side is loud at second `now`."""
    return any(act.is_loud(now) for act in acts)
