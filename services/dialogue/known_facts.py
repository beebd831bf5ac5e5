"""What the secretary knows of the company: the facts that the owner has written, else what the settings tell.

The sample company's facts say nothing about the owner's: as soon as the settings have hours or an address, those count.
"""

from functools import cache

from services.dialogue.company import seed_company
from services.dialogue.opening_hours import hours_in_words
from services.domain import CompanyProfile


def facts_of(company: CompanyProfile, language: str) -> dict[str, str]:
    """Return the facts in `language` by key, without empty ones."""
    settings = {"hours": hours_in_words(company.hours, language), "address": company.address}
    facts = {key: text for key, text in settings.items() if text}
    for key, text in company.facts.get(language, {}).items():
        if text and not (key in facts and text == _sample(language).get(key)):
            facts[key] = text
    return facts


@cache
def _sample(language: str) -> dict[str, str]:
    return seed_company()[1].get(language, {})
