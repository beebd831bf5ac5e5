"""FAQ matching: finds the entry a caller means, or says that there is none.

A wrong answer is worse than none, so `best` asks for a high score and for a clear lead over every other entry.
"""

import asyncio
from dataclasses import dataclass

from services.domain import FaqEntry
from services.knowledge.index import FRAGMENT, FaqIndex
from services.knowledge.shapes import FaqMatch, FaqSource
from services.knowledge.words import Words, words_of

THRESHOLD = 0.65
MARGIN = 0.06
IN_LOOP = 20_000  # phrases one search may look at inside the event loop; a bigger index is searched in a thread
HINTS = 100
TOLD = 50  # answers
PARTS = 6  # clauses looked at one by one; whoever tells a story is matched as a whole
TOGETHER = 2  # questions answered in one breath; nobody remembers more


@dataclass(frozen=True, slots=True)
class _Kept:
    revision: str
    indexes: dict[str, FaqIndex]
    hints: dict[str, list[str]]
    told: dict[str, list[str]]


class FaqMatcher:
    """Matches utterances against the FAQ of a company; the index is rebuilt when the source's revision changes."""

    def __init__(
        self,
        source: FaqSource,
        kept: dict[str, _Kept] | None = None,
        locks: dict[str, asyncio.Lock] | None = None,
    ) -> None:
        """`kept` and `locks` are another matcher's, to share its indexes."""
        self._source = source
        self._kept = {} if kept is None else kept
        self._locks = {} if locks is None else locks

    def at(self, revision: str) -> "FaqMatcher":
        """Return this matcher for a single answer, with the company's revision as it has just been read."""
        return FaqMatcher(_Read(self._source, revision), self._kept, self._locks)

    async def match(self, company_id: str, text: str, language: str, limit: int = 3) -> list[FaqMatch]:
        """Return up to `limit` candidates among the entries in `language`, best first, however unlikely they are."""
        return await _search((await self._current(company_id)).indexes.get(language), text, limit)

    async def best(self, company_id: str, text: str, language: str) -> FaqMatch | None:
        """Return the entry that answers `text`, or None when no entry surely does."""
        return _sure(await self.match(company_id, text, language, limit=2))

    async def answers(self, company_id: str, text: str, language: str) -> list[FaqMatch]:
        """Return what answers `text`: an entry for each of two questions in it, else the best one, or nothing."""
        index, words = (await self._current(company_id)).indexes.get(language), words_of(language)
        found: dict[str, FaqMatch] = {}
        for part in words.clauses(text)[1 : 1 + PARTS] if words else ():
            match = _sure(await _search(index, part, 2))
            if match is not None and match.score * FRAGMENT >= THRESHOLD:
                found.setdefault(match.entry.id, match)
        if len(found) == TOGETHER:
            return list(found.values())
        best = _sure(await _search(index, text, 2))
        return [best] if best is not None else []

    async def hints(self, company_id: str, language: str) -> list[str]:
        """Return phrases that callers are likely to say, for the ears: the questions first, then their alternatives."""
        return list((await self._current(company_id)).hints.get(language, ()))

    async def told(self, company_id: str, language: str) -> list[str]:
        """Return the answers of the first entries in `language`, oldest first: 50 at most."""
        return list((await self._current(company_id)).told.get(language, ()))

    async def _current(self, company_id: str) -> _Kept:
        revision = await self._source.revision(company_id)
        kept = self._kept.get(company_id)
        if kept is not None and kept.revision == revision:
            return kept
        async with self._locks.setdefault(company_id, asyncio.Lock()):
            kept = self._kept.get(company_id)
            if kept is None or kept.revision != revision:
                entries = [each for each in await self._source.entries(company_id) if each.enabled]
                kept = await asyncio.to_thread(_build, revision, entries)
                self._kept[company_id] = kept
        return kept


@dataclass(frozen=True, slots=True)
class _Read:
    """The source of a company whose revision is known: it is not asked for it again."""

    source: FaqSource
    known: str

    async def revision(self, _company_id: str) -> str:
        return self.known

    async def entries(self, company_id: str) -> list[FaqEntry]:
        return await self.source.entries(company_id)


async def _search(index: FaqIndex | None, text: str, limit: int) -> list[FaqMatch]:
    if index is None or not text.strip() or limit < 1:
        return []
    if index.size > IN_LOOP:
        return await asyncio.to_thread(index.search, text, limit)
    return index.search(text, limit)


def _sure(found: list[FaqMatch]) -> FaqMatch | None:
    """Return the first of the two best candidates when its score is high and the second is clearly behind."""
    if not found or found[0].score < THRESHOLD:
        return None
    if len(found) > 1 and found[0].score - found[1].score < MARGIN:
        return None
    return found[0]


def _build(revision: str, entries: list[FaqEntry]) -> _Kept:
    indexes: dict[str, FaqIndex] = {}
    hints: dict[str, list[str]] = {}
    told: dict[str, list[str]] = {}
    for language in {each.language for each in entries}:
        own = [each for each in entries if each.language == language]
        words: Words | None = words_of(language)
        if words is not None:
            indexes[language] = FaqIndex(own, words)
        phrases = [each.question for each in own] + [other for each in own for other in each.alternatives]
        hints[language] = list(dict.fromkeys(phrases))[:HINTS]
        told[language] = [each.answer for each in own[:TOLD]]
    return _Kept(revision, indexes, hints, told)
