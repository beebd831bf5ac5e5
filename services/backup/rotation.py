"""Which backups are kept: the last of each day, week and month, as far back as is asked for."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo


def superfluous(made: Sequence[tuple[str, datetime]], daily: int, weekly: int, monthly: int, zone: tzinfo) -> list[str]:
    """Return the names of those of `made` (name, when) that no rule keeps; the newest one always stays.

    Periods are those in which there was a backup: an installation that was off for a year loses none for it.
    """
    newest_first = sorted(made, key=lambda each: each[1], reverse=True)
    kept = {name for name, _ in newest_first[:1]}
    for count, form in ((daily, "%Y-%m-%d"), (weekly, "%G-%V"), (monthly, "%Y-%m")):
        periods: dict[str, str] = {}
        for name, moment in newest_first:
            periods.setdefault(moment.astimezone(zone).strftime(form), name)
        kept.update(list(periods.values())[:count])
    return [name for name, _ in newest_first if name not in kept]


def next_time(now: datetime, at: str, every_hours: int, zone: tzinfo) -> datetime:
    """Return the first moment after `now` that is some multiple of `every_hours` away from a day's `at` in `zone`."""
    hour, minute = map(int, at.split(":"))
    moment = now.astimezone(zone).replace(hour=hour, minute=minute, second=0, microsecond=0)
    if every_hours % 24 == 0:
        # Whole days are counted on the local calendar: 03:30 stays 03:30 when summer time begins.
        days = every_hours // 24
        moment -= timedelta(days=moment.toordinal() % days)
        return moment if moment > now else moment + timedelta(days=days)
    # Hours are counted in UTC: on a local clock that is put forward or back, one is missing or comes twice.
    moment = (moment - timedelta(days=1)).astimezone(UTC)
    step = timedelta(hours=every_hours)
    return moment + step * ((now - moment) // step + 1)
