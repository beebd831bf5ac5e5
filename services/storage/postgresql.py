"""Engines for PostgreSQL: one writer at a time, as on SQLite, readers of one moment, and no wait without an end."""

import math
import time
from typing import Any, Literal

from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from services.errors import StorageError
from services.storage.columns import write_json
from services.storage.failures import NotConnectedError

READERS = 8
WRITERS = 2  # one writes, the other serves what does not queue up: leases
WAIT_SECONDS = 10.0
CONNECT_SECONDS = 5.0
STATEMENT_SECONDS = 30.0
MIGRATION_SECONDS = 60.0
IDLE_SECONDS = 5.0  # a connection that was idle for longer is asked for a sign of life before it is used

WRITE_LOCK = 0x5EC2E7A27
"""The number of the advisory lock that whoever writes holds until the commit, in every process."""

_IDLE_SINCE = "idle since"
_SAID_IN_URL = frozenset({"host", "port", "ssl", "prepared_statement_cache_size"})


def check_query(url: URL) -> URL:
    """Return the URL as asyncpg reads it: `sslmode` is libpq's name for its `ssl`. Raises StorageError for the rest."""
    if "sslmode" in url.query:
        mode = url.query["sslmode"]
        url = url.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode})
    for name in url.query:
        if name not in _SAID_IN_URL:
            raise StorageError(
                f"The DATABASE_URL says {name}, which is not known here.",
                f"Leave it out; what may follow the question mark: {', '.join(sorted(_SAID_IN_URL))}, sslmode.",
            )
    return url


def make_engine(url: URL, role: Literal["reader", "writer", "migration"]) -> AsyncEngine:
    """Make the engine of one role; no connection is opened yet. Raises ImportError without the driver."""
    patience = MIGRATION_SECONDS if role == "migration" else WAIT_SECONDS
    arguments: dict[str, Any] = {
        "async_creator_fn": _connect,
        "timeout": CONNECT_SECONDS,
        # A little more than the server's own limit, for a network that swallows its answer.
        "command_timeout": None if role == "migration" else STATEMENT_SECONDS + CONNECT_SECONDS,
        "server_settings": {
            "application_name": "ai-secretary",
            "timezone": "UTC",
            "lock_timeout": _milliseconds(patience),
            "statement_timeout": _milliseconds(0.0 if role == "migration" else STATEMENT_SECONDS),
            # A process that was stopped in the middle of a write would keep every other from writing.
            "idle_in_transaction_session_timeout": _milliseconds(patience),
        },
    }
    if role == "migration":
        engine = create_async_engine(url, connect_args=arguments, poolclass=NullPool)
    else:
        engine = create_async_engine(
            url,
            connect_args=arguments,
            isolation_level="REPEATABLE READ" if role == "reader" else "READ COMMITTED",
            json_serializer=write_json,
            pool_size=READERS if role == "reader" else WRITERS,
            max_overflow=0,
            pool_timeout=WAIT_SECONDS,
        )
        _watch_over(engine.sync_engine)
    if role == "reader":
        return engine.execution_options(postgresql_readonly=True)
    event.listen(engine.sync_engine, "begin", _take_turn)
    return engine


def _watch_over(engine: Engine) -> None:
    """Give no connection away that is dead: closed by the server, as at its restart, or silent when it was long idle.

    SQLAlchemy's own ping (pool_pre_ping) goes to the server three times before every transaction.
    """

    def note(_connection: object, record: ConnectionPoolEntry) -> None:
        record.info[_IDLE_SINCE] = time.monotonic()

    def check(connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
        if connection.driver_connection.is_closed():
            raise DisconnectionError("the server has closed the connection")
        if time.monotonic() - record.info.get(_IDLE_SINCE, math.inf) > IDLE_SECONDS:
            try:
                engine.dialect.do_ping(connection)
            except engine.dialect.loaded_dbapi.Error as error:
                raise DisconnectionError("the server does not answer on the connection") from error

    event.listen(engine, "checkin", note)
    event.listen(engine, "checkout", check)


def _take_turn(connection: Connection) -> None:
    """Wait until nobody else writes, in any process, as SQLite's BEGIN IMMEDIATE does.

    What reads and then writes what follows from it is right on both databases then, and nobody has to think of it. Each
    statement after this one sees all that was committed before the lock was granted.
    """
    if not connection.get_execution_options().get("out_of_turn"):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITE_LOCK})")


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))


async def _connect(*arguments: Any, **options: Any) -> Any:
    """Connect, with what the server says against it as a NotConnectedError: SQLAlchemy passes it on as it is."""
    import asyncpg  # type: ignore[import-untyped]

    try:
        return await asyncpg.connect(*arguments, **options)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise NotConnectedError(str(error), getattr(error, "sqlstate", None) or "") from error
