"""Waiting for what happens by itself: looked for again and again, with an end."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def eventually(look: Callable[[], Awaitable[T]], holds: Callable[[T], bool] = bool, seconds: float = 20.0) -> T:
    """Return what `look` finds as soon as it `holds`; fail, telling what was there last, after `seconds`."""
    end = asyncio.get_running_loop().time() + seconds
    while not holds(found := await look()):
        assert asyncio.get_running_loop().time() < end, f"it stayed {found!r}"
        await asyncio.sleep(0.01)
    return found
