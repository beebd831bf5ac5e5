"""Companies as the API shows them."""

from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from typing import Annotated, Any
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.calls.shapes import PRINTED
from api.content.text_shapes import Edit
from services.accounts.plans import checked_limits, plans
from services.errors import RefusedError
from services.settings import LANGUAGES
from services.storage.people.companies import CompanyRecord

_LINES = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
_RANGE = r"([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)"


def _hours(value: str) -> str:
    """Return hours as they are kept. Raises ValueError unless each range begins after the one before has ended."""
    last = ""
    for span in filter(None, value.split(",")):
        begin, _, end = span.partition("-")
        if begin < last or end <= begin:
            raise ValueError("write hours in their order, like 09:00-13:00,14:00-18:00")
        last = end
    return value


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())  # walks through some hundred files


def _zone(value: str) -> str:
    if value not in _zones():
        raise ValueError("no IANA time zone, such as Europe/Moscow")
    return value


def _language(value: str) -> str:
    if value not in LANGUAGES:
        raise ValueError(f"the secretary speaks {', '.join(LANGUAGES)}")
    return value


def _plan(value: str) -> str:
    if value not in plans():
        raise ValueError(f"the plans are {', '.join(sorted(plans()))}")
    return value


def _limits(value: dict[str, int | None]) -> dict[str, int | None]:
    try:
        return checked_limits(value)
    except RefusedError as error:
        raise ValueError(str(error)) from None


CompanyName = Annotated[
    str, Field(min_length=1, max_length=100, pattern=rf"^{PRINTED}*[^\s\x00-\x1f\x7f]{PRINTED}*$", examples=["Bakery"])
]
Hours = Annotated[
    str, Field(pattern=rf"^({_RANGE}(,{_RANGE}){{0,3}})?$", examples=["09:00-18:00"]), AfterValidator(_hours)
]
"""Opening hours of a day, up to four ranges in their order; "": closed."""

FactKey = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Fact = Annotated[str, Field(max_length=2000, pattern=_LINES)]
FactLanguage = Annotated[str, Field(pattern=r"^[a-z]{2}$")]
Facts = Annotated[
    dict[FactLanguage, Annotated[dict[FactKey, Fact], Field(max_length=100)]],
    Field(max_length=20, examples=[{"en": {"hours": "from nine to six", "address": "12 Green Street"}}]),
]


class Week(BaseModel):
    """Opening hours by weekday."""

    model_config = ConfigDict(extra="forbid")

    monday: Hours = ""
    tuesday: Hours = ""
    wednesday: Hours = ""
    thursday: Hours = ""
    friday: Hours = ""
    saturday: Hours = ""
    sunday: Hours = ""


class Holiday(BaseModel):
    """A day with hours of its own; "": closed."""

    model_config = ConfigDict(extra="forbid")

    day: Annotated[date, Field(examples=["2027-01-01"])]
    name: Annotated[str, Field(max_length=100, pattern=rf"^{PRINTED}*$")] = ""
    hours: Hours = ""


class CompanySettings(BaseModel):
    """What else is laid down for a company."""

    model_config = ConfigDict(extra="forbid")

    address: Annotated[str, Field(max_length=500, pattern=_LINES, examples=["12 Green Street"])] = ""
    hours: Week = Week()
    holidays: Annotated[list[Holiday], Field(max_length=400)] = []


CompanyLanguage = Annotated[str, Field(max_length=8, examples=["ru"]), AfterValidator(_language)]
TimeZone = Annotated[str, Field(max_length=64, examples=["Europe/Moscow"]), AfterValidator(_zone)]
PlanName = Annotated[str, Field(max_length=40, examples=["standard"]), AfterValidator(_plan)]
OwnLimits = Annotated[
    dict[Annotated[str, Field(max_length=100)], int | None], Field(max_length=100), AfterValidator(_limits)
]
"""Limits in place of the plan's; null: no such limit."""


class NewCompany(BaseModel):
    """A company to make. `facts` are what the secretary may tell, by language, then key."""

    model_config = ConfigDict(extra="forbid")

    name: CompanyName
    language: CompanyLanguage
    time_zone: TimeZone
    facts: Facts = {}
    settings: CompanySettings = CompanySettings()
    plan: PlanName = "standard"
    limits: OwnLimits = {}

    def values(self) -> dict[str, Any]:
        """Return what the repository stores."""
        return _with_limits(self.model_dump(mode="json"))


class CompanyEdit(Edit):
    """What the administrator of a company changes; address, hours, holidays and facts are replaced, each as a whole."""

    name: CompanyName | None = None
    language: CompanyLanguage | None = None
    time_zone: TimeZone | None = None
    facts: Facts | None = None
    settings: CompanySettings | None = None

    def changes(self) -> dict[str, Any]:
        """Return what the repository sets: what was given."""
        values = self.model_dump(mode="json", exclude_unset=True)
        return _with_limits({name: value for name, value in values.items() if value is not None})


class OwnersCompanyEdit(CompanyEdit):
    """What an owner of the installation changes of a company: its plan and limits, too."""

    plan: PlanName | None = None
    limits: OwnLimits | None = None


def _with_limits(values: dict[str, Any]) -> dict[str, Any]:
    """Put the limits where they are stored: among the settings."""
    if "limits" in values:
        values["settings"] = {**values.get("settings", {}), "limits": values.pop("limits")}
    return values


class CompanyShown(BaseModel):
    """A company. Nobody signs in to one that is not active; its calls are answered all the same."""

    id: str
    name: str
    language: str
    time_zone: str
    facts: Mapping[str, Mapping[str, str]]
    settings: CompanySettings
    plan: str
    limits: Mapping[str, int | None]
    active: bool
    version: int
    created_at: datetime
    updated_at: datetime | None


def shown(company: CompanyRecord) -> CompanyShown:
    """Return what is shown of a company; settings that an older version wrote are shown as far as they are known."""
    stored = {name: company.settings[name] for name in CompanySettings.model_fields if name in company.settings}
    return CompanyShown(
        id=company.id,
        name=company.name,
        language=company.language,
        time_zone=company.time_zone,
        facts=company.facts,
        settings=CompanySettings.model_validate(stored),
        plan=company.plan,
        limits=company.settings.get("limits", {}),
        active=company.active,
        version=company.version,
        created_at=company.created_at,
        updated_at=company.updated_at,
    )
