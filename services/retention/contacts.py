"""A contact's number in the spellings in which it may be stored."""

from services.storage.people.companies import Companies
from services.text.phone_numbers import normal, region_of, spellings


async def spelled(companies: Companies, company_id: str, number: str) -> tuple[str, ...]:
    """Return every spelling of a number, E.164 first: "8 916 123-45-67" is +79161234567 to a company in Russia.

    What is no number (the name of a sender, an e-mail address) has one spelling. Raises StorageError.
    """
    profile = await companies.profile(company_id)
    region = region_of(profile.time_zone, profile.language) if profile else region_of("", "")
    usual = normal(number, region) or number
    small = (number.casefold(),) if "@" in number else ()
    return tuple(dict.fromkeys((*spellings(usual, region), number, *small)))
