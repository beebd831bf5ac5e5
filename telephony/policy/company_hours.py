"""The opening hours of a line that has none of its own: the company's."""

import structlog

from services.domain import CompanyProfile
from telephony.policy.hours import Hours
from telephony.policy.policy import LinePolicy

ALWAYS = Hours()

log = structlog.get_logger()


def with_company_hours(policy: LinePolicy, company: CompanyProfile) -> LinePolicy:
    """Return the policy as it holds for a line of this company."""
    if policy.hours != ALWAYS or not (any(company.hours.values()) or company.holidays):
        return policy
    try:
        hours = hours_of(company)
    except ValueError:  # pydantic's, too: another version wrote them
        log.warning("the company's opening hours cannot be read", company=company.id)
        return policy
    return policy.model_copy(update={"hours": hours})


def hours_of(company: CompanyProfile) -> Hours:
    """Return a company's hours as a line's. Raises ValueError."""
    week = {day: _spans(spans) for day, spans in company.hours.items()}
    closed = [day for day, spans in company.holidays.items() if not spans]
    extra = {day: _spans(spans) for day, spans in company.holidays.items() if spans}
    return Hours.model_validate({**week, "holidays": closed, "extra": extra})


def _spans(spans: str) -> tuple[str, ...]:
    return tuple(filter(None, spans.split(",")))
