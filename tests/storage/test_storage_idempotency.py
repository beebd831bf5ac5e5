"""Idempotency keys on both databases: of all who claim one at once, in whatever process, one is the first."""

import asyncio
import sys
from pathlib import Path

from services.storage.database import Database
from services.storage.idempotency import IdempotencyKeys, StoredAnswer

ROOT = Path(__file__).parents[2]
CLAIMING = """
import asyncio, sys
from services.storage.database import Database
from services.storage.idempotency import IdempotencyKeys
async def main():
    database = Database(sys.argv[1])
    keys = IdempotencyKeys(database)
    claims = await asyncio.gather(*(keys.claim("default", f"k{n}", "asked") for n in range(10) for _ in range(3)))
    print(sum(each.state == "first" for each in claims))
    await database.close()
asyncio.run(main())
"""


async def test_two_processes_claim_each_key_once(database: Database, database_url: str) -> None:
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", CLAIMING, database_url, cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        for _ in range(2)
    ]
    told = [int((await each.communicate())[0]) for each in processes]
    assert sum(told) == 10


async def test_an_answer_survives_a_restart_and_belongs_to_the_one_who_claimed(
    database: Database, database_url: str
) -> None:
    keys = IdempotencyKeys(database)
    claim = await keys.claim("default", "k1", "asked")
    answer = StoredAnswer(202, "application/json", "/admin/calls/1", b'{"id":"1"}')
    await keys.answer(claim, answer)
    other = Database(database_url)
    try:
        known = await IdempotencyKeys(other).claim("default", "k1", "asked")
    finally:
        await other.close()
    assert (known.state, known.answer) == ("answered", answer)
    await keys.release(known)
    assert (await keys.claim("default", "k1", "asked")).state == "answered", "only its own claim gives a key back"
    await keys.release(claim)
    assert (await keys.claim("default", "k1", "asked")).state == "first"


async def test_a_large_answer_is_kept_without_its_body(database: Database) -> None:
    keys = IdempotencyKeys(database)
    await keys.answer(await keys.claim("default", "k1", "asked"), StoredAnswer(200, "text/plain", "", b"x" * 1_000_001))
    known = await keys.claim("default", "k1", "asked")
    assert known.answer is not None
    assert (known.answer.status, known.answer.body) == (200, b"")
