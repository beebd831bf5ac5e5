"""What is told of a company: the owner's facts, else the settings, never the sample once there is something true."""

import pytest

from services.dialogue.company import seed_company
from services.dialogue.known_facts import facts_of
from services.dialogue.opening_hours import hours_in_words
from services.domain import CompanyProfile

WEEK = {**dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday"), "09:00-13:00,14:00-18:00"),
        "saturday": "10:00-24:00"}  # fmt: skip


@pytest.mark.parametrize(
    ("hours", "language", "words"),
    [
        (WEEK, "en", "We are open Monday to Friday from 9:00 to 13:00 and from 14:00 to 18:00, on Saturday from 10:00 "
                     "to midnight. We are closed on Sunday."),
        (WEEK, "ru", "Мы работаем с понедельника по пятницу с 9:00 до 13:00 и с 14:00 до 18:00, в субботу с 10:00 до "
                     "полуночи. Не работаем в воскресенье."),
        (dict.fromkeys((*WEEK, "sunday"), "00:00-24:00"), "ru", "Мы работаем каждый день круглосуточно."),
        ({"tuesday": "08:30-09:00"}, "en", "We are open on Tuesday from 8:30 to 9:00. We are closed on Monday, "
                                          "Wednesday to Sunday."),
        ({"monday": ""}, "en", ""),
        (WEEK, "de", ""),
    ],
)  # fmt: skip
def test_hours_are_told_in_words(hours: dict[str, str], language: str, words: str) -> None:
    assert hours_in_words(hours, language) == words


def test_the_settings_stand_in_for_facts_and_for_the_samples_only() -> None:
    _, sample = seed_company()
    shop = CompanyProfile("c", "Bakery", "en", "UTC", sample, address="12 Green Street", hours=WEEK)
    facts = facts_of(shop, "en")
    assert facts["address"] == "12 Green Street"
    assert facts["hours"].startswith("We are open Monday to Friday from 9:00 to 13:00")
    assert facts["prices"] == sample["en"]["prices"], "the settings say nothing of prices"
    written = CompanyProfile("c", "Bakery", "en", "UTC", {"en": {"hours": "Ring the bell."}}, hours=WEEK)
    assert facts_of(written, "en") == {"hours": "Ring the bell."}
    assert facts_of(CompanyProfile("c", "Bakery", "en", "UTC", sample), "en") == sample["en"]
