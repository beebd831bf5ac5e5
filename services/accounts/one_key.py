"""One key for all processes: two on one database that have different keys refuse each other's tokens and secrets.

Those that run hold a lease together, in the name of their key's id (which tells nothing about the key). Where it stands
in the name of a key that this process does not know, another process works with that one right now. A key that was lost
and made anew is in nobody's way: the lease of the old one ends with those who had it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from services.accounts.secret_key import SecretKey
from services.errors import StorageError
from services.parts import Part, State
from services.storage.leases import Leases

LEASE = "secret key"
SECONDS = 15.0
NAME = "secret key"

log = structlog.get_logger()


class OneKey:
    """Looks at the start, and again some times within `seconds`; `parts` tells what was found."""

    def __init__(self, key: SecretKey, leases: Leases, file: Path, seconds: float = SECONDS) -> None:
        self._key = key
        self._leases = leases
        self._file = file
        self._seconds = seconds
        self._same = True

    def parts(self) -> list[Part]:
        """Return nothing while all is well, else what is wrong."""
        if self._same:
            return []
        return [
            Part(
                NAME,
                State.DEGRADED,
                "Another process on this database works with another key: neither lets in who has signed in at the "
                "other, nor reads the secrets that the other has stored.",
                f"Copy its secret.key over {self._file} of this one, or give both one DATA_DIR.",
            )
        ]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look, and go on looking within the context."""
        await self._look()
        task = asyncio.create_task(self._run(), name="one key")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._seconds / 3)
            await self._look()

    async def _look(self) -> None:
        try:
            same = await self._hold(await asyncio.to_thread(self._key.ids))
        except StorageError:  # what was found before is told; the database tells of itself
            return
        known, self._same = self._same, same
        if known:
            for part in self.parts():
                log.error("two keys on one database", problem=part.detail, remedy=part.remedy)

    async def _hold(self, ids: list[str]) -> bool:
        """Hold the lease for longer, in the name of the current key; False while it is in that of a strange one."""
        current, holder = ids[0], await self._leases.holder(LEASE)
        if holder not in ("", current) and holder in ids:  # the key was rotated
            former = await self._leases.take(LEASE, holder, self._seconds)
            if former is not None:
                await self._leases.release(former)
        return await self._leases.take(LEASE, current, self._seconds) is not None
