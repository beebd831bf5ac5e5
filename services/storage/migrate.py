"""Bringing a database up to date: Alembic without an ini file, the scripts being data of this package."""

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import URL, Connection

from services.errors import StorageError
from services.storage.engine import is_sqlite, make_engine, place, prepare_file
from services.storage.failures import DatabaseFailure, explain, is_locked

if TYPE_CHECKING:
    from alembic.config import Config

SCRIPTS = Path(__file__).parent / "migrations"
PATIENCE_SECONDS = 60.0
RETRY_SECONDS = 0.1


def config() -> "Config":
    """Return Alembic's configuration for this package's migrations."""
    from alembic.config import Config

    alembic = Config()
    # Config reads "%" as the start of an interpolation, and a path may contain one.
    alembic.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    return alembic


def upgrade(url: URL) -> None:
    """Create the file where missing and upgrade the tables to the newest revision, in one transaction.

    Blocks, so run it in a thread. Two processes may start at once: the second waits for the first's write lock and
    then finds nothing to do. Raises StorageError; the database is then as it was before.
    """
    prepare_file(url)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            asyncio.run(_upgrade(url))
        except DatabaseFailure as error:
            # Two processes that switch a new file to WAL at once refuse each other without waiting.
            if is_locked(error) and time.monotonic() < deadline:
                time.sleep(RETRY_SECONDS)
                continue
            raise explain(error, place(url)) from error
        return


async def _upgrade(url: URL) -> None:
    engine = make_engine(url, "migration")
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_run, url)
    finally:
        await engine.dispose()


def _run(connection: Connection, url: URL) -> None:
    from alembic import command
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    alembic = config()
    known = {script.revision for script in ScriptDirectory.from_config(alembic).walk_revisions()}
    strange = set(MigrationContext.configure(connection).get_current_heads()) - known
    if strange:
        raise StorageError(
            f"The database {place(url)} was written by a newer version (its revision is {', '.join(sorted(strange))}).",
            "Install that version again, or put a backup made with this version in its place.",
        )
    alembic.attributes["connection"] = connection
    command.upgrade(alembic, "head")
    if is_sqlite(url) and connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
        raise StorageError(
            f"The database {place(url)} holds rows that point at nothing, so it was not upgraded.",
            "Put a backup in its place, or ask for help with a copy of the file.",
        )


def revisions() -> frozenset[str]:
    """Return every revision that this version knows."""
    from alembic.script import ScriptDirectory

    return frozenset(script.revision for script in ScriptDirectory.from_config(config()).walk_revisions())
