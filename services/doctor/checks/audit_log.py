"""The audit log: its chain holds."""

from collections.abc import Iterable

from services.doctor.shapes import Examined, Finding
from services.storage.audit.log import Audit


async def check(house: Examined) -> Iterable[Finding]:
    """Check every entry against the one before."""
    if house.platform is None:
        return []
    part = (await Audit(house.platform.database).verify()).part()
    return [Finding("audit log", part.state, part.detail, part.remedy)]
