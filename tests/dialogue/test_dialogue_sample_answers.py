"""The sample's answers are not told in another company's name."""

from dataclasses import replace

import pytest

from services.dialogue.company import seed_company
from services.dialogue.sample_answers import in_own_facts
from services.domain import CompanyProfile
from services.knowledge.seed import seed_faq
from services.knowledge.shapes import FaqMatch

SAMPLE = CompanyProfile("c", "Mint Dental", "en", "UTC", seed_company()[1])
OWN = CompanyProfile("c", "Bakery", "en", "UTC", {each: {"hours": "From six."} for each in ("en", "ru")})


def matches(language: str) -> dict[str, FaqMatch]:
    return {entry.id.rpartition("-")[2]: FaqMatch(entry, 0.9) for entry in seed_faq(language)}


def answers(found: list[FaqMatch], company: CompanyProfile) -> list[str]:
    return [match.entry.answer for match in in_own_facts(found, company)]


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_sample_answer_tells_the_companys_own_fact_or_nothing(language: str) -> None:
    of = matches(language)
    asked = [of["hours"], of["address"], of["prices"], of["who"]]
    assert answers(asked, SAMPLE) == [each.entry.answer for each in asked]
    assert answers(asked, OWN) == ["From six.", of["who"].entry.answer]
    assert answers([of["hours"]], replace(SAMPLE, address="12 Green Street")) == [of["hours"].entry.answer]


def test_what_the_owner_wrote_stays() -> None:
    mine = FaqMatch(replace(matches("en")["hours"].entry, answer="Ring the bell."), 0.9)
    assert answers([mine], OWN) == ["Ring the bell."]
