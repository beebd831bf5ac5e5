"""The database of one process: short read and write transactions, migrations and its state."""

import asyncio
from collections.abc import AsyncIterator, Hashable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Literal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import Session, sessionmaker

from services.errors import StorageError
from services.parts import Part, State
from services.storage import migrate
from services.storage.audit.acting import SYSTEM, acting, acting_as
from services.storage.audit.hook import AuditedSession
from services.storage.engine import READERS, open_engines, parse_url, place
from services.storage.failures import DatabaseFailure, explain, is_outage
from services.storage.group import GroupWriter, T, Work
from services.storage.isolation import IsolatedSession

WRITE_TURN_SECONDS = 30.0
KEEP_SECONDS = 86_400.0  # what a caller said is worth a day of waiting for a disk to be cleared
CLOSE_SECONDS = 5.0


class Database:
    """Reads and writes in transactions; the network is never waited for inside one.

    There is one writer at a time: `write` transactions of a process queue up here, in order, and those of other
    processes wait for the database's own lock (10 s), at BEGIN IMMEDIATE on SQLite, at an advisory lock on PostgreSQL.
    So what is read inside `write` stays as it is until the commit. A commit is on the disk when `write` is left. What
    calls write shares its commits (`write_together`).
    """

    def __init__(self, url: str) -> None:
        """Read the URL; no file is touched and no connection opened. Raises StorageError for a URL it cannot use."""
        self._url = parse_url(url)
        self._engines = open_engines(self._url)
        self.session_info: dict[Any, Any] = {}  # what each session that writes carries in its `info`
        self._read_sessions = async_sessionmaker(
            self._engines.readers, expire_on_commit=False, sync_session_class=IsolatedSession
        )
        self._write_sessions = async_sessionmaker(
            self._engines.writer,
            expire_on_commit=False,
            sync_session_class=AuditedSession,
            info=self.session_info,
        )
        self._group_sessions = sessionmaker(
            self._engines.group, class_=AuditedSession, expire_on_commit=False, info=self.session_info
        )
        self._look_sessions = sessionmaker(self._engines.lookers, class_=IsolatedSession, expire_on_commit=False)
        self._single_sessions = async_sessionmaker(
            self._engines.readers.execution_options(isolation_level="AUTOCOMMIT"),
            expire_on_commit=False,
            sync_session_class=IsolatedSession,
        )
        self._group_thread: ThreadPoolExecutor | None = None
        self._look_threads: ThreadPoolExecutor | None = None
        self._turn_to_write = asyncio.Semaphore(1)
        self._group = GroupWriter(self._transact, place(self._url))
        self._outages: dict[Literal["read", "write"], StorageError] = {}
        self._migrated = False

    async def migrate(self) -> None:
        """Create the database where missing and bring its tables up to date; safe when several processes start at once.

        Raises StorageError when the folder cannot be written, the file is damaged or a newer version wrote it; nothing
        stored is changed then.
        """
        # Alembic imports and renders for a good part of a second: not on the event loop.
        await asyncio.to_thread(migrate.upgrade, self._url)
        self._migrated = True

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """Open a write transaction; leaving it commits, an error or a cancellation rolls everything back.

        Raises StorageError when the database cannot do it, or refuses a record.
        """
        async with self._turn():
            with self._in_plain_words("write"):
                async with self._write_sessions.begin() as session:
                    yield session

    @asynccontextmanager
    async def write_out_of_turn(self) -> AsyncIterator[AsyncSession]:
        """Open a write transaction that waits for no other: for a single row that is locked before it is changed.

        SQLite knows no such thing; there it is like `write`. Raises StorageError.
        """
        if self._engines.group is not None:
            async with self.write() as session:
                yield session
            return
        with self._in_plain_words("write"):
            async with self._write_sessions.begin() as session:
                await session.connection(execution_options={"out_of_turn": True})
                yield session

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(WRITE_TURN_SECONDS):
                await self._turn_to_write.acquire()
        except TimeoutError as error:
            raise StorageError(
                f"The database {place(self._url)} has been writing for too long.", "Check the disk's health and load."
            ) from error
        try:
            yield
        finally:
            self._turn_to_write.release()

    async def write_together(
        self, work: Work[T], *, what: str, keep: float = 0.0, key: Hashable = None, topic: Hashable = None
    ) -> T:
        """Do `work` in a transaction that it shares with what else waits, see GroupWriter.run; on the disk afterwards.

        For everything that calls write. `work` may run twice, on SQLite in another thread, and only uses the session
        that it is given.
        """
        return await self._group.run(_in_name_of_who_asks(work), what=what, keep=keep, key=key, topic=topic)

    async def _transact(self, works: Work[list[Any]]) -> list[Any]:
        async with self._turn():
            with self._in_plain_words("write"):
                if self._engines.group is None:
                    async with self._write_sessions.begin() as session:
                        return await session.run_sync(works)
                if self._group_thread is None:
                    self._group_thread = ThreadPoolExecutor(1, "database")
                return await asyncio.get_running_loop().run_in_executor(self._group_thread, self._in_thread, works)

    def _in_thread(self, works: Work[list[Any]]) -> list[Any]:
        with self._group_sessions.begin() as session:
            return works(session)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """Open a read transaction: everything read inside is of one moment. Raises StorageError."""
        with self._in_plain_words("read"):
            async with self._read_sessions.begin() as session:
                yield session

    async def look(self, work: Work[T], *, single: bool = False) -> T:
        """Do `work` in a read transaction, in one go: for what every request or every answer waits for.

        `single` says that it is one statement, which is of one moment by itself: PostgreSQL is then spared BEGIN and
        COMMIT, two of three ways to the server. On SQLite `work` runs in a thread; it only uses the session that it is
        given. Raises StorageError.
        """
        with self._in_plain_words("read"):
            if self._engines.lookers is None:
                async with (self._single_sessions if single else self._read_sessions).begin() as session:
                    return await session.run_sync(work)
            if self._look_threads is None:
                self._look_threads = ThreadPoolExecutor(READERS, "reader")
            return await asyncio.get_running_loop().run_in_executor(self._look_threads, self._look_in_thread, work)

    def _look_in_thread(self, work: Work[T]) -> T:
        with self._look_sessions.begin() as session:
            return work(session)

    @contextmanager
    def _in_plain_words(self, kind: Literal["read", "write"]) -> Iterator[None]:
        try:
            yield
        except DatabaseFailure as error:
            explained = explain(error, place(self._url))
            if is_outage(error):
                self._outages[kind] = explained
            raise explained from error
        self._outages.pop(kind, None)

    async def check(self) -> Part:
        """Ask the database for a sign of life, then return `part()`; never raises."""
        if self._migrated:
            try:
                async with self.read() as session:
                    await session.execute(text("SELECT 1"))
            except StorageError:
                pass  # read() has noted the outage, part() tells it
        return self.part()

    def part(self) -> Part:
        """Return the state as the last transactions found it."""
        for outage in self._outages.values():
            return Part("database", State.DOWN, outage.message, outage.remedy, required=True)
        if not self._migrated:
            return Part("database", State.DOWN, "The database is not open yet.", required=True)
        return Part("database", State.READY, f"The database {place(self._url)} works.", required=True)

    async def close(self) -> None:
        """Finish what waits to be written, within 5 s, and close every connection; idempotent."""
        await self._group.close(CLOSE_SECONDS)
        for threads in (self._group_thread, self._look_threads):
            if threads is not None:
                await asyncio.to_thread(threads.shutdown)
        self._group_thread = self._look_threads = None
        for engine in (self._engines.group, self._engines.lookers):
            if engine is not None:
                engine.dispose()
        await self._engines.writer.dispose()
        await self._engines.readers.dispose()


def _in_name_of_who_asks(work: Work[T]) -> Work[T]:
    """Return `work` as whoever acts here does it: it is done in another task, or thread, among others' work."""
    actor = acting()
    if actor is SYSTEM:
        return work

    def done(session: Session) -> T:
        with acting_as(actor):
            result = work(session)
            session.flush()
            return result

    return done
