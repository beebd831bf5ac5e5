"""Usage by day, counted in memory and written every few seconds: nobody waits for the disk to be counted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, date

import structlog

from services.clock import Clock
from services.errors import StorageError
from services.storage.people.usage import Usage, UsageKey

FLUSH_SECONDS = 5.0
_KNOWN_FOR = 5.0  # seconds until a sum is read again: other processes count, too
_KEYS = 20_000

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Sum:
    stored: int
    read_at: float


class UsageCounter:
    """What is not written yet counts at once in this process, after some seconds in the others.

    A power cut loses what was counted within the last FLUSH_SECONDS; while the database is away it is kept in memory.
    """

    def __init__(self, usage: Usage, clock: Clock) -> None:
        self._usage = usage
        self._clock = clock
        self._waiting: dict[UsageKey, int] = {}
        self._being_written: dict[UsageKey, int] = {}
        self._sums: dict[tuple[UsageKey, bool], _Sum] = {}
        self._writing = asyncio.Lock()

    def today(self) -> date:
        """Return the day that is counted now, in UTC."""
        return self._clock.now().astimezone(UTC).date()

    def add(self, company_id: str, kind: str, owner_id: str = "", count: int = 1) -> None:
        """Count; a negative count takes back."""
        key = UsageKey(company_id, self.today(), kind, owner_id)
        if key not in self._waiting and len(self._waiting) >= _KEYS:
            log.warning("usage is not counted: the database has been away for too long", company=company_id)
            return
        self._waiting[key] = self._waiting.get(key, 0) + count

    async def read(self, company_id: str, kind: str, owner_id: str | None = None) -> None:
        """Have today's sum at hand for `used`, not older than a few seconds; one that cannot be read stays as it was.

        With None it is the whole company's.
        """
        key = UsageKey(company_id, self.today(), kind, owner_id or "")
        name, now = (key, owner_id is None), self._clock.monotonic()
        known = self._sums.get(name)
        if known is not None and now - known.read_at < _KNOWN_FOR:
            return
        async with self._writing:  # or what is being written was counted twice, or not at all
            try:
                stored = await self._usage.used(company_id, key.day, kind, owner_id)
            except StorageError:
                stored = known.stored if known else 0
            if len(self._sums) >= _KEYS:
                self._sums.clear()
            self._sums[name] = _Sum(stored, now)

    def used(self, company_id: str, kind: str, owner_id: str | None = None) -> int:
        """Return how much was used today: what is stored, as `read` found it, and what is not written yet."""
        key = UsageKey(company_id, self.today(), kind, owner_id or "")
        found = self._sums.get((key, owner_id is None))
        return (found.stored if found else 0) + sum(
            count
            for counts in (self._waiting, self._being_written)
            for each, count in counts.items()
            if (each.company_id, each.day, each.kind) == (company_id, key.day, kind)
            and (owner_id is None or each.owner_id == owner_id)
        )

    async def flush(self) -> None:
        """Write what waits. Raises StorageError; it is kept then."""
        async with self._writing:
            self._being_written, self._waiting = self._waiting, {}
            try:
                await self._usage.add(self._being_written)
            except BaseException:
                for key, count in self._being_written.items():
                    self._waiting[key] = self._waiting.get(key, 0) + count
                raise
            else:
                self._stored(self._being_written)
            finally:
                self._being_written = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Write every few seconds within the context."""
        task = asyncio.create_task(self._write_again_and_again(), name="usage")
        try:
            yield
        finally:
            async with self._writing:  # what is cut off while it commits was written or not: nobody knew
                task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def close(self) -> None:
        """Write the rest."""
        with suppress(StorageError):  # it was logged by the database, and nothing more can be done
            await self.flush()

    async def _write_again_and_again(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            try:
                await self.flush()
            except StorageError as error:
                log.debug("usage could not be written, it will be later", error=str(error))

    def _stored(self, written: dict[UsageKey, int]) -> None:
        """Move what was written into the sums that are known; those of other days are dropped."""
        today = self.today()
        for name in [name for name in self._sums if name[0].day != today]:
            del self._sums[name]
        for key, count in written.items():
            for name in ((key, False), (replace(key, owner_id=""), True)):
                if known := self._sums.get(name):
                    self._sums[name] = _Sum(known.stored + count, known.read_at)
