"""Somebody who may administer this installation."""

from collections.abc import Iterable

from services.accounts.roles import Role
from services.doctor.shapes import Examined, Finding
from services.parts import State


async def check(house: Examined) -> Iterable[Finding]:
    """Look for an owner."""
    if house.platform is None:
        return []
    if await house.platform.books.users.count(Role.OWNER):
        return [Finding("owner", State.READY, "There is an owner.")]
    return [
        Finding(
            "owner",
            State.DEGRADED,
            "Nobody can administer this installation yet.",
            "Make an owner; the command asks for the password.",
            "secretary users add owner --role owner",
        )
    ]
