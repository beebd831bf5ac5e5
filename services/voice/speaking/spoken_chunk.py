"""One clause or sentence on its way to the caller, and how much of it has been heard."""

from dataclasses import dataclass, field

from services.tts.protocol import WordMark

_CHARS_PER_SECOND = 14.0  # of ordinary speech, where an engine gives no marks and has not finished the chunk


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
            end = round(len(self.spoken) * min(1.0, samples / max(1.0, total)))
        if self.spoken != self.text:  # numbers grew into words: keep the same share of the written text
            end = round(end / max(1, len(self.spoken)) * len(self.text))
        return _whole_words(self.text, end)


def _whole_words(text: str, end: int) -> str:
    """Cut `text` at `end` characters, back to the end of the last whole word."""
    if end >= len(text):
        return text
    cut = text[:end]
    if end and not text[end].isspace() and not cut[-1].isspace():
        cut = cut.rpartition(" ")[0] if text[end].isalnum() else cut
    return cut.rstrip()
