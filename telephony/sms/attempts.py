"""Doing many things of which some may fail, so that none keeps the others waiting."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from services.errors import LineError, StorageError

LONG = 1.0
"""Seconds: a database or a modem that needs longer to fail is away, and would fail the others as slowly."""


async def attempt_all(attempts: Iterable[Callable[[], Awaitable[None]]]) -> None:
    """Make every attempt and raise the first failure (LineError or StorageError) at the end, a slow one at once."""
    loop = asyncio.get_running_loop()
    failed: LineError | StorageError | None = None
    for attempt in attempts:
        started = loop.time()
        try:
            await attempt()
        except (LineError, StorageError) as error:
            if loop.time() - started > LONG:
                raise
            failed = failed or error
    if failed is not None:
        raise failed
