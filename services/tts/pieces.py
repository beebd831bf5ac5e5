"""Long text in pieces that an engine can speak one after another."""

import re
import unicodedata
from collections.abc import Iterator

_SENTENCE_END = re.compile(r"[.!?…。！？]+[\"'»”)\]]*\s+|\n\s*")
_CLAUSE_END = re.compile(r"[,;:—–]\s+")
_SPACE = re.compile(r"\s+")


def cut(text: str, limit: int) -> Iterator[tuple[int, str]]:
    """Yield (index of its first character, piece) so that the pieces make up `text`, each at most `limit` long.

    A text within the limit stays whole. A longer one is cut after the last end of a sentence that fits, else of a
    clause, else at a space, else anywhere.
    """
    start = 0
    while len(text) - start > limit:
        end = _last_end(text, start, start + limit)
        yield start, text[start:end]
        start = end
    if start < len(text):
        yield start, text[start:]


def _last_end(text: str, start: int, stop: int) -> int:
    for pattern in (_SENTENCE_END, _CLAUSE_END, _SPACE):
        ends = [match.end() for match in pattern.finditer(text, start, stop)]
        if ends:
            return ends[-1]
    return stop


def plain(text: str) -> str:
    """Return `text` of the same length with what no engine can speak (controls, NUL, lone surrogates) as spaces."""
    return "".join(" " if unicodedata.category(each) in ("Cc", "Cs", "Cn", "Co") else each for each in text)
