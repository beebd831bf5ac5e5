"""A real database for each test, a file of SQLite's and one of a PostgreSQL server, and two companies in it."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from migrated import migrated_file
from servers import postgres, postgres_database

from services.storage.database import Database
from services.storage.engine import sqlite_url
from services.storage.people.companies import Companies
from services.storage.tables import CompanyRow


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """What the test runs on: both, unless it is marked with servers.sqlite_only or postgres_only."""
    return str(request.param)


@pytest.fixture
def database_url(database_kind: str, data_dir: Path) -> Iterator[str]:
    """The DATABASE_URL of a database: a file that is not there yet, or empty tables on a server."""
    if database_kind == "sqlite":
        yield sqlite_url(data_dir)
        return
    with postgres_database() as url:
        yield url


@pytest.fixture
def empty_database_url(database_kind: str, data_dir: Path) -> Iterator[str]:
    """The DATABASE_URL of a database without a single table."""
    if database_kind == "sqlite":
        yield sqlite_url(data_dir)
        return
    server = postgres()
    name = server.new_database()
    yield server.url(name)
    server.drop(name)


@pytest.fixture
async def database(database_url: str, data_dir: Path) -> AsyncIterator[Database]:
    """A migrated database with the companies "default" and "other"."""
    if database_url == sqlite_url(data_dir):
        migrated_file(data_dir)
    opened = Database(database_url)
    await opened.migrate()
    await Companies(opened).ensure_default("Bakery", "ru", "Europe/Moscow", {"ru": {"hours": "с 9 до 18"}})
    async with opened.write() as session:
        session.add(
            CompanyRow(id="other", name="Other", language="en", time_zone="UTC", facts={}, created_at=datetime.now(UTC))
        )
    yield opened
    await opened.close()
