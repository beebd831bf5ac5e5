"""The installation's key: closed to others."""

from collections.abc import Iterable

from services.doctor.private_files import expect_private
from services.doctor.shapes import Examined, Finding


async def check(house: Examined) -> Iterable[Finding]:
    """Look at the rights of data/secret.key."""
    return expect_private("secret key", house.settings.data_dir / "secret.key", 0o600, "The key")
