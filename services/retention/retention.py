"""The daily clean-up: what was kept long enough goes, and so do sound files that nobody knows."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import islice

import structlog

from services.clock import Clock
from services.errors import SecretaryError
from services.retention.settings import RetentionSettings
from services.retention.sounds import SoundFile, SoundFiles
from services.retention.sweeps import BATCH, Sweep, sweep_all
from services.storage.leases import Leases
from services.storage.privacy.retention import OldCall, RetentionBook

LEASE = "job:retention"
DAILY = 86_400.0
RETRY = 3_600.0
ORPHAN_AGE = timedelta(hours=25)
"""What names a sound may wait a day to be stored while the database is away."""

log = structlog.get_logger()


class Retention:
    """Deletes file by file and batch by batch, so that calls that go on notice nothing.

    Files go before what names them (see Eraser). It may be stopped anywhere: the next round goes on. Of several
    processes on one database one does it.
    """

    def __init__(
        self,
        settings: RetentionSettings,
        book: RetentionBook,
        sounds: SoundFiles,
        clock: Clock,
        leases: Leases,
        sweeps: Iterable[Sweep] = (),
    ) -> None:
        self._settings = settings
        self._book = book
        self._sounds = sounds
        self._clock = clock
        self._leases = leases
        self._sweeps = list(sweeps)

    def add(self, sweep: Sweep) -> None:
        """Sweep out something more, from the next round on."""
        self._sweeps.append(sweep)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Clean up now and once a day, within the context."""
        task = asyncio.create_task(self._run(), name="retention")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def clean_up(self) -> None:
        """Do one round. Raises StorageError."""
        now = self._clock.now()
        recordings = await self._forget_recordings(now)
        calls = await self._remove_calls(now)
        texts = await self._remove_texts(now)
        orphans = await self._sweep(now)
        swept = await sweep_all(self._sweeps, now)
        if recordings or calls or texts or orphans or swept:
            log.info("cleaned up", recordings=recordings, calls=calls, texts=texts, orphans=orphans, **swept)

    async def _run(self) -> None:
        while True:
            pause = DAILY
            try:
                await self._leases.run_alone(LEASE, self.clean_up)
            except SecretaryError as error:
                log.warning("the clean-up was not finished", error=str(error))
                pause = RETRY
            except Exception:
                log.exception("the clean-up failed")
            await asyncio.sleep(pause)

    async def _forget_recordings(self, now: datetime) -> int:
        total = 0
        async for old in self._old(now, self._settings.recordings_days, recorded=True):
            await self._book.forget_recordings(old)
            total += len(old)
        return total

    async def _remove_calls(self, now: datetime) -> int:
        total = 0
        async for old in self._old(now, self._settings.calls_days, recorded=False):
            total += await self._book.remove_calls(old)
        return total

    async def _remove_texts(self, now: datetime) -> int:
        total, before = 0, _long_ago(now, self._settings.texts_days)
        while before and (gone := await self._book.remove_texts(before, BATCH)):
            total += gone
        return total

    async def _old(self, now: datetime, days: int, *, recorded: bool) -> AsyncIterator[list[OldCall]]:
        """Iterate over calls that ended longer ago, batch by batch, whose recordings were deleted just now."""
        before, last = _long_ago(now, days), None
        while before and (old := await self._book.ended_before(before, BATCH, recorded=recorded, after=last)):
            last = old[-1]
            stayed = await self._delete(call.recording_path for call in old if call.recording_path)
            if gone := [call for call in old if call.recording_path not in stayed]:
                yield gone

    async def _delete(self, paths: Iterable[str]) -> Collection[str]:
        """Delete files; return those that stay, which are tried again tomorrow."""
        stayed = await self._sounds.delete_all(paths)
        for path, why in stayed.items():
            log.warning("a sound cannot be deleted", path=path, error=why)
        return stayed

    async def _sweep(self, now: datetime) -> int:
        """Delete files that no row names: a crash left them, or recordings are off and it was killed in a call.

        Files from before this database are no orphans of it (another may lie in a backup); they go with the time that
        recordings are kept. Nothing of a call that goes on is touched, nor what was written within ORPHAN_AGE.
        """
        born = await self._book.born()
        if born is None:
            return 0
        keep_until = _long_ago(now, self._settings.recordings_days)
        deleted, files = 0, iter(await self._sounds.older_than((now - ORPHAN_AGE).timestamp()))
        while batch := list(islice(files, BATCH)):
            mine = [
                file
                for file in batch
                if file.written_at >= born.timestamp() or (keep_until and file.written_at < keep_until.timestamp())
            ]
            orphans = await self._orphans(mine)
            deleted += len(orphans) - len(await self._delete(orphans))
        return deleted

    async def _orphans(self, files: list[SoundFile]) -> list[str]:
        named = await self._book.known_files([file.path for file in files])
        live = await self._book.going_on({file.call_id for file in files})
        return [file.path for file in files if file.path not in named and file.call_id not in live]


def _long_ago(now: datetime, days: int) -> datetime | None:
    """Return the moment before which nothing is kept, None when everything is."""
    return now - timedelta(days=days) if days else None
