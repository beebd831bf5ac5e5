"""Accuracy and delay of sentence cutters on hard Russian and English texts (bench/sentence_cases.py).

    python -m bench.sentences

Each text is fed as a language model writes it (words with the space before them, marks alone) and again character by
character. A text is right when exactly its true sentences come out of the first way. The delay of an end is how many
tokens, or characters, beyond the end had to be written before the sentence was given out; one given out by flush only
is not counted, and `ends early` says how many were. At 200 tokens a second a token of delay is 5 ms of a caller's wait.

The texts were written together with our rules, and the others never saw them before: their share of right texts is a
lower bound, the delay is a fair comparison.
"""

import asyncio
import re
import statistics
import time
from dataclasses import dataclass, field

from bench.sentence_cases import CASES
from bench.sentence_cutters import Make, cutters

_TOKEN = re.compile(r"\s*\w+|\s*[^\w\s]")


@dataclass
class Score:
    """What one cutter did with all the texts."""

    right: dict[str, int] = field(default_factory=dict)
    delays: list[int] = field(default_factory=list)
    seconds: float = 0.0
    characters: int = 0


def letters(text: str) -> str:
    """Keep what is spoken, so that a mark more or less at an edge is no error."""
    return "".join(filter(str.isalnum, text))


async def run(make: Make, *, by_character: bool) -> Score:
    """Feed all texts to a cutter."""
    score = Score()
    for language, sentences in CASES:
        text = " ".join(sentences)
        pieces = list(text) if by_character else _TOKEN.findall(text)
        ends = _ends(text, sentences, pieces)
        cutter, got = make(language), []
        started = time.perf_counter()
        for number, piece in enumerate(pieces):
            for sentence in await cutter.feed(piece):
                got.append(letters(sentence))
                if got[-1] in ends:
                    score.delays.append(max(0, number - ends[got[-1]]))
        got += [letters(sentence) for sentence in await cutter.flush()]
        score.seconds += time.perf_counter() - started
        score.characters += len(text)
        right = [each for each in got if each] == [letters(sentence) for sentence in sentences]
        score.right[language] = score.right.get(language, 0) + right
    return score


def _ends(text: str, sentences: list[str], pieces: list[str]) -> dict[str, int]:
    """Return the number of the piece that holds the last mark of each sentence, by the sentence's letters."""
    reached, at = [], 0
    for piece in pieces:
        at += len(piece)
        reached.append(at)
    ends, at = {}, 0
    for sentence in sentences:
        at = text.index(sentence, at) + len(sentence)
        ends[letters(sentence)] = next(number for number, end in enumerate(reached) if end >= at)
    return ends


async def compare() -> None:
    """Print the table."""
    totals = {language: sum(known == language for known, _ in CASES) for language in ("ru", "en")}
    heads = ("ru right", "en right", "ends early", "tokens", "at once", "characters", "us/char")
    print(f"{'cutter':<16}" + "".join(f"{head:>12}" for head in heads))
    for name, make in cutters():
        tokens, characters = await run(make, by_character=False), await run(make, by_character=True)
        right = "".join(f"{tokens.right[language]:>9}/{total}" for language, total in totals.items())
        at_once = sum(delay == 0 for delay in tokens.delays)
        cost = characters.seconds / characters.characters * 1e6
        delays = (f"{_mean(tokens.delays):>12.2f}", f"{at_once:>12}", f"{_mean(characters.delays):>12.2f}")
        print(f"{name:<16}{right}{len(tokens.delays):>12}{''.join(delays)}{cost:>12.1f}")


def _mean(delays: list[int]) -> float:
    return statistics.fmean(delays) if delays else float("nan")


if __name__ == "__main__":
    asyncio.run(compare())
