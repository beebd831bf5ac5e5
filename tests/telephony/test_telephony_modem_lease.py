"""Two processes on one machine: a modem is one's, and goes to the other when that one is gone."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.clock import LoopClock
from services.errors import PortError
from services.storage.database import Database
from services.storage.engine import sqlite_url
from services.storage.lease_tables import LeaseRow
from services.storage.leases import Leases
from telephony.find_ports import ModemPorts
from telephony.modem_lease import hold_by

PORTS = ModemPorts("/dev/ttyUSB2", "/dev/ttyUSB4")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(sqlite_url(tmp_path))
    await opened.migrate()
    yield opened
    await opened.close()


async def test_a_modem_of_another_process_is_left_alone_until_that_one_is_gone(database: Database) -> None:
    leases = Leases(database, LoopClock())
    async with hold_by(leases)(PORTS):
        async with database.write() as session:
            row = await session.get_one(LeaseRow, (await _names(database))[0])
            row.holder = "another process"
        with pytest.raises(PortError, match="used by another process"):
            async with hold_by(leases)(PORTS):
                pass
        async with hold_by(leases)(replace(PORTS, at="/dev/ttyUSB7")):
            pass
        async with database.write() as session:
            row = await session.get_one(LeaseRow, row.name)
            row.until = datetime.now(UTC) - timedelta(seconds=1)
        async with hold_by(leases)(PORTS):
            pass


async def test_a_database_that_is_away_keeps_nobody_from_the_modem(tmp_path: Path) -> None:
    never_made = Database(sqlite_url(tmp_path / "nowhere"))
    async with hold_by(Leases(never_made))(PORTS):
        await asyncio.sleep(0)
    await never_made.close()


async def _names(database: Database) -> list[str]:
    from sqlalchemy import select

    async with database.read() as session:
        return list(await session.scalars(select(LeaseRow.name)))
