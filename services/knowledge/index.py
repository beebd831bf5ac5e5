"""A search index over the questions of one company in one language.

Scores are an F-measure over stems weighted by their inverse document frequency (Spärck Jones 1972, documents being
entries): how much of the asked phrase is known, and how much of the known phrase is asked. Recognisers lose and bend
words, so a stem also counts when it is close in letters, and the best candidates are compared once more letter by
letter.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from rapidfuzz import fuzz, process

from services.domain import FaqEntry
from services.knowledge.shapes import FaqMatch
from services.knowledge.words import Stem, Words

CLOSE = {4: 85.0, 5: 80.0, 6: 78.0}  # percent of letters two stems share before they count as one word, by length
CLOSE_LONG = 74.0
PREFIX_CREDIT = 0.9
BETA2 = 0.35  # below 1, knowing all of what was asked counts more than asking all that is known
LETTERS_SHARE = 0.15
CANDIDATES = 24
LONGEST = 40  # stems of one clause; a longer monologue is cut
FRAGMENT = 0.92  # a clause out of an utterance is a little less sure than a whole one


@dataclass(frozen=True, slots=True)
class _Phrase:
    entry: int
    stems: tuple[str, ...]
    letters: str


class FaqIndex:
    """Immutable after building; building takes milliseconds per hundred entries, so do it in a thread."""

    def __init__(self, entries: Sequence[FaqEntry], words: Words) -> None:
        self._words = words
        self._entries = list(entries)
        self._phrases: list[_Phrase] = []
        shares: dict[str, float] = {}
        for number, entry in enumerate(self._entries):
            for text in (entry.question, *entry.alternatives):
                stems = words.stems(text)
                if stems:
                    unique = tuple(dict.fromkeys(each.text for each in stems))
                    self._phrases.append(_Phrase(number, unique, "".join(unique)))
                    shares.update((each.text, each.share) for each in stems)
        self._weigh(shares)
        self._known: dict[str, list[tuple[str, float]]] = {}

    def _weigh(self, shares: Mapping[str, float]) -> None:
        """Compute the weight of every stem and of every phrase, and where each stem stands."""
        postings: dict[str, list[int]] = defaultdict(list)
        owners: dict[str, set[int]] = defaultdict(set)
        for position, phrase in enumerate(self._phrases):
            for stem in phrase.stems:
                postings[stem].append(position)
                owners[stem].add(phrase.entry)
        count = max(1, len(self._entries))
        self._rare = math.log(1 + count)
        self._weight = {
            stem: min(self._rare * shares[stem], math.log(1 + count / len(owners[stem]))) for stem in postings
        }
        self._postings = {stem: np.array(places, dtype=np.intp) for stem, places in postings.items()}
        self._vocabulary = list(postings)
        self._owner = np.array([phrase.entry for phrase in self._phrases], dtype=np.intp)
        self._full = np.array([sum(self._weight[s] for s in phrase.stems) for phrase in self._phrases])

    @property
    def size(self) -> int:
        """How many phrases are indexed."""
        return len(self._phrases)

    def search(self, text: str, limit: int) -> list[FaqMatch]:
        """Return the best entries for `text`, one match per entry, best first."""
        best: dict[int, float] = {}
        for number, clause in enumerate(self._words.clauses(text)):
            share = 1.0 if number == 0 else FRAGMENT
            for entry, score in self._scores(self._words.stems(clause)[:LONGEST]).items():
                best[entry] = max(best.get(entry, 0.0), score * share)
        ranked = sorted(best.items(), key=lambda pair: pair[1], reverse=True)[:limit]
        return [FaqMatch(self._entries[entry], round(score, 4)) for entry, score in ranked]

    def _scores(self, stems: list[Stem]) -> dict[int, float]:
        """Score the entries for one clause."""
        asked = {each.text: each.share for each in stems}
        if not any(self._like(stem) for stem in asked):
            return {}
        known = np.zeros(len(self._phrases))  # weight of what was asked that the phrase has
        credit: dict[str, float] = {}  # how well each known stem was heard
        total = 0.0
        for stem, most in asked.items():
            weight = self._asked_weight(stem, most)
            total += weight
            share = np.zeros(len(self._phrases))
            for other, likeness in self._like(stem):
                places = self._postings[other]
                share[places] = np.maximum(share[places], likeness)
                credit[other] = max(credit.get(other, 0.0), likeness)
            known += weight * share
        found = np.zeros(len(self._phrases))  # weight of the phrase that was asked
        for other, likeness in credit.items():
            found[self._postings[other]] += self._weight[other] * likeness
        precision, recall = known / max(total, 1e-9), found / self._full
        overlap = (1 + BETA2) * precision * recall / np.maximum(BETA2 * precision + recall, 1e-9)
        return self._refine(overlap, "".join(asked))

    def _refine(self, overlap: np.ndarray, letters: str) -> dict[int, float]:
        """Blend in the likeness of all letters for the best candidates."""
        count = min(CANDIDATES, len(overlap))
        result: dict[int, float] = {}
        for place in np.argpartition(-overlap, count - 1)[:count]:
            if overlap[place] <= 0:
                continue
            likeness = fuzz.ratio(letters, self._phrases[place].letters) / 100
            score = float(overlap[place] + LETTERS_SHARE * (likeness - overlap[place]))
            entry = int(self._owner[place])
            result[entry] = max(result.get(entry, 0.0), score)
        return result

    def _asked_weight(self, stem: str, share: float) -> float:
        """Weigh an asked stem like the known one it may be; what nobody knows counts in full against a match."""
        known = max((self._weight[other] for other, _ in self._like(stem)), default=self._rare)
        return min(known, self._rare * share)

    def _like(self, stem: str) -> list[tuple[str, float]]:
        """Return the known stems that `stem` may be, with the likeness 0..1."""
        if stem not in self._known:
            if len(self._known) > 20_000:
                self._known.clear()
            self._known[stem] = self._find_like(stem)
        return self._known[stem]

    def _find_like(self, stem: str) -> list[tuple[str, float]]:
        exact = [(stem, 1.0)] if stem in self._postings else []
        if len(stem) < 4 or stem.isdigit():
            return exact
        cutoff = CLOSE.get(len(stem), CLOSE_LONG)
        near = process.extract(stem, self._vocabulary, scorer=fuzz.ratio, score_cutoff=cutoff, limit=6)
        return exact + [
            (other, PREFIX_CREDIT if other.startswith(stem) or stem.startswith(other) else percent / 100)
            for other, percent, _ in near
            if other != stem and len(other) >= 4
        ]
