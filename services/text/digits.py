"""Dictated digits: words as a caller says a phone number -> figures, and figures -> groups to read back."""

import re

from services.text import words
from services.text.phones import grouped

_TOKEN = re.compile(r"\+|\d+|[a-z]+|[а-я]+")
_FILLERS = frozenset("и and um uh er э эм ну так a".split())


class _Reader:
    """Joins number words into figures: "девятьсот двенадцать" is 912, "two ten" is 210."""

    def __init__(self) -> None:
        self.figures = ""
        self._group = 0  # what is said of the open group so far
        self._room = 1  # a next word below this still belongs to the open group: 100 after hundreds, 10 after tens
        self._last = -1

    def take(self, value: int, room: int) -> None:
        """Read a word worth `value` that leaves `room` for a smaller one behind it."""
        if 0 < value < self._room:
            self._group += value
        else:
            self.close()
            self._group = value
        self._room, self._last = room, value
        if room == 1:
            self.close()

    def leave_hundreds(self) -> None:
        """Keep a following single figure out of round hundreds."""
        if self._room == 100:
            self.close()

    def close(self) -> None:
        """End the open group, if any."""
        if self._last >= 0:
            self.figures += str(self._group)
        self._group, self._room, self._last = 0, 1, -1


def spoken_digits(text: str, language: str) -> str | None:
    """Write a dictated number in figures: "восемь девятьсот двенадцать" -> "8912"; "+" only before the first figure.

    Other words are skipped, so that "my number is ..." may stand around it. None when nothing in `text` is a figure.
    """
    tokens = _TOKEN.findall(text.lower().replace("ё", "е"))
    english = language[:2].lower() == "en"
    reader = _Reader()
    plus, index = "", 0
    while index < len(tokens):
        if tokens[index] in words.PLUS and not reader.figures:
            plus = "+"
        following = tokens[index + 1] if index + 1 < len(tokens) else ""
        step = _read_repeat(reader, tokens, index, english=english) or _read_hundred(reader, tokens, index)
        if not step:
            _read_word(reader, tokens[index], following, english=english)
        index += step or 1
    reader.close()
    return plus + reader.figures if reader.figures else None


def _read_word(reader: _Reader, token: str, following: str, *, english: bool) -> None:
    if token.isdigit():
        reader.close()
        reader.figures += token
        return
    for table, room in _tables(english=english):
        if token in table:
            if room == 1 and table is _ones(english=english) and table.get(following, 0) > 0:
                reader.leave_hundreds()  # "eight hundred five five five" is 800 555, yet "nine hundred five" is 905
            reader.take(table[token], room)
            return
    if token not in _FILLERS:
        reader.close()


def _tables(*, english: bool) -> tuple[tuple[dict[str, int], int], ...]:
    if english:
        return (words.EN_ONES, 1), (words.EN_TEENS, 1), (words.EN_TENS, 10)
    return (words.RU_ONES, 1), (words.RU_TEENS, 1), (words.RU_TENS, 10), (words.RU_HUNDREDS, 100)


def _ones(*, english: bool) -> dict[str, int]:
    return words.EN_ONES if english else words.RU_ONES


def _one_figure(token: str, *, english: bool) -> str | None:
    if len(token) == 1 and token.isdigit():
        return token
    value = _ones(english=english).get(token)
    return None if value is None else str(value)


def _read_repeat(reader: _Reader, tokens: list[str], index: int, *, english: bool) -> int:
    """Read "double five", "triple oh", "два нуля"; the number of tokens it took."""
    following = tokens[index + 1] if index + 1 < len(tokens) else ""
    times, figure = words.REPEATS.get(tokens[index]), _one_figure(following, english=english)
    if times is None and following in words.RU_NAMED:
        times, figure = words.RU_ONES.get(tokens[index]), str(words.RU_NAMED[following])
    if not times or figure is None:
        return 0
    reader.close()
    reader.figures += figure * times
    return 2


def _read_hundred(reader: _Reader, tokens: list[str], index: int) -> int:
    """Read "nine hundred", whose rest ("and twelve") may follow; the number of tokens it took."""
    if tokens[index + 1 : index + 2] != ["hundred"]:
        return 0
    value = words.EN_ONES.get(tokens[index]) or (
        int(tokens[index]) if len(tokens[index]) == 1 and tokens[index].isdigit() else 0
    )
    if not value:
        return 0
    reader.close()
    reader.take(value * 100, 100)
    return 2


def group_digits(number: str, language: str) -> str:
    """Write a number in the groups it is read back in: "89123456789" -> "8 912 345 67 89"; to_spoken says them."""
    plus, groups = grouped(number, language)
    return plus + " ".join(groups)
