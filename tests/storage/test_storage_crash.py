"""Power cuts and kills: what was acknowledged is on the disk."""

import asyncio
import sys
from pathlib import Path

from services.storage.calls.calls import CallStore
from services.storage.content.faq import FaqEntries
from services.storage.database import Database
from services.storage.people.companies import Companies

ROOT = Path(__file__).parents[2]
ENOUGH = 40

APPENDING = """
import asyncio, sys
from dataclasses import asdict
from services.domain import Turn
from services.events import CallEvent, CallEventType
from services.storage.calls.calls import CallStore
from services.storage.people.companies import Companies
from services.storage.database import Database

async def main():
    database = Database(sys.argv[1])
    await database.migrate()
    await Companies(database).ensure_default("Bakery", "ru", "Europe/Moscow", {})
    calls = CallStore(database)
    started = {"channel": "gsm", "number": "+7", "started_at": "2026-05-04T09:30:00+00:00"}
    await calls.append(CallEvent("default", "c1", 0, 0, CallEventType.STARTED, started))
    for sequence in range(1, 100_000):
        turn = Turn(sequence - 1, "caller", "да", f"да {sequence}", "ru", 0.0, 1.0)
        await calls.append(CallEvent("default", "c1", sequence, sequence, CallEventType.TURN, asdict(turn)))
        print(sequence, flush=True)

asyncio.run(main())
"""


async def test_a_kill_in_the_middle_of_a_call_loses_nothing_that_was_acknowledged(database_url: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", APPENDING, database_url, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    acknowledged = 0
    async with asyncio.timeout(60):
        while acknowledged < ENOUGH:
            acknowledged = int(await process.stdout.readline())
        process.kill()
        rest = (await process.stdout.read()).split()
        acknowledged = int(rest[-1]) if rest else acknowledged
        await process.wait()

    database = Database(database_url)
    try:
        await database.migrate()
        calls = CallStore(database)
        turns = await calls.turns("default", "c1")
        assert [turn.heard for turn in turns] == [f"да {number + 1}" for number in range(len(turns))]
        # One more may have been committed and killed before it could say so.
        assert len(turns) in {acknowledged, acknowledged + 1}

        assert await calls.close_open_calls() == 1
        call = await calls.get("default", "c1")
        assert call is not None
        assert (call.outcome, call.end_reason) == ("cut", "crash")
        assert call.ended_at is not None
        assert round((call.ended_at - call.started_at).total_seconds() * 1000) == len(turns)
    finally:
        await database.close()


WRITING = """
import asyncio, sys
from sqlalchemy import text
from services.storage.database import Database

async def main():
    database = Database(sys.argv[1])
    await database.migrate()
    for _ in range(40):
        async with database.write() as session:
            seen = await session.scalar(text("SELECT faq_revision FROM companies"))
            await session.execute(text("UPDATE companies SET faq_revision = :n"), {"n": seen + 1})
    await database.close()

asyncio.run(main())
"""


async def test_processes_that_write_at_once_wait_for_each_other(database_url: str) -> None:
    database = Database(database_url)
    try:
        await database.migrate()
        await Companies(database).ensure_default("Bakery", "ru", "Europe/Moscow", {})
        processes = [
            await asyncio.create_subprocess_exec(
                sys.executable, "-c", WRITING, database_url, cwd=ROOT, stderr=asyncio.subprocess.PIPE
            )
            for _ in range(2)
        ]
        async with asyncio.timeout(60):
            outputs = await asyncio.gather(*(each.communicate() for each in processes))
        assert [each.returncode for each in processes] == [0, 0], [error for _, error in outputs]
        assert await FaqEntries(database).revision("default") == "80"
    finally:
        await database.close()
