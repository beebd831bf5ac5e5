"""A modem with its calls and mishaps beside what the installation has stored of them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from services.installation import Installation
from services.parts import State
from services.storage.calls.records import CallRecord
from telephony.channel import modem_pool
from telephony.pool import ModemPool
from telephony.settings import TelephonySettings
from telephony.simulator import Happened, ModemSimulator, Written

READY_SECONDS = 30.0
FILED_SECONDS = 30.0
BRIEF = 1.5
"""Seconds of talk below which a call may be stored as missed: it ended while its sound was being switched on."""


@asynccontextmanager
async def troubled_line(installation: Installation, sim: ModemSimulator) -> AsyncIterator[ModemPool]:
    """All modems that the simulator shows, served as a running server serves them."""
    settings = TelephonySettings(status_every_seconds=5.0)
    pool = modem_pool(installation, settings, sim.usb_ports)
    await pool.start()
    try:
        await ready(pool)
        yield pool
    finally:
        await pool.close()


async def ready(pool: ModemPool, seconds: float = READY_SECONDS) -> None:
    """Wait until every line of the pool is ready. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not pool.services or any(part.state is not State.READY for part in pool.parts()):  # noqa: ASYNC110
            await asyncio.sleep(0.05)  # several services may change, and others come


async def all_calls(installation: Installation) -> list[CallRecord]:
    """Every stored call, once nothing is going on any more. Raises TimeoutError."""
    async with asyncio.timeout(FILED_SECONDS):
        while True:
            calls: list[CallRecord] = []
            cursor: str | None = None
            while True:
                page, cursor = await installation.books.calls.list(installation.company_id, limit=200, cursor=cursor)
                calls += page
                if cursor is None:
                    break
            if all(call.ended_at for call in calls):
                return calls
            await asyncio.sleep(0.2)


def untrue(happened: Sequence[Happened], calls: Sequence[CallRecord]) -> list[str]:
    """Return what the stored calls say wrongly, [] when every call is there once with its true outcome."""
    stored: dict[str, list[CallRecord]] = {}
    for call in calls:
        stored.setdefault(call.number, []).append(call)
    wrong = []
    nameless = Counter(call.outcome for call in stored.pop("", []))
    sick = ""
    for each in happened:
        mine = stored.pop(each.plan.number, [])
        if each.called and each.rings and not mine and nameless.total():
            wanted = next((name for name in outcomes(each, sick) if nameless[name]), "")
            nameless[wanted] -= 1
            if wanted:
                sick = each.sickness
                continue
        wrong += _verdict(each, mine, sick)
        sick = each.sickness
    wrong += [f"nobody called, and stored is {call}" for rest in stored.values() for call in rest]
    return wrong


def outcomes(each: Happened, sick: str) -> tuple[str, ...]:
    """Return what may be stored of a call; `sick` is what was wrong with the audio endpoint when it began."""
    if not each.answered:
        return ("missed",)
    if each.talked_seconds < BRIEF:
        return ("answered", "missed", "failed")
    # A caller who hears nothing, because the modem gives no sound, hangs up before there is any.
    silent = sick or each.sickness or "audio-refused-twice" in each.plan.manners
    return ("answered", "failed") if silent else ("answered",)


def _verdict(each: Happened, mine: Sequence[CallRecord], sick: str) -> list[str]:
    if not each.called or not each.rings:
        return [f"nothing rang, and stored is {call}" for call in mine]
    if not mine and not each.answered and each.rings == 1 and (each.ended_by == "modem" or each.plan.gives_up_after):
        return []  # its only RING came while the program had no port to read it from
    if len(mine) != 1:
        return [f"stored {len(mine)} times: {[call.outcome for call in mine]}: {each}"]
    if mine[0].outcome not in outcomes(each, sick):
        return [f"stored as {mine[0].outcome} ({mine[0].end_reason}): {each}"]
    return []


async def unread(installation: Installation, written: Sequence[Written], seconds: float = 30.0) -> list[str]:
    """Return what is wrong with the stored text messages, [] when each is there once; waits for the last of them."""
    wanted = Counter((each.sender, each.text.strip()) for each in written)
    found: Counter[tuple[str, str]] = Counter()
    for _ in range(round(seconds / 0.5)):
        texts = await installation.books.texts.list(installation.company_id, limit=2000)
        found = Counter((text.number, text.text.strip()) for text in texts if text.direction == "in")
        if found == wanted:
            return []
        await asyncio.sleep(0.5)
    return [f"{(wanted - found)!r} missing, {(found - wanted)!r} too many"]
