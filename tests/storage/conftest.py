"""A real database file for each test, and two companies in it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.storage.companies import Companies
from services.storage.database import Database
from services.storage.engine import sqlite_url
from services.storage.tables import CompanyRow


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
async def database(data_dir: Path) -> AsyncIterator[Database]:
    """A migrated database with the companies "default" and "other"."""
    opened = Database(sqlite_url(data_dir))
    await opened.migrate()
    await Companies(opened).ensure_default("Bakery", "ru", "Europe/Moscow", {"ru": {"hours": "с 9 до 18"}})
    async with opened.write() as session:
        session.add(
            CompanyRow(id="other", name="Other", language="en", time_zone="UTC", facts={}, created_at=datetime.now(UTC))
        )
    yield opened
    await opened.close()
