"""Cut the token stream of a language model into chunks worth speaking, each as early as its end is certain."""

import re

from services.text import chunk_rules as rules
from services.text.boundaries import Stop, classify_stop, ends_before, is_clause_end, is_list_marker

_SPACES = re.compile(r"\s+")
_TRANSPARENT = frozenset(rules.OPENERS + "\"'*_`~")


class SpeechChunker:
    """A streaming cutter: the first chunk of a reply may be a clause, every later one is a sentence.

    A stop at the end of a token is judged without waiting for the next one; a stop inside a token is judged with the
    character behind it, which costs nothing ("report.pdf", "?!", "..."). So sentences end where they end when the text
    comes character by character, or a few of those ends fewer. Marks that come a token later than a certain end
    begin the next chunk; strip_markup takes them off. Nothing is lost: the chunks joined are the text, spaces apart. A
    chunk may hold no letter ("..." alone); strip_markup makes it "".
    """

    def __init__(self, language: str, first_clause_chars: int = 24, max_chars: int = 220) -> None:
        """Begin a reply in `language` ("ru", "en-GB"); lengths are in characters.

        The first chunk may end at a clause from `first_clause_chars` on; 0 waits for the whole sentence. A sentence
        longer than `max_chars` is cut at its last clause, or between words when it has none.
        """
        self._language = language[:2].lower()
        self._first_clause_chars = first_clause_chars
        self._max_chars = max(max_chars, 2 * first_clause_chars, 40)
        self._first = True
        self._more = False
        self._chunks: list[str] = []
        self._reset("")

    def push(self, text: str) -> list[str]:
        """Take the next token; return the chunks whose end became certain with it."""
        self._feed(text)
        return self._take()

    def _feed(self, text: str) -> None:
        for index, character in enumerate(text, 1):
            self._more = index < len(text)
            self._step(character)

    def flush(self) -> list[str]:
        """Return what is left; the chunker is then ready for another reply."""
        if self._text.strip():
            self._emit(len(self._text))
        self._first = True
        self._reset("")
        return self._take()

    def _take(self) -> list[str]:
        chunks, self._chunks = self._chunks, []
        return [_SPACES.sub(" ", chunk).strip() for chunk in chunks]

    def _reset(self, text: str) -> None:
        self._text = text
        self._stop: Stop | None = None
        self._stop_end = 0
        self._certain = False
        self._clauses: list[int] = []
        self._speakable = False

    def _emit(self, end: int) -> None:
        """Give out the chunk before `end` and judge anew what stands after it."""
        chunk, rest, more = self._text[:end], self._text[end:], self._more
        self._chunks.append(chunk)
        self._first = False
        self._reset("")
        for index, character in enumerate(rest, 1):
            self._more = more or index < len(rest)
            self._step(character)
        self._more = more

    def _step(self, character: str) -> None:
        if not self._text and self._belongs_before(character):
            return
        self._text += character
        if self._stop is not None and self._decide(character):
            return
        self._speakable = self._speakable or character.isalnum()
        if self._speakable:
            self._see(character)
            if len(self._text) > self._max_chars:
                self._cut_long()

    def _belongs_before(self, character: str) -> bool:
        """Swallow a space, or a mark that follows the end just found in this same token."""
        if not character.isspace() and (character not in rules.TAIL_MARKS or not self._chunks):
            return False
        if self._chunks:
            if not character.isspace() and (self._chunks[-1][-1].isspace() or character in _TRANSPARENT):
                return False
            self._chunks[-1] += character
        return True

    def _see(self, character: str) -> None:
        if character in rules.SENTENCE_STOPS:
            self._see_stop()
        elif character == "\n":
            if not is_list_marker(self._text.rstrip()):
                self._emit(len(self._text))
        elif character in rules.CLAUSE_MARKS or self._text.endswith(" - "):
            self._see_clause()

    def _see_stop(self) -> None:
        if self._stop is not None and self._stop_end == len(self._text):
            return
        stop = classify_stop(self._text, self._language)
        self._certain = stop is Stop.CERTAIN
        if self._certain and self._more:
            stop = Stop.WORD
        if stop is Stop.CERTAIN:
            self._emit(len(self._text))
        elif stop is not Stop.NEVER:
            self._stop, self._stop_end = stop, len(self._text)

    def _decide(self, character: str) -> bool:
        """Settle the waiting stop with one more character; True when that cut the chunk."""
        assert self._stop is not None
        gap = self._text[self._stop_end : -1]
        if not gap and character in rules.TAIL_MARKS:
            self._stop_end = len(self._text)
            if character in ".…":  # an ellipsis
                self._stop, self._certain = Stop.SHORT, False
            if self._certain and not self._more:
                self._emit(len(self._text))
                return True
            return False
        if character == "\n" or (character in _TRANSPARENT and not gap.strip(" \t" + "".join(_TRANSPARENT))):
            return False
        after_closer = self._text[self._stop_end - 1] in rules.CLOSERS + "\"'"
        if character.isspace():
            if self._stop is not Stop.WORD or after_closer:
                return False
            self._emit(self._stop_end)  # the space is all that was waited for
            return True
        spaced = gap[:1].isspace()
        stop, self._stop = self._stop, None
        if ends_before(stop, spaced=spaced, after_closer=after_closer, following=character):
            self._emit(self._stop_end)
            return True
        return False

    def _see_clause(self) -> None:
        marked = self._text[:-1].rstrip() if self._text.endswith(" - ") else self._text
        if not is_clause_end(marked[:-1] + "—" if marked.endswith(" -") else marked):
            return
        end = len(marked)
        if self._first and 0 < self._first_clause_chars <= len(marked.strip()):
            self._emit(end)
        else:
            self._clauses.append(end)

    def _cut_long(self) -> None:
        least = self._max_chars // 4
        good = [end for end in self._clauses if end >= least]
        if good:
            self._emit(good[-1])
        elif len(self._text) > self._max_chars + self._max_chars // 4:
            self._cut_between_words(least)

    def _cut_between_words(self, least: int) -> None:
        """Cut at the last space that has no figure beside it; a text without such a space grows on."""
        for found in reversed(list(_SPACES.finditer(self._text, least, len(self._text) - 1))):
            beside = self._text[found.start() - 1] + self._text[found.end()]
            if beside.isalpha():
                self._emit(found.end())
                return
