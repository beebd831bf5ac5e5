"""A small language model of the phrases that a caller is likely to say, for a second pass beside the general one."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)*")

LONGEST_HINT = 20
MOST_HINTS = 400
DISCOUNT = 0.5

ANSWERS = (("yes",), ("no",))
ANSWER_SHARE = 0.1
"""How often a turn on the phone is a plain yes, and how often a plain no: among hundreds of long phrases, each counted
once, a single short word would never be believed."""

COURTESIES = (
    "goodbye",
    "thank you",
    "thank you goodbye",
    "yes",
    "no",
    "yes please",
    "no thank you",
    "I would like to leave a message",
    "can I leave a message",
)
"""What callers say to any secretary."""

OPENINGS = (("hello",), ("hi",), ("and",), ("good", "morning"), ("excuse", "me"))
"""What a caller may put before a likely phrase."""

Sentence = tuple[str, ...]


def words_of(phrase: str) -> Sentence:
    """Split a phrase into the lower-case words of the dictionary; figures and other scripts are left out."""
    return tuple(_WORD.findall(phrase.lower().replace("\u2019", "'")))


def sentences(hints: Iterable[str], known: Callable[[str], bool]) -> tuple[Sentence, ...]:
    """Return the hints that can be recognised at all: every word is `known`, and there are at most LONGEST_HINT.

    A hint that holds a figure or another script would lose its words silently, so it is left out as a whole.
    """
    kept: dict[Sentence, None] = {}
    for hint in hints:
        words = words_of(hint)
        strange = re.search(r"[^\W\d_a-z]|\d", hint.lower())
        if words and not strange and len(words) <= LONGEST_HINT and all(map(known, words)):
            kept[words] = None
        if len(kept) == MOST_HINTS:
            break
    return tuple(kept)


def _orders(spoken: Sequence[Sentence]) -> tuple[Counter[Sentence], Counter[Sentence], Counter[Sentence]]:
    orders: tuple[Counter[Sentence], Counter[Sentence], Counter[Sentence]] = Counter(), Counter(), Counter()
    for sentence in spoken:
        padded = ("<s>", *sentence, "</s>")
        for size, counts in enumerate(orders, 1):
            counts.update(tuple(padded[at : at + size]) for at in range(len(padded) - size + 1))
    return orders


def _backoffs(counts: Counter[Sentence]) -> dict[Sentence, float]:
    """Return the probability each context leaves to words never seen after it, by absolute discounting."""
    total: dict[Sentence, int] = defaultdict(int)
    kinds: dict[Sentence, int] = defaultdict(int)
    for gram, count in counts.items():
        total[gram[:-1]] += count
        kinds[gram[:-1]] += 1
    return {context: DISCOUNT * kinds[context] / total[context] for context in total}


def arpa(spoken: Sequence[Sentence]) -> str:
    """Write the trigram model of `spoken` in the ARPA format (log10 probabilities, back-off weights).

    Absolute discounting (Ney, Essen and Kneser, 1994) with a fixed discount of 0.5: what is seen once keeps half.
    """
    unigrams, bigrams, trigrams = _orders(spoken)
    lines = ["\\data\\", f"ngram 1={len(unigrams)}", f"ngram 2={len(bigrams)}", f"ngram 3={len(trigrams)}"]
    after_one, after_two = _backoffs(bigrams), _backoffs(trigrams)
    total = sum(count for gram, count in unigrams.items() if gram != ("<s>",))
    lines.append("\n\\1-grams:")
    for gram, count in sorted(unigrams.items()):
        share = -99.0 if gram == ("<s>",) else math.log10(count / total)
        lines.append(f"{share:.4f} {gram[0]} {math.log10(after_one.get(gram, 1.0)):.4f}")
    lines.append("\n\\2-grams:")
    for gram, count in sorted(bigrams.items()):
        share = math.log10((count - DISCOUNT) / unigrams[gram[:1]])
        lines.append(f"{share:.4f} {' '.join(gram)} {math.log10(after_two.get(gram, 1.0)):.4f}")
    lines.append("\n\\3-grams:")
    for gram, count in sorted(trigrams.items()):
        lines.append(f"{math.log10((count - DISCOUNT) / bigrams[gram[:2]]):.4f} {' '.join(gram)}")
    return "\n".join([*lines, "\n\\end\\", ""])


@dataclass(frozen=True, slots=True)
class Phrasebook:
    """The likely phrases of a stream; equal phrasebooks share a decoder."""

    spoken: tuple[Sentence, ...]

    @classmethod
    def of(cls, hints: Iterable[str], known: Callable[[str], bool]) -> "Phrasebook":
        """Make a phrasebook of the hints that can be recognised."""
        return cls(sentences(hints, known))

    def says(self, words: Sentence) -> bool:
        """Tell whether every three words in a row of `words`, edges included, occur in a likely phrase."""
        padded = ("<s>", *words, "</s>")
        known = _orders(self._all())[2]
        return all(padded[at : at + 3] in known for at in range(len(padded) - 2))

    def words(self) -> list[str]:
        """Return every word of the phrasebook once, sorted."""
        return sorted({word for sentence in self._all() for word in sentence})

    def arpa(self) -> str:
        """Return the language model of the phrasebook."""
        return arpa(self._all())

    def _all(self) -> tuple[Sentence, ...]:
        # The phrases themselves count for more than the same after an opening.
        opened = tuple((*opening, *sentence) for opening in OPENINGS for sentence in self.spoken if len(sentence) > 1)
        phrases = self.spoken * 5 + opened
        answers = tuple(answer for answer in ANSWERS if answer in self.spoken)
        return phrases + answers * round(ANSWER_SHARE * len(phrases))
