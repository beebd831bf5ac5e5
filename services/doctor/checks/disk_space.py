"""Room for recordings and the database."""

import shutil
from collections.abc import Iterable

from services.doctor.shapes import Examined, Finding
from services.parts import State

LITTLE = 1 << 30
NONE = 100 << 20


async def check(house: Examined) -> Iterable[Finding]:
    """Look at the disk of DATA_DIR."""
    folder = house.settings.data_dir
    if not folder.exists():
        return []
    free = shutil.disk_usage(folder).free
    detail = f"The disk of {folder} has {free / 1e9:.1f} GB free."
    if free >= LITTLE:
        return [Finding("disk space", State.READY, detail)]
    state = State.DEGRADED if free >= NONE else State.DOWN
    remedy = "Free some space: shorten SECRETARY_RETENTION__, delete old backups, or move SECRETARY_BACKUP__FOLDER."
    return [Finding("disk space", state, detail, remedy, required=True)]
