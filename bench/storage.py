"""Storing: events of fifty calls at once, each in a commit of its own and with shared commits, in turns in one run.

Every call waits for its event to be on the disk before it stores the next, as the journals of calls do; so the latency
is what a call's end waits for. Run: .venv/bin/python -m bench.storage [folder]; name one on the disk that matters.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path

from services.clock import LoopClock
from services.domain import Turn
from services.events import CallEvent, CallEventType
from services.storage.calls.calls import CallStore, append_event
from services.storage.database import Database
from services.storage.engine import sqlite_url
from services.storage.people.companies import Companies

CALLS = 50
SECONDS = 8.0
WORDS = tuple({"text": "hello", "start": 0.1, "end": 0.4, "confidence": 0.9} for _ in range(10))
TURN = asdict(Turn(0, "caller", "hello " * 10, "hello " * 10, "en", 0.0, 2.0, words=WORDS))

Append = Callable[[CallEvent], Awaitable[None]]


async def write(append: Append, name: str) -> list[float]:
    """Let all calls store turns for some seconds; return the latencies in milliseconds."""
    latencies: list[float] = []
    until = time.perf_counter() + SECONDS

    async def call(call_id: str) -> None:
        await append(CallEvent("default", call_id, 0, 0, CallEventType.STARTED, {"number": call_id}))
        sequence = 0
        while time.perf_counter() < until:
            turn = CallEvent("default", call_id, sequence + 1, 0, CallEventType.TURN, TURN | {"index": sequence})
            began = time.perf_counter()
            await append(turn)
            latencies.append((time.perf_counter() - began) * 1000)
            sequence += 1

    await asyncio.gather(*(call(f"{name}-{number}") for number in range(CALLS)))
    return latencies


async def main(folder: Path) -> None:
    """Measure both ways twice, in turns, and tell their ratio."""
    database = Database(sqlite_url(folder))
    await database.migrate()
    await Companies(database).ensure_default("Bench", "en", "UTC", {})
    clock = LoopClock()

    async def alone(event: CallEvent) -> None:
        async with database.write() as session:
            await session.run_sync(append_event, event, clock.now())

    ways: dict[str, Append] = {"alone": alone, "together": CallStore(database).append}
    found: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(2):
        for name, append in ways.items():
            cpu = time.process_time()
            latencies = await write(append, f"{name}{turn}")
            found[name] += latencies
            cpu_each = (time.process_time() - cpu) / len(latencies) * 1000
            print(f"{name:>9}: {len(latencies) / SECONDS:6.0f} events/s, {cpu_each:.2f} ms of CPU each")
    for name, latencies in found.items():
        p95 = statistics.quantiles(latencies, n=20)[-1]
        print(f"{name:>9}: until on the disk, median {statistics.median(latencies):.0f} ms, p95 {p95:.0f} ms")
    print(f"   ratio: {len(found['together']) / len(found['alone']):.1f} times as many events")
    await database.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as temporary:
        asyncio.run(main(Path(temporary)))
