"""A real database for each test: a file of SQLite's, and one of a PostgreSQL server."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from migrated import migrated_file
from servers import postgres_database

from services.storage.database import Database
from services.storage.people.companies import Companies


@pytest.fixture(params=["sqlite", "postgresql"])
def delivery_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The DATABASE_URL of a database of either kind."""
    if request.param == "sqlite":
        yield migrated_file(tmp_path / "data")
        return
    with postgres_database() as url:
        yield url


@pytest.fixture
async def database(delivery_url: str) -> AsyncIterator[Database]:
    """A migrated database with a company."""
    opened = Database(delivery_url)
    await opened.migrate()
    await Companies(opened).ensure_default("Bakery", "ru", "Europe/Moscow", {})
    yield opened
    await opened.close()
