"""Backups: recent ones, found whole."""

import os
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from services.backup.records import Stage
from services.doctor.shapes import Examined, Finding
from services.parts import State

STALE = timedelta(days=8)


async def check(house: Examined) -> Iterable[Finding]:
    """Look how old the newest verified backup is."""
    if house.platform is None:
        return []
    if not _writable(folder := house.platform.backups.folder):
        return [
            Finding(
                "backups",
                State.DEGRADED,
                f"No backup can be written to {folder}.",
                "Make it a folder that this user may write to, or name another with SECRETARY_BACKUP__FOLDER.",
            )
        ]
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


def _writable(folder: Path) -> bool:
    """Tell whether files can be made in `folder`, or the folder itself where it is missing."""
    there = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK) and not os.statvfs(there).f_flag & os.ST_RDONLY
