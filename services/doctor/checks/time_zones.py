"""The calendar: time zones are known, and the clock can be right."""

from collections.abc import Iterable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.doctor.shapes import Examined, Finding
from services.parts import State

BUILT = datetime(2026, 1, 1, tzinfo=UTC)


async def check(house: Examined) -> Iterable[Finding]:
    """Look for the zone of the settings and at the year."""
    try:
        now = datetime.now(ZoneInfo(house.settings.time_zone))
    except (ZoneInfoNotFoundError, OSError):
        return [
            Finding(
                "time", State.DEGRADED, "The data of the time zones is missing.", "Install it.", "pip install tzdata"
            )
        ]
    if now < BUILT:
        detail = f"The clock of this machine shows {now:%Y-%m-%d}."
        return [Finding("time", State.DEGRADED, detail, "Let it be set.", "sudo timedatectl set-ntp true")]
    return [Finding("time", State.READY, f"It is {now:%Y-%m-%d %H:%M} in {house.settings.time_zone}.")]
