"""Backups: recent ones, found whole."""

from collections.abc import Iterable
from datetime import timedelta

from services.backup.records import Stage
from services.doctor.shapes import Examined, Finding
from services.parts import State

STALE = timedelta(days=8)


async def check(house: Examined) -> Iterable[Finding]:
    """Look how old the newest verified backup is."""
    if house.platform is None:
        return []
    good = [
        each.created_at
        for each in await house.platform.backups.listed()
        if each.stage is Stage.READY and each.verified_at and each.created_at and not each.trouble
    ]
    hours = house.settings.backup.every_hours
    allowed = max(timedelta(hours=2 * hours), timedelta(days=1)) if hours else STALE
    newest = max(good, default=None)
    if newest is not None and house.platform.clock.now() - newest < allowed:
        return [Finding("backups", State.READY, f"The newest good backup is of {newest:%Y-%m-%d %H:%M} UTC.")]
    detail = f"The newest good backup is of {newest:%Y-%m-%d}." if newest else "There is no backup yet."
    remedy = "Make one now, and let them be made by themselves: SECRETARY_BACKUP__EVERY_HOURS=24 and __PASSPHRASE."
    return [Finding("backups", State.DEGRADED, detail, remedy, "secretary backup")]
