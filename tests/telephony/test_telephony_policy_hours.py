from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.policy.hours import Hours, open_at

MOSCOW, BERLIN, CHATHAM = ZoneInfo("Europe/Moscow"), ZoneInfo("Europe/Berlin"), ZoneInfo("Pacific/Chatham")
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
OFFICE = Hours(monday=("09:00-13:00", "14:00-18:00"), friday=("22:00-06:00",))

minutes = st.integers(0, 1439)
spans = st.tuples(minutes, minutes).filter(lambda pair: pair[0] != pair[1])
weeks = st.lists(st.lists(spans, max_size=3), min_size=7, max_size=7)
moments = st.integers(1_577_836_800, 1_924_991_999).map(lambda second: datetime.fromtimestamp(second, UTC))  # ten years
# Clocks jump in the night in Berlin, by half an hour in Lord Howe, at midnight in Havana and Beirut, by a day in Apia.
zones = st.sampled_from(
    ["Europe/Moscow", "Europe/Berlin", "Australia/Lord_Howe", "America/Havana", "Asia/Beirut", "Pacific/Apia", "UTC"]
)


def text(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def week(given_week: list[list[tuple[int, int]]], **more: object) -> Hours:
    listed = {day: [f"{text(a)}-{text(b)}" for a, b in each] for day, each in zip(DAYS, given_week, strict=True)}
    return Hours.model_validate({**listed, **more})


def at(zone: ZoneInfo, *when: int) -> datetime:
    return datetime(*when, tzinfo=zone)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("when", "opened"),
    [
        ((2026, 11, 23, 8, 59), False),  # a Monday
        ((2026, 11, 23, 9, 0), True),
        ((2026, 11, 23, 12, 59), True),
        ((2026, 11, 23, 13, 0), False),
        ((2026, 11, 23, 14, 0), True),
        ((2026, 11, 23, 18, 0), False),
        ((2026, 11, 24, 10, 0), False),
        ((2026, 11, 27, 21, 59), False),  # a Friday
        ((2026, 11, 27, 23, 59), True),
        ((2026, 11, 28, 0, 0), True),
        ((2026, 11, 28, 5, 59), True),
        ((2026, 11, 28, 6, 0), False),
        ((2026, 11, 28, 22, 30), False),
    ],
)
def test_the_week(when: tuple[int, ...], *, opened: bool) -> None:
    assert open_at(OFFICE, MOSCOW, at(MOSCOW, *when)) is opened


def test_holidays_and_days_of_their_own() -> None:
    hours = Hours(
        monday=("09:00-18:00",),
        friday=("22:00-06:00",),
        holidays=(date(2026, 11, 23), date(2026, 11, 28), date(2026, 11, 30)),
        extra={date(2026, 11, 29): ("10:00-12:00",), date(2026, 11, 30): ("10:00-12:00",), date(2026, 12, 7): ()},
    )
    assert not open_at(hours, MOSCOW, at(MOSCOW, 2026, 11, 23, 10))
    assert open_at(hours, MOSCOW, at(MOSCOW, 2026, 11, 28, 3)), "Friday's night goes on into the holiday"
    assert open_at(hours, MOSCOW, at(MOSCOW, 2026, 11, 29, 11)), "a Sunday with hours of its own"
    assert open_at(hours, MOSCOW, at(MOSCOW, 2026, 11, 30, 11)), "hours of its own are stronger than the holiday"
    assert not open_at(hours, MOSCOW, at(MOSCOW, 2026, 11, 30, 9))
    assert not open_at(hours, MOSCOW, at(MOSCOW, 2026, 12, 7, 11))


def test_without_hours_it_is_always_open_but_on_holidays() -> None:
    hours = Hours(holidays=(date(2027, 1, 1),))
    assert open_at(hours, MOSCOW, at(MOSCOW, 2026, 12, 31, 23, 59))
    assert not open_at(hours, MOSCOW, at(MOSCOW, 2027, 1, 1, 12))
    assert open_at(hours, MOSCOW, at(MOSCOW, 2027, 1, 2, 0))


def test_the_company_s_clock_counts_whatever_the_server_s() -> None:
    assert open_at(OFFICE, MOSCOW, datetime(2026, 11, 23, 6, 0, tzinfo=UTC))
    assert not open_at(OFFICE, BERLIN, datetime(2026, 11, 23, 6, 0, tzinfo=UTC))


def test_the_clock_is_put_forward_and_back() -> None:
    hours = Hours(sunday=("02:00-03:00",))
    opened = [
        sum(open_at(hours, BERLIN, day + timedelta(minutes=n)) for n in range(24 * 60))
        for day in (
            datetime(2026, 3, 29, tzinfo=UTC) - timedelta(hours=1),  # the hour from 2 to 3 is not there
            datetime(2026, 10, 25, tzinfo=UTC) - timedelta(hours=2),  # it comes twice
            datetime(2026, 11, 1, tzinfo=UTC) - timedelta(hours=1),
        )
    ]
    assert opened == [0, 120, 60]


@settings(max_examples=80, deadline=None)
@given(weeks, moments, zones)
def test_the_wall_clock_alone_decides(given_week: list[list[tuple[int, int]]], moment: datetime, zone: str) -> None:
    hours, when = week(given_week), moment
    wall = when.astimezone(ZoneInfo(zone)).replace(tzinfo=UTC)
    assert open_at(hours, ZoneInfo(zone), when) == open_at(hours, UTC, wall)


@settings(max_examples=80, deadline=None)
@given(weeks, moments)
def test_a_span_over_midnight_is_one_until_midnight_and_one_from_it(
    given_week: list[list[tuple[int, int]]], moment: datetime
) -> None:
    cut: list[list[tuple[int, int]]] = [[] for _ in DAYS]
    for day, each in enumerate(given_week):
        for begin, end in each:
            if end > begin:
                cut[day].append((begin, end))
            else:
                cut[day].append((begin, 1440))
                if end:
                    cut[(day + 1) % 7].append((0, end))
    if not any(cut):
        return
    minute = moment.hour * 60 + moment.minute
    expected = any(begin <= minute < end for begin, end in cut[moment.weekday()])
    assert open_at(week(given_week), UTC, moment) is expected


@settings(max_examples=80, deadline=None)
@given(moments, zones)
def test_round_the_clock_is_open_through_every_change(moment: datetime, zone: str) -> None:
    hours = Hours.model_validate({day: ["00:00-24:00"] for day in DAYS})
    assert open_at(hours, ZoneInfo(zone), moment)
