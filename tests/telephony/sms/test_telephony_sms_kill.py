"""kill -9 at any command to the modem: every message is stored once, each part sent once, or twice when in doubt."""

import asyncio
import sys
from pathlib import Path

from sms_line import COMPANY, LINE, JumpingClock, texts_in, until

from services.storage.texts.messages import TextMessages
from telephony.simulator import Event, ModemSimulator
from telephony.sms.service import SmsService

ROOT = Path(__file__).parents[3]
INCOMING = ["Первое", "Второе сообщение. " * 8, "Третье"]
OUTGOING = ["Ответ", "Длинный ответ. " * 12]
MOST_RUNS = 12
"""One may end by itself: a modem that was left in the middle of a message does not answer at once."""
SECRETARY = """
import asyncio, sys, time
from datetime import UTC, datetime, timedelta
from services.clock import LoopClock
from services.storage.database import Database
from services.storage.texts.messages import TextMessages
from sms_line import COMPANY, LINE, channel_to
from telephony.sms.service import SmsService
from telephony.sms.settings import SmsSettings

STARTED = time.monotonic()

class FastClock(LoopClock):
    "A minute each second: pauses are short, and each run begins later than the one before."
    def now(self):
        return datetime.now(UTC) + timedelta(minutes=10 * int(sys.argv[3]) + time.monotonic() - STARTED)

async def main():
    database = Database(sys.argv[1])
    patient = SmsSettings(part_patience_seconds=86400)  # by this clock a busy machine takes long to bring all parts
    service = SmsService(TextMessages(database, FastClock()).of_line(COMPANY, LINE), FastClock(), patient)
    async with channel_to(sys.argv[2]) as channel:
        await service.attach(channel)
        while not channel.closed:
            await asyncio.sleep(0.1)
            service._wake_outbox()  # its pauses are measured by a clock that runs faster than the loop

asyncio.run(main())
"""


async def test_killed_at_any_command(tmp_path: Path) -> None:
    victims = ("AT+CMGD", "AT+CMGS", "AT+CMGD", "AT+CMGS")
    child: asyncio.subprocess.Process | None = None
    struck: list[str] = []

    def strike(event: Event) -> None:
        wanted = victims[len(struck)] if len(struck) < len(victims) else None
        if wanted and child is not None and child.returncode is None and event.text.startswith(wanted):
            struck.append(event.text)
            child.kill()

    async with ModemSimulator(on_event=strike) as simulator, texts_in(tmp_path, JumpingClock()) as texts:
        for text in INCOMING:
            await simulator.deliver_text("+79990001122", text)
        store = texts.of_line(COMPANY, LINE)
        ids = [await SmsService(store, JumpingClock()).send("+79995556677", text) for text in OUTGOING]

        async def settled() -> bool:
            return not simulator.stored_sms() and await _all_settled(texts, ids)

        for run in range(MOST_RUNS):
            running = child = await asyncio.create_subprocess_exec(
                sys.executable, "-c", SECRETARY, f"sqlite+aiosqlite:///{tmp_path}/data/secretary.db",
                simulator.at_port, str(run), cwd=ROOT,
                env={"PYTHONPATH": f"{ROOT}:{ROOT / 'tests' / 'support'}"}, stdout=asyncio.subprocess.DEVNULL,
            )  # fmt: skip

            async def ended(running: asyncio.subprocess.Process = running) -> bool:
                return running.returncode is not None or await settled()

            try:
                await until(ended, 30)
            finally:
                if running.returncode is None:
                    running.kill()
                await running.wait()
            if await settled():
                break
        received = sorted(each.text for each in await texts.list(COMPANY) if each.direction == "in")
        sent = [each.pdu for each in simulator.sent_sms()]
        for message_id in ids:
            message = await texts.get(COMPANY, message_id)
            assert message is not None
            parts = [part.pdu for part in await store.parts(message_id)]
            # Two kills in the middle of the same part leave it in doubt for good; every other message went out.
            assert message.status == "failed" or set(parts) <= set(sent)
            assert all(sent.count(pdu) <= 2 for pdu in parts)
    assert len(struck) >= 2
    assert received == sorted(INCOMING)


async def _all_settled(texts: TextMessages, ids: list[str]) -> bool:
    """Tell whether each message was sent, or is in doubt for good."""
    found = [await texts.get(COMPANY, message_id) for message_id in ids]
    return all(each is not None and (each.status in ("sent", "delivered") or "twice" in each.error) for each in found)
