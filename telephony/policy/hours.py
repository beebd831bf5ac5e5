"""Opening hours by the clock on the company's wall, and when they are."""

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

_SPAN = re.compile(r"([0-9]{1,2}):([0-9]{2})\s*[-\u2013]\s*([0-9]{1,2}):([0-9]{2})")
_DAY = timedelta(days=1)


def _minutes(span: str) -> tuple[int, int]:
    """Return begin and end of a span in minutes since its day began; the end is past 1440 over midnight.

    Raises ValueError with a sentence.
    """
    found = _SPAN.fullmatch(span.strip())
    if found is None:
        raise ValueError(f"{span!r} is no span of time: write it like 09:00-18:00")
    hours = [int(each) for each in found.groups()]
    begin, end = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
    if max(hours[1], hours[3]) > 59 or begin >= 1440 or end > 1440:
        raise ValueError(f"{span!r} names a time that no clock shows")
    if begin == end:
        raise ValueError(f"{span!r} is empty: write 00:00-24:00 for the whole day, and no span for a closed one")
    return begin, end if end > begin else end + 1440


def _tidy(span: str) -> str:
    begin, end = _minutes(span)
    if end > 1440:
        end -= 1440
    return f"{begin // 60:02}:{begin % 60:02}-{end // 60:02}:{end % 60:02}"


def _day(value: Any) -> Any:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError(f"{value!r} is no date: write it like 2026-12-31") from None


Span = Annotated[str, AfterValidator(_tidy)]
Spans = Annotated[tuple[Span, ...], Field(strict=False, max_length=12)]
Day = Annotated[date, BeforeValidator(_day)]


class Hours(BaseModel):
    """When the company is open: spans like "09:00-18:00" for each weekday; one may run over midnight ("22:00-06:00").

    Without any weekday's span the company is always open, except on holidays.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    monday: Spans = Field(default=(), description="open on Mondays, e.g. 09:00-13:00 and 14:00-18:00")
    tuesday: Spans = Field(default=(), description="open on Tuesdays")
    wednesday: Spans = Field(default=(), description="open on Wednesdays")
    thursday: Spans = Field(default=(), description="open on Thursdays")
    friday: Spans = Field(default=(), description="open on Fridays")
    saturday: Spans = Field(default=(), description="open on Saturdays")
    sunday: Spans = Field(default=(), description="open on Sundays")
    holidays: Annotated[tuple[Day, ...], Field(strict=False, max_length=1000)] = Field(
        default=(), description="dates on which the company is closed whatever the weekday"
    )
    extra: Annotated[dict[Day, Spans], Field(max_length=1000)] = Field(
        default_factory=dict, description="dates with hours of their own, instead of the weekday's; holidays give way"
    )

    @property
    def week(self) -> tuple[Spans, ...]:
        """The spans from Monday to Sunday."""
        return (
            self.monday, self.tuesday, self.wednesday, self.thursday, self.friday, self.saturday, self.sunday
        )  # fmt: skip


def open_at(hours: Hours, zone: tzinfo, when: datetime) -> bool:
    """Tell whether the company is open at `when` (aware), by the clock on its wall in `zone`.

    A span holds from its first minute to just before its last. One that runs over midnight belongs to the day on which
    it begins. Where the clock is put back, the repeated hour counts both times as that hour of the day; where it is put
    forward, the skipped hour is not there.
    """
    wall = when.astimezone(zone).replace(tzinfo=None)
    today = wall.date()
    days = [today] if today == date.min else [today - _DAY, today]
    return any(begin <= wall < end for day in days for begin, end in _spans(hours, day))


def _spans(hours: Hours, day: date) -> Iterator[tuple[datetime, datetime]]:
    """Yield the spans that begin on `day`, as times on the wall."""
    midnight = datetime.combine(day, time())
    for span in _of_day(hours, day):
        begin, end = _minutes(span)
        yield midnight + timedelta(minutes=begin), midnight + timedelta(minutes=end)


def _of_day(hours: Hours, day: date) -> Spans:
    if day in hours.extra:
        return hours.extra[day]
    if day in hours.holidays:
        return ()
    if not any(hours.week):
        return ("00:00-24:00",)
    return hours.week[day.weekday()]
