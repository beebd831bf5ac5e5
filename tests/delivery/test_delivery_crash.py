"""Kill -9 at random moments: each message reaches its receiver at least once, and none is lost."""

import asyncio
import os
import random
import sys
from datetime import UTC, datetime
from pathlib import Path

from webhook_receiver import Received, plain, receiver

from services.storage.database import Database
from services.storage.delivery.outbox import OutboxBook
from services.storage.delivery.tables import WebhookRow

ROOT = Path(__file__).parents[2]
MESSAGES = 40
KILLS = 2

# Puts messages in, a transaction each, tells which are committed, and sends meanwhile; leases are short.
WORKER = """
import asyncio, logging, sys
from services import logs
from services.clock import LoopClock
from services.delivery.addresses import AddressRules
from services.delivery.outbound import OutboundClient
from services.delivery.sender import Sender, SenderLimits
from services.delivery.settings import WebhookSettings
from services.delivery.webhooks import WebhookDeliverer
from services.storage.delivery.announcing import announce
from services.storage.database import Database
from services.storage.delivery.outbox import OutboxBook
from services.storage.delivery.outbox_queue import OutboxQueue
from services.storage.delivery.webhooks import Webhooks

class Vault:
    async def get(self, company_id, name):
        return "whsec_" + "a" * 32

async def main():
    url, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    database, clock = Database(url), LoopClock()
    await database.migrate()
    book = OutboxBook(database, clock)
    settings = WebhookSettings(allow_http=True, allow_private=("127.0.0.1/32",))
    client = OutboundClient(AddressRules(settings))
    limits = SenderLimits(poll=0.1, lease=1.0, together=4)
    sender = Sender(OutboxQueue(database, clock), book.bell, clock, limits, uniform=lambda low, high: 0.02)
    sender.register("webhook", WebhookDeliverer(Webhooks(database, Vault(), clock), client, clock))
    async with sender.running():
        for number in range(first, last):
            def happen(session):
                announce(session, "default", "call.ended", {"number": number}, f"c{number}", clock.now())
            await database.write_together(happen, what="x")
            print(number, flush=True)
        await asyncio.sleep(3600)

logs.set_up("console", logging.ERROR)
asyncio.run(main())
"""


async def test_nothing_committed_is_lost_when_the_sender_is_killed(database: Database, delivery_url: str) -> None:
    random_ = random.Random(7)
    now = datetime.now(UTC)
    async with receiver() as shop:
        shop.answer = lambda _received: plain(503 if len(shop.received) % 7 == 0 else 200)
        async with database.write() as session:
            session.add(
                WebhookRow(
                    id="w", company_id="default", direction="out", service="", url=shop.url(), events=["call.ended"],
                    description="", active=True, created_at=now, updated_at=now,
                )
            )  # fmt: skip
        committed = -1
        for life in range(KILLS + 1):
            first, last = committed + 1, MESSAGES
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", WORKER, delivery_url, str(first), str(last), cwd=ROOT,
                stdout=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)},
            )  # fmt: skip
            try:
                if life < KILLS:
                    committed = max(committed, await _live(process, random_.randint(3, 12)))
                    continue
                async with asyncio.timeout(60):
                    await _all_delivered(database)
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.communicate()
        numbers = {_number(each) for each in shop.received}
    assert numbers == set(range(MESSAGES))
    by_id = {each.id: _number(each) for each in shop.received}
    assert sorted(by_id.values()) == list(range(MESSAGES))  # whoever knows doubles by the id has each once


def _number(received: Received) -> int:
    return int(received.json["data"]["number"])


async def _live(process: asyncio.subprocess.Process, until: int) -> int:
    """Let the process commit `until` messages, kill it, and return the last number that it told."""
    assert process.stdout is not None
    told, count = -1, 0
    async with asyncio.timeout(30):
        while count < until and (line := await process.stdout.readline()):
            told, count = int(line), count + 1
        process.kill()
        rest = (await process.communicate())[0].split()
    return int(rest[-1]) if rest else told


async def _all_delivered(database: Database) -> None:
    book = OutboxBook(database)
    while True:
        rows, _ = await book.list("default", 200, kind="webhook")
        assert not any(row.status == "dead" for row in rows), rows
        if len(rows) == MESSAGES and all(row.status == "delivered" for row in rows):
            return
        await asyncio.sleep(0.1)
