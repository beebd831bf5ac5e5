"""Database URLs and engines: where the data lies and how SQLite is made safe for a live line. See postgresql.py."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from services.errors import StorageError
from services.storage import postgresql
from services.storage.columns import write_json

DATABASE_FILE = "secretary.db"
BUSY_SECONDS = 10.0
READERS = 4

Role = Literal["reader", "writer", "migration"]

_ASYNC_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}


def sqlite_url(data_dir: Path) -> str:
    """Return the URL of the SQLite database inside `data_dir`."""
    return f"sqlite+aiosqlite:///{data_dir / DATABASE_FILE}"


def parse_url(url: str) -> URL:
    """Read a DATABASE_URL; a bare backend name gets its asynchronous driver.

    Raises StorageError (which never shows the URL, it may hold a password) when it cannot be read or names a database
    in memory, which two connections could not share.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise StorageError(
            "The DATABASE_URL cannot be read.",
            "Write it like postgresql://user:password@host/name or sqlite:////var/lib/secretary/secretary.db, "
            "or leave it empty for SQLite in DATA_DIR.",
        ) from None
    if parsed.get_backend_name() not in ("sqlite", "postgresql", "postgres"):
        raise StorageError(
            f"The secretary keeps its data in SQLite or PostgreSQL, not in {parsed.get_backend_name()}.",
            "Write DATABASE_URL like postgresql://user:password@host/name, or leave it empty for SQLite in DATA_DIR.",
        )
    parsed = parsed.set(drivername=_ASYNC_DRIVERS.get(parsed.drivername, parsed.drivername))
    if is_sqlite(parsed) and parsed.database in {None, "", ":memory:"}:
        raise StorageError(
            "A SQLite database in memory would be lost at every stop.",
            "Name a file in DATABASE_URL, or leave it empty for SQLite in DATA_DIR.",
        )
    return parsed if is_sqlite(parsed) else postgresql.check_query(parsed)


def is_sqlite(url: URL) -> bool:
    """Tell whether `url` names a SQLite file."""
    return url.get_backend_name() == "sqlite"


def place(url: URL) -> str:
    """Return how to name the database to a person: its file, or its URL without the password."""
    return str(url.database) if is_sqlite(url) else url.set(drivername=url.get_backend_name()).render_as_string()


def prepare_file(url: URL) -> None:
    """Create the folder (0700) and an empty database file (0600) where they are missing; SQLite only.

    SQLite gives its -wal and -shm files the mode of the database file, so they are private too. Raises StorageError.
    """
    if not is_sqlite(url):
        return
    path = Path(str(url.database))
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StorageError(
            f"The database {path} cannot be opened for writing ({error.strerror}).",
            f"Make {path.parent} a folder that this user may write to, or point SECRETARY_DATA_DIR elsewhere.",
        ) from error


@dataclass(frozen=True, slots=True)
class Engines:
    """The connections of one process: a few that read and, on SQLite, one that writes at a time.

    `group` is SQLite's for group commits, used in a thread of its own: a driver that asks the event loop between any
    two statements holds the write lock for as long as fifty calls keep the loop busy. `lookers` are SQLite's for reads
    in one go, in threads as well: that driver goes to its thread and back nine times for a single statement. None
    elsewhere.
    """

    readers: AsyncEngine
    writer: AsyncEngine
    group: Engine | None = None
    lookers: Engine | None = None


def open_engines(url: URL) -> Engines:
    """Make the engines; no connection is opened yet. Raises StorageError when the driver is not installed."""
    readers, writer = make_engine(url, "reader"), make_engine(url, "writer")
    if not is_sqlite(url):
        return Engines(readers, writer)
    return Engines(readers, writer, _in_threads(url, "writer"), _in_threads(url, "reader"))


def _in_threads(url: URL, role: Role) -> Engine:
    """Make an engine of SQLite whose connections are used by threads, one at a time each."""
    engine = create_engine(
        url.set(drivername="sqlite"),
        connect_args={"isolation_level": None, "timeout": BUSY_SECONDS, "check_same_thread": False},
        json_serializer=write_json,
        pool_size=READERS if role == "reader" else 1,
        max_overflow=0,
        pool_timeout=BUSY_SECONDS,
    )
    _listen(engine, role)
    return engine


def make_engine(url: URL, role: Role) -> AsyncEngine:
    """Make one engine for its role. Raises StorageError when the driver is not installed."""
    try:
        return _make_sqlite_engine(url, role) if is_sqlite(url) else postgresql.make_engine(url, role)
    except ImportError as error:
        raise StorageError(
            f"The driver {url.drivername} of DATABASE_URL is not installed.", f"Install the package {error.name}."
        ) from error


def _make_sqlite_engine(url: URL, role: Role) -> AsyncEngine:
    # isolation_level None switches off the driver's own BEGIN, which comes too late to hold a snapshot or the write
    # lock; ours is emitted by the "begin" hook (SQLAlchemy, "SQLite Transactions").
    arguments: dict[str, Any] = {"isolation_level": None, "timeout": BUSY_SECONDS}
    if role == "migration":
        engine = create_async_engine(url, connect_args=arguments, poolclass=NullPool)
    else:
        size = READERS if role == "reader" else 1
        engine = create_async_engine(
            url,
            connect_args=arguments,
            json_serializer=write_json,
            pool_size=size,
            max_overflow=0,
            pool_timeout=BUSY_SECONDS,
        )
    _listen(engine.sync_engine, role)
    return engine


def _listen(engine: Engine, role: Role) -> None:
    # A write lock taken at BEGIN waits for its turn; one taken at the first write after a read fails at once.
    begin = "BEGIN" if role == "reader" else "BEGIN IMMEDIATE"

    def emit_begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    def set_pragmas(connection: Any, _record: object) -> None:
        _set_pragmas(connection, role)

    event.listen(engine, "begin", emit_begin)
    event.listen(engine, "connect", set_pragmas)


def _set_pragmas(connection: Any, role: Role) -> None:
    cursor = connection.cursor()
    try:
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        # A migration rebuilds tables, which would cascade; it checks the references itself before it commits.
        cursor.execute(f"PRAGMA foreign_keys = {'OFF' if role == 'migration' else 'ON'}")
        cursor.execute(f"PRAGMA query_only = {'ON' if role == 'reader' else 'OFF'}")
    finally:
        cursor.close()
