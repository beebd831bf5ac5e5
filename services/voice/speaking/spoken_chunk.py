"""One clause or sentence on its way to the caller, and how much of it has been heard."""

import re
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from services.tts.protocol import WordMark

_CHARS_PER_SECOND = 14.0  # of ordinary speech, where an engine gives no marks and has not finished the chunk

_WORD = re.compile(r"\w+")


@dataclass(slots=True)
class SpokenChunk:
    """A chunk on its way: `start` and `sent` are samples in the line's count of played audio; `start` -1: not yet."""

    text: str
    spoken: str
    interruptible: bool = True
    start: int = -1
    sent: int = 0
    complete: bool = False
    announced: bool = False
    marks: list[WordMark] = field(default_factory=list)

    def begun(self, played: int) -> bool:
        """Tell whether some of it has been played."""
        return 0 <= self.start < played

    def under_way(self, played: int) -> bool:
        """Tell whether it is being played, or about to be played as the next."""
        return self.start >= 0 and (not self.complete or played < self.start + self.sent)

    def word_start(self, played: int) -> int:
        """Return the line's position at which the word being played began; `played` where no marks tell."""
        begun = [self.start + mark.position for mark in self.marks if self.start + mark.position <= played]
        return begun[-1] if begun else played

    def heard(self, played: int, rate: int) -> str:
        """Return the words of `text` that lie wholly before the line's position `played`."""
        samples = played - self.start
        if self.complete and samples >= self.sent:
            return self.text
        if self.marks:
            reached = [
                mark for mark, after in zip(self.marks, self.marks[1:], strict=False) if after.position <= samples
            ]
            end = reached[-1].start + reached[-1].length if reached else 0
        else:
            total = self.sent if self.complete else max(self.sent, len(self.spoken) / _CHARS_PER_SECOND * rate)
            end = _reached(self.spoken, min(1.0, samples / max(1.0, total)))
        if self.spoken != self.text:  # numbers grew into words
            end = _in_written(self.spoken, self.text, end)
        return _whole_words(self.text, end)


def _reached(text: str, share: float) -> int:
    """Return how many characters of `text` are spoken in this share of its time.

    A word costs time beyond its letters and a mark a pause; the weights are fitted to espeak-ng's word marks, in which
    one instant in a hundred is then two words off, and none more.
    """
    weights = [1 if each.isalnum() else 2 if each.isspace() else 4 for each in text]
    left = share * sum(weights)
    for end, weight in enumerate(weights):
        left -= weight
        if left < 0:
            return end
    return len(text)


def _in_written(spoken: str, written: str, end: int) -> int:
    """Return where in the written text the first `end` characters of its spoken form end.

    The words that both have are the same place; between them the shares are taken as equal.
    """
    ours, theirs = (
        [(each.start(), each.end(), each[0].casefold()) for each in _WORD.finditer(text)] for text in (spoken, written)
    )
    same = SequenceMatcher(None, [word for *_, word in ours], [word for *_, word in theirs], autojunk=False)
    before, after = (0, 0), (len(spoken), len(written))
    for mine, other, count in same.get_matching_blocks():
        for (begin, stop, _), (begins, stops, _) in zip(
            ours[mine : mine + count], theirs[other : other + count], strict=True
        ):
            for here, there in ((begin, begins), (stop, stops)):
                if here <= end:
                    before = (here, there)
                elif here < after[0]:
                    after = (here, there)
    share = (end - before[0]) / max(1, after[0] - before[0])
    return before[1] + int(share * (after[1] - before[1]))


def _whole_words(text: str, end: int) -> str:
    """Cut `text` at `end` characters, back to the end of the last whole word."""
    if end >= len(text):
        return text
    cut = text[:end]
    if end and not text[end].isspace() and not cut[-1].isspace():
        cut = cut.rpartition(" ")[0] if text[end].isalnum() else cut
    return cut.rstrip()
