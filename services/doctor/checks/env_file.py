"""The settings file, which may hold passwords: closed to others."""

from collections.abc import Iterable

from services.doctor.private_files import expect_private
from services.doctor.shapes import Examined, Finding


async def check(house: Examined) -> Iterable[Finding]:
    """Look at the rights of .env, where there is one."""
    return expect_private("settings file", house.env_file, 0o600, "The settings file")
