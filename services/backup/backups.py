"""The backups of an installation: made, listed, checked, staged for a restore, made by themselves and rotated."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import URL

from services.backup import contents, maker, restore
from services.backup.manifest import Manifest
from services.backup.records import BackupRecord, Stage, is_backup, moment_of, read_record, write_note
from services.backup.rotation import next_time, superfluous
from services.backup.settings import BackupSettings, passphrase_trouble
from services.clock import Clock
from services.errors import ConflictError, NotFoundError, RefusedError, SecretaryError
from services.parts import Part, State

CLOSE_SECONDS = 15.0
LATE_FACTOR = 2.5
CLOCKS_APART = 60.0
"""Seconds by which the clocks of two machines may differ without both making the backup that is due."""

log = structlog.get_logger()


Alone = Callable[[Callable[[], Awaitable[None]]], Awaitable[bool]]
"""Does a job unless another process is at it; tells whether it did."""


class Backups:
    """Does one thing at a time, in a thread; what is asked meanwhile is refused. Files are looked at anew each time."""

    def __init__(
        self,
        settings: BackupSettings,
        data_dir: Path,
        url: URL,
        clock: Clock,
        time_zone: str = "UTC",
        audit_head: Callable[[], Awaitable[str]] | None = None,
        alone: Alone | None = None,
    ) -> None:
        """`alone` lets one process of several do a job (a lease); without it this is the only one."""
        self._settings = settings
        self._data_dir = data_dir
        self._url = url
        self._clock = clock
        self._zone = ZoneInfo(time_zone)
        self._audit_head = audit_head
        self._alone = alone or _at_once
        self.folder = settings.folder or data_dir / contents.BACKUPS
        self._now: BackupRecord | None = None
        self._failed: dict[str, str] = {}
        self._task: asyncio.Task[Any] | None = None
        self._stop = threading.Event()
        self._trouble = ""

    async def listed(self) -> list[BackupRecord]:
        """Return all of them, the newest first."""
        return await asyncio.to_thread(self._list)

    async def get(self, name: str) -> BackupRecord:
        """Return one. Raises NotFoundError."""
        found = next((each for each in await self.listed() if each.name == name), None)
        if found is None:
            raise NotFoundError("There is no such backup.")
        return found

    async def path(self, name: str) -> Path:
        """Return where the file lies. Raises NotFoundError, ConflictError while it is being made."""
        record = await self.get(name)
        if record.size == 0:
            raise ConflictError("This backup is not there yet.", "Wait until it is ready.")
        return self.folder / name

    async def make(self, passphrase: str = "", *, recordings: bool = True) -> BackupRecord:
        """Make one and wait for it. Raises RefusedError for a passphrase too short, ConflictError, StorageError."""
        name = self._begin_making(passphrase, recordings=recordings)
        assert self._task is not None
        await asyncio.shield(self._task)
        if trouble := self._failed.get(name):
            raise SecretaryError(trouble)
        return await self.get(name)

    def begin_making(self, passphrase: str = "", *, recordings: bool = True) -> str:
        """Begin to make one; return its name. `passphrase` "" is the one of the settings. Raises as `make`."""
        return self._begin_making(passphrase, recordings=recordings)

    async def begin_verifying(self, name: str, passphrase: str = "") -> BackupRecord:
        """Begin to read all of it again. Raises NotFoundError, ConflictError, RefusedError."""
        record, secret = await self.get(name), self._passphrase(passphrase)

        def work() -> None:
            self._note(name, maker.verify(self.folder / name, secret, progress=self._told))

        self._start(replace(record, stage=Stage.CHECKING, progress=0.0), work)
        return await self.get(name)

    async def begin_restoring(self, name: str, passphrase: str = "") -> BackupRecord:
        """Begin to unpack it; once checked it waits for the next start, which puts it in the place of what is now.

        Raises NotFoundError, ConflictError, RefusedError.
        """
        record, secret = await self.get(name), self._passphrase(passphrase)

        def work() -> None:
            prepared = restore.prepare(self._data_dir, self._url, self.folder / name, secret, self._told)
            restore.stage(self._data_dir, prepared)
            log.warning("a restore waits for the next start", backup=name)

        self._start(replace(record, stage=Stage.UNPACKING, progress=0.0), work)
        return await self.get(name)

    async def remove(self, name: str) -> None:
        """Delete one. Raises NotFoundError, ConflictError while something happens to it."""
        record = await self.get(name)
        if self._now is not None and self._now.name == name:
            raise ConflictError("Something is being done with this backup.", "Wait until it is ready.")
        if record.stage is Stage.STAGED:
            await asyncio.to_thread(restore.discard, self._data_dir)
        self._failed.pop(name, None)
        await asyncio.to_thread(self._remove, name)
        log.info("a backup was deleted", backup=name)

    def parts(self) -> list[Part]:
        """Return the state of the scheduled backups, where there are any."""
        if self._trouble:
            return [Part("backups", State.DEGRADED, self._trouble, "See SECRETARY_BACKUP__ in the settings.")]
        if not self._settings.every_hours:
            return []
        return [Part("backups", State.READY, f"A backup is made every {self._settings.every_hours} hours.")]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Make the scheduled backups within the context; what goes on at its end is ended."""
        schedule = asyncio.create_task(self._keep_making(), name="backups") if self._settings.every_hours else None
        try:
            yield
        finally:
            if schedule is not None:
                schedule.cancel()
                await asyncio.gather(schedule, return_exceptions=True)
            await self.close()

    async def close(self) -> None:
        """End what is under way: it stops at the next piece, and leaves nothing."""
        self._stop.set()
        if self._task is not None and not self._task.done():
            await asyncio.wait({self._task}, timeout=CLOSE_SECONDS)

    def _begin_making(self, passphrase: str, *, recordings: bool) -> str:
        secret = self._passphrase(passphrase)
        now = self._clock.now()
        name = maker.name_at(now)
        if (self.folder / name).exists():
            raise ConflictError("A backup was made this very second.", "Use that one.")

        async def begin() -> None:
            head = await self._audit_head() if self._audit_head is not None else ""
            origin = maker.Origin(self._data_dir, self._url, _version(), head)

            def work() -> None:
                made = maker.make(origin, self.folder / name, secret, recordings=recordings, progress=self._told)
                self._note(name, made)
                restore.forget_old(self._data_dir)

            await asyncio.to_thread(work)
            log.info("a backup was made", backup=name)

        self._start(BackupRecord(name, Stage.MAKING, 0.0, created_at=now, recordings=recordings), begin)
        return name

    def _start(self, record: BackupRecord, work: Callable[[], Awaitable[None] | None]) -> None:
        if self._now is not None:
            raise ConflictError("Another backup is being made, checked or unpacked.", "Wait until that has ended.")
        self._now = record
        self._stop.clear()
        self._failed.pop(record.name, None)
        self._task = asyncio.create_task(self._do(record.name, work), name="backup")

    async def _do(self, name: str, work: Callable[[], Any]) -> None:
        try:
            await (work() if asyncio.iscoroutinefunction(work) else asyncio.to_thread(work))
        except SecretaryError as error:
            self._failed[name] = str(error)
            log.warning("a backup failed", backup=name, error=str(error))
        except Exception:
            self._failed[name] = "Something unexpected happened; the log tells what."
            log.exception("a backup failed", backup=name)
        finally:
            self._now = None

    def _told(self, share: float) -> None:
        if self._stop.is_set():
            raise maker.StoppedError("The secretary was stopped meanwhile.", "Try again.")
        if self._now is not None:
            self._now = replace(self._now, progress=round(share, 3))

    def _passphrase(self, given: str) -> str:
        secret = given or self._settings.passphrase.get_secret_value()
        if not secret:
            raise RefusedError("Backups are encrypted.", "Give a passphrase, or set SECRETARY_BACKUP__PASSPHRASE.")
        if why := passphrase_trouble(secret):
            raise RefusedError(f"The passphrase is refused: {why}.", "Take four words that do not belong together.")
        return secret

    async def _keep_making(self) -> None:
        settings = self._settings
        while True:
            now = self._clock.now()
            due = next_time(now, settings.at, settings.every_hours, self._zone)
            await asyncio.sleep((due - now).total_seconds())
            try:
                await self._alone(partial(self._make_once, due))
                self._trouble = ""
            except SecretaryError as error:
                self._trouble = f"The last backup failed: {error}"

    async def _make_once(self, due: datetime) -> None:
        """Make the backup that is due, and keep the others from it until the slowest clock has passed the moment."""
        await self.make(recordings=self._settings.recordings)
        await asyncio.to_thread(self._rotate)
        await asyncio.sleep((due - self._clock.now()).total_seconds() + CLOCKS_APART)

    def _rotate(self) -> None:
        made = [(each.name, each.created_at) for each in self._list() if each.size and each.created_at]
        keep = self._settings
        for name in superfluous(made, keep.keep_daily, keep.keep_weekly, keep.keep_monthly, self._zone):
            self._remove(name)
            log.info("an old backup was deleted", backup=name)

    def _list(self) -> list[BackupRecord]:
        found = {path.name: read_record(path) for path in self.folder.glob("secretary-*.tar.age") if is_backup(path)}
        for name, trouble in self._failed.items():
            known = found.get(name) or BackupRecord(name, Stage.FAILED, created_at=moment_of(name))
            found[name] = replace(known, stage=known.stage if known.size else Stage.FAILED, trouble=trouble)
        if (now := self._now) is not None:
            found[now.name] = now
        waiting = restore.staged(self._data_dir)
        if waiting is not None and waiting.backup in found:
            found[waiting.backup] = replace(found[waiting.backup], stage=Stage.STAGED)
        return sorted(found.values(), key=lambda each: each.name, reverse=True)

    def _note(self, name: str, manifest: Manifest) -> None:
        write_note(self.folder / name, manifest)

    def _remove(self, name: str) -> None:
        (self.folder / name).unlink(missing_ok=True)
        (self.folder / f"{name}.json").unlink(missing_ok=True)


async def _at_once(work: Callable[[], Awaitable[None]]) -> bool:
    await work()
    return True


def _version() -> str:
    try:
        return version("ai-secretary")
    except PackageNotFoundError:
        return "unpacked"
