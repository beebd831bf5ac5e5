"""Whether a number or an address is being dictated, and whether it is whole yet."""

import re
from collections.abc import Sequence

from services.text import words as numbers
from services.text.digits import spoken_digits
from services.voice.endpointing.wording import Ending, Wording

_TOKEN = re.compile(r"\+|\d+|[^\W\d_]+")
_MAIL = re.compile(r"\S+@\S+\.\w{2,}\W*$")
_NATIONAL = 10  # figures of a Russian or North American number without its prefix
_LOCAL = 7
_FEWEST = 4  # figures that are dictated rather than counted, where no number was asked for
_SINGLES = 3  # one figure at a time, so many in a row, are dictated, too
_VALUES: dict[str, dict[str, int]] = {
    "ru": {**numbers.RU_ONES, **numbers.RU_TEENS, **numbers.RU_TENS, **numbers.RU_HUNDREDS},
    "en": {**numbers.EN_ONES, **numbers.EN_TEENS, **numbers.EN_TENS},
}


def dictated(text: str, words: Sequence[str], lexicon: Wording, expects: str) -> Ending | None:
    """Tell whether what is dictated at the end of `text` is whole; None when nothing is.

    A number counts as dictated when one was asked for or announced ("my number is ..."), or when it cannot be an
    amount. Ten figures are a whole one, eleven where it begins with the prefix of a country (Russia: +7, 8; North
    America: +1); a local one of seven may be whole or the half of a longer one.
    """
    if "@" in text:
        return Ending.FINISHED if _MAIL.search(text) else Ending.UNFINISHED
    return _number(text, lexicon, expects) or _spelled(words, lexicon)


def _number(text: str, lexicon: Wording, expects: str) -> Ending | None:
    tokens = _TOKEN.findall(text.casefold().replace("ё", "е"))
    run = _run(tokens, lexicon)
    figures = spoken_digits(" ".join(run), lexicon.language)
    plus = run[:1] in (["+"], ["плюс"], ["plus"])
    if figures is None:
        return Ending.UNFINISHED if plus else None
    before = tokens[: len(tokens) - len(run)]
    announced = bool(lexicon["number_before"].inside(before[-_SINGLES:]))
    if expects != "number" and not announced and not _is_no_amount(run, figures, before, lexicon):
        return None
    return _whole(figures, lexicon.language)


def _run(tokens: Sequence[str], lexicon: Wording) -> list[str]:
    """Return the figures at the end, with what people put between them."""
    run: list[str] = []
    for token in reversed(tokens):
        if not (_is_figure(token, lexicon) or (run and token in lexicon["number_between"])):
            break
        run.append(token)
    while run and not _is_figure(run[-1], lexicon):
        run.pop()
    return run[::-1]


def _is_figure(token: str, lexicon: Wording) -> bool:
    return (
        token.isdigit()
        or token in numbers.PLUS
        or token in _VALUES.get(lexicon.language, {})
        or token in lexicon["repeats"]
    )


def _is_no_amount(run: Sequence[str], figures: str, before: Sequence[str], lexicon: Wording) -> bool:
    """Tell "four one five" and "девятьсот двадцать один триста сорок" from "at ten thirty five" and "сто двадцать"."""
    values = _VALUES.get(lexicon.language, {})
    singles = sum(1 for token in run if values.get(token, 10) < 10 or (token.isdigit() and len(token) == 1))
    if any(token.isdigit() and len(token) > 1 for token in run):
        return len(figures.lstrip("+")) >= _LOCAL
    amount = bool(before) and before[-1] in lexicon["hanging"]  # a preposition stands before a time or a sum
    return singles >= _SINGLES or (not amount and len(run) >= _SINGLES and len(figures) >= _FEWEST)


def _whole(figures: str, language: str) -> Ending:
    plain = figures.lstrip("+")
    prefixed = figures != plain or plain[:1] in ({"7", "8"} if language == "ru" else {"0", "1"})
    if len(plain) >= _NATIONAL + prefixed:
        return Ending.FINISHED
    return Ending.OPEN if len(plain) == _LOCAL and not prefixed else Ending.UNFINISHED


def _spelled(words: Sequence[str], lexicon: Wording) -> Ending | None:
    """Judge letters one by one, and an address said in words: "ivan dot petrov at mail dot com"."""
    if len(words) > 1 and all(len(word) == 1 and word.isalpha() for word in words[-2:]):
        return Ending.UNFINISHED
    if not lexicon["mail"].inside(words[:-1]) and "dot" not in words:
        return None
    if words[-1] in lexicon["mail_end"] and words[-2] in lexicon["spelled"]:
        return Ending.FINISHED
    return Ending.UNFINISHED if words[-1] in lexicon["spelled"] or words[-1] in ("собака", "at") else None
