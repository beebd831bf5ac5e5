"""Leases: a modem, a bot or a job belongs to one process at a time, and goes to another when that one is gone."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import psutil
import structlog
from sqlalchemy import DateTime, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from services.clock import Clock, LoopClock
from services.errors import StorageError
from services.storage.columns import new_id
from services.storage.database import Database
from services.storage.lease_tables import LeaseRow

SECONDS = 15.0
RENEWALS = 3
"""A lease is renewed so often within its time: two may fail before it is lost."""
RELEASE_SECONDS = 2.0

log = structlog.get_logger()


@cache
def this_process() -> str:
    """Return the name of this process as a holder; no other one, here or on another machine, has it."""
    return f"{socket.gethostname()}:{os.getpid()}:{_numbering()}:{new_id()[:8]}"


def is_gone(holder: str) -> bool:
    """Tell whether the process of a name has ended for certain: one of this machine whose number nobody has.

    Of another machine, or container, nobody here can know; nor when the number has been given to somebody else.
    """
    host, number, numbering, _ = ("", "", "", *holder.rsplit(":", 3))[-4:]
    here = host == socket.gethostname() and numbering == _numbering()
    return here and number.isdigit() and not psutil.pid_exists(int(number))


@cache
def _numbering() -> str:
    """Return what tells apart containers, which number their processes each by itself; "0" where there are none."""
    try:
        return str(Path("/proc/self/ns/pid").stat().st_ino)
    except OSError:
        return "0"


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease as it was granted.

    `fence` is greater with each new holder of the name: what a holder of a smaller one still writes can be refused, see
    Leases.still_mine. `until` is by the clock that all holders share, the database server's on PostgreSQL.
    """

    name: str
    holder: str
    fence: int
    until: datetime


@dataclass(slots=True)
class Held:
    """A lease that is renewed in the background; `lost` is set when it is nobody's or another's."""

    lease: Lease
    lost: asyncio.Event = field(default_factory=asyncio.Event)


class Leases:
    """The leases of the installation. All methods raise StorageError."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or LoopClock()

    async def take(self, name: str, holder: str, seconds: float = SECONDS) -> Lease | None:
        """Take a lease that nobody holds; None while another does.

        Its own holder, who may not know that he has got it, gets it again with the same fence.
        """
        try:
            return await self._take(name, holder, seconds)
        except StorageError as error:
            if not isinstance(error.__cause__, IntegrityError):
                raise
            return await self._take(name, holder, seconds)  # two made the row at once: now it is there

    async def _take(self, name: str, holder: str, seconds: float) -> Lease | None:
        async with self._database.write_out_of_turn() as session:
            now = await self._now(session)
            row = await session.get(LeaseRow, name, with_for_update=True)
            if row is None:
                row = LeaseRow(name=name, holder=holder, fence=1)
                session.add(row)
            elif not _is_held(row, now):
                row.holder, row.fence = holder, row.fence + 1
            elif row.holder != holder:
                return None
            row.until = now + timedelta(seconds=seconds)
            return Lease(name, holder, row.fence, row.until)

    async def renew(self, lease: Lease, seconds: float = SECONDS) -> Lease | None:
        """Hold a lease for longer; None when another has taken it since, or it was released.

        One that ran out and that nobody has taken goes on: nobody can have done anything in between.
        """
        async with self._database.write_out_of_turn() as session:
            row = await session.get(LeaseRow, lease.name, with_for_update=True)
            if row is None or not _is_of(row, lease):
                return None
            row.until = await self._now(session) + timedelta(seconds=seconds)
            return replace(lease, until=row.until)

    async def release(self, lease: Lease) -> None:
        """Give a lease back, so that another need not wait for its end; one that is lost is left alone."""
        async with self._database.write_out_of_turn() as session:
            row = await session.get(LeaseRow, lease.name, with_for_update=True)
            if row is not None and _is_of(row, lease):
                row.until = None

    async def holder(self, name: str) -> str:
        """Return who holds a lease now, "" when nobody does."""
        async with self._database.read() as session:
            row = await session.get(LeaseRow, name)
            return row.holder if row is not None and _is_held(row, await self._now(session)) else ""

    async def held_elsewhere(self, prefix: str) -> bool:
        """Tell whether another process holds a lease whose name begins so."""
        query = select(LeaseRow).where(LeaseRow.name.startswith(prefix, autoescape=True))
        async with self._database.read() as session:
            now, rows = await self._now(session), await session.scalars(query)
            return any(_is_held(row, now) and row.holder != this_process() for row in rows)

    @staticmethod
    def still_mine(session: Session, lease: Lease) -> bool:
        """Tell, within a write transaction, whether nobody has taken the lease since: what it writes then is in order.

        The lease cannot be taken before the commit. With an AsyncSession: `await session.run_sync(still_mine, lease)`.
        """
        row = session.get(LeaseRow, lease.name, with_for_update=True, populate_existing=True)
        return row is not None and _is_of(row, lease)

    @asynccontextmanager
    async def holding(
        self, name: str, holder: str = "", seconds: float = SECONDS, *, through_outages: bool = False
    ) -> AsyncIterator[Held | None]:
        """Within the context hold a lease, renewed in the background and released at the end; None: another has it.

        While the database is away it counts as lost once its time is over. With `through_outages` it does not: for what
        is protected by something else too, and must not stop because a database does.
        """
        began = self._clock.monotonic()
        lease = await self.take(name, holder or this_process(), seconds)
        if lease is None:
            yield None
            return
        held = Held(lease)
        ends = None if through_outages else began + seconds
        renewing = asyncio.create_task(self._renew_on(held, seconds, ends), name=f"lease {name}")
        try:
            yield held
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)
            if not held.lost.is_set():
                with suppress(StorageError, TimeoutError):  # it runs out by itself
                    async with asyncio.timeout(RELEASE_SECONDS):
                        await self.release(held.lease)

    async def run_alone(self, name: str, work: Callable[[], Awaitable[None]], seconds: float = SECONDS) -> bool:
        """Do `work` while no other process does it; it is cancelled should the lease be lost. False: another does it.

        Raises what `work` raises.
        """
        async with self.holding(name, seconds=seconds) as held:
            if held is None:
                return False
            doing = asyncio.ensure_future(work())
            watching = asyncio.ensure_future(held.lost.wait())
            try:
                await asyncio.wait((doing, watching), return_when=asyncio.FIRST_COMPLETED)
                if doing.done():
                    doing.result()
                else:
                    log.warning("a job is left to another process", lease=name)
            finally:
                for each in (doing, watching):
                    each.cancel()
                await asyncio.gather(doing, watching, return_exceptions=True)
            return True

    async def _renew_on(self, held: Held, seconds: float, ends: float | None) -> None:
        while True:
            await asyncio.sleep(seconds / RENEWALS)
            began = self._clock.monotonic()
            try:
                renewed = await self._in_time(held.lease, seconds, ends)
            except StorageError as error:
                if ends is not None and self._clock.monotonic() >= ends:
                    log.warning("a lease is lost", lease=held.lease.name, error=str(error))
                    held.lost.set()
                    return
                continue
            if renewed is None:
                log.warning("a lease is lost: another process has it", lease=held.lease.name)
                held.lost.set()
                return
            held.lease = renewed
            ends = None if ends is None else began + seconds

    async def _in_time(self, lease: Lease, seconds: float, ends: float | None) -> Lease | None:
        """Renew, but do not wait past the end of the lease for a database that does not answer."""
        left = seconds if ends is None else max(ends - self._clock.monotonic(), 0.0)
        try:
            async with asyncio.timeout(left):
                return await self.renew(lease, seconds)
        except TimeoutError as error:
            raise StorageError("The database did not answer in time.", "Check its load.") from error

    async def _now(self, session: AsyncSession) -> datetime:
        """Return the time by the clock that all holders share."""
        if session.get_bind().dialect.name == "sqlite":
            return self._clock.now()
        now: datetime | None = await session.scalar(select(func.clock_timestamp(type_=DateTime(timezone=True))))
        assert now is not None
        return now


def _is_held(row: LeaseRow, now: datetime) -> bool:
    return row.until is not None and row.until > now and not is_gone(row.holder)


def _is_of(row: LeaseRow, lease: Lease) -> bool:
    return row.until is not None and (row.holder, row.fence) == (lease.holder, lease.fence)
