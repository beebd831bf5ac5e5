"""Accuracy and delay of sentence cutters on hard Russian and English texts fed character by character.

Run: python -m bench.sentences. A text is right when exactly its true sentences come out. The delay of an end is how
many characters beyond it had to be written before it was given out; an end given out by flush only is not
counted. sentencex and blingfire know no streams, so they are used as frameworks use them: over the text so far, where
a sentence is given out once another one stands behind it. The texts were written together with our rules: the others
never saw them before, so their share of right texts is a lower bound.
"""

import importlib
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from bench.sentence_cases import CASES
from services.text.chunker import SpeechChunker

Feed = Callable[[str], list[str]]
Splitter = Callable[[str, str], list[str]]


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


def ours(language: str) -> tuple[Feed, Callable[[], list[str]]]:
    chunker = SpeechChunker(language, first_clause_chars=0)
    return chunker.push, chunker.flush


def rival(split: Splitter, language: str) -> tuple[Feed, Callable[[], list[str]]]:
    """Wrap a splitter of whole texts as a stream: all but the last of its sentences are given out."""
    text, given = "", 0

    def feed(token: str) -> list[str]:
        nonlocal text, given
        text += token
        sentences = [sentence for sentence in split(text, language) if sentence.strip()]
        fresh = sentences[given:-1]
        given += len(fresh)
        return fresh

    def flush() -> list[str]:
        return [sentence for sentence in split(text, language) if sentence.strip()][given:]

    return feed, flush


def run(make: Callable[[str], tuple[Feed, Callable[[], list[str]]]]) -> Score:
    score = Score()
    for language, sentences in CASES:
        text = " ".join(sentences)
        ends: dict[str, int] = {}
        at = 0
        for sentence in sentences:
            at = text.index(sentence, at) + len(sentence)
            ends[letters(sentence)] = at
        feed, flush = make(language)
        got = []
        started = time.perf_counter()
        for index, character in enumerate(text):
            for chunk in feed(character):
                got.append(letters(chunk))
                if got[-1] in ends:
                    score.delays.append(max(0, index + 1 - ends[got[-1]]))
        got += [letters(chunk) for chunk in flush()]
        score.seconds += time.perf_counter() - started
        score.characters += len(text)
        right = [chunk for chunk in got if chunk] == [letters(sentence) for sentence in sentences]
        score.right[language] = score.right.get(language, 0) + right
    return score


def rivals() -> dict[str, Splitter]:
    """Find which of the other cutters are importable here."""
    found: dict[str, Splitter] = {}
    try:
        sentencex = importlib.import_module("sentencex")
        found["sentencex"] = lambda text, language: list(sentencex.segment(language, text))
    except ImportError:
        print("sentencex is not installed: left out")
    try:
        blingfire = importlib.import_module("blingfire")
        found["blingfire"] = lambda text, _: blingfire.text_to_sentences(text).split("\n")
    except (ImportError, OSError):
        print("blingfire is not installed: left out")
    return found


def main() -> None:
    totals = {language: sum(known == language for known, _ in CASES) for language in ("ru", "en")}
    heads = ("ru right", "en right", "ends early", "mean delay", "at once", "us/char")
    print(f"{'cutter':<12}" + "".join(f"{head:>12}" for head in heads))
    makers: dict[str, Callable[[str], tuple[Feed, Callable[[], list[str]]]]] = {"ours": ours}
    for name, split in rivals().items():
        makers[name] = lambda language, split=split: rival(split, language)  # type: ignore[misc]
    for name, make in makers.items():
        score = run(make)
        mean = statistics.fmean(score.delays) if score.delays else float("nan")
        at_once = sum(delay == 0 for delay in score.delays)
        cost = score.seconds / score.characters * 1e6
        right = "".join(f"{score.right[language]:>9}/{total}" for language, total in totals.items())
        print(f"{name:<12}{right}{len(score.delays):>12}{mean:>12.2f}{at_once:>12}{cost:>12.1f}")


if __name__ == "__main__":
    main()
