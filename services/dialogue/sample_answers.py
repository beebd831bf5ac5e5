"""The sample FAQ's answers about hours, address and prices: they give way to what the owner says of the company.

A new company begins with the questions of the sample company. Their many wordings are worth keeping; their answers are
another company's as soon as its facts are.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from services.dialogue.company import seed_company
from services.dialogue.known_facts import facts_of
from services.domain import CompanyProfile
from services.knowledge.seed import seed_faq
from services.knowledge.shapes import FaqMatch

_KEYS = ("hours", "address", "prices")


def in_own_facts(found: Sequence[FaqMatch], company: CompanyProfile) -> list[FaqMatch]:
    """Return the matches: a sample answer about a fact tells the company's own, and is left out where there is none.

    While the fact is the sample's, so is the answer. What the owner wrote stays.
    """
    kept = []
    for match in found:
        language = match.entry.language
        key = _about(language).get(match.entry.answer)
        if key is None or (fact := facts_of(company, language).get(key)) == _sample()[language][key]:
            kept.append(match)
        elif fact:
            kept.append(replace(match, entry=replace(match.entry, answer=fact)))
    return kept


@cache
def _about(language: str) -> dict[str, str]:
    """Return which fact each sample answer is about."""
    ids = {f"seed-{language}-{key}": key for key in _KEYS}
    return {entry.answer: ids[entry.id] for entry in seed_faq(language) if entry.id in ids}


@cache
def _sample() -> dict[str, dict[str, str]]:
    return seed_company()[1]
