"""The measurements, each run in a process of its own with one contender: prints one JSON object.

python -m bench.conversation.measure CONTENDER MEASURE [--calls N] [--seconds S] [--variant V] [--core C]
"""

import argparse
import asyncio
import gc
import importlib
import json
import os
import statistics
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from bench.conversation.alone import take_core
from bench.conversation.far_end import FarEnd, recorded
from bench.conversation.script import CYCLE, Answer, Serve, ask, call, interrupt, turn
from bench.conversation.workload import until

CONTENDERS = ("bare", "ours", "pipecat_peer", "livekit_peer")
Result = dict[str, Any]


def pss_mb() -> float:
    """Return the process's proportional memory in MB (RSS where the kernel does not tell)."""
    try:
        lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
    except (OSError, StopIteration):
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def spread(milliseconds: list[float]) -> Result:
    """Describe a sample."""
    ordered = sorted(milliseconds)
    if not ordered:
        return {"count": 0}
    return {
        "count": len(ordered),
        "median": round(statistics.median(ordered), 2),
        "p95": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))], 2),
        "longest": round(ordered[-1], 2),
    }


async def warm_up(serve: Serve) -> None:
    """Hold a call that is not looked at: what is loaded with the first turn is loaded, and no garbage any more.

    Without the freeze the collector walks through all that a contender has imported, for up to 0.2 s at a time.
    """

    async def talk(far: FarEnd) -> None:
        await turn(far)

    await call(serve, talk)
    gc.collect()
    gc.freeze()


async def latency(serve: Serve, args: argparse.Namespace) -> Result:
    """Measure added latency with few calls at a time: `calls` callers of `turns` turns each."""
    answers: list[Answer] = []
    await warm_up(serve)

    async def talk(far: FarEnd) -> None:
        answers.extend([await turn(far) for _ in range(args.turns)])

    async def one(number: int) -> None:
        await asyncio.sleep(number * CYCLE / args.calls)
        await call(serve, talk)

    await asyncio.gather(*(one(number) for number in range(args.calls)))
    added = [each.added * 1000 for each in answers if each.added is not None]
    return {
        **spread(added),
        "lost": sum(each.added is None for each in answers),
        "longest_gap": round(max(each.longest_gap for each in answers) * 1000, 1),
        "added": [round(each, 2) for each in added],
    }


async def load(serve: Serve, args: argparse.Namespace) -> Result:
    """Hold `calls` calls at once, phases spread over a whole turn, and look at `seconds` seconds of it."""
    await warm_up(serve)
    loop = asyncio.get_running_loop()
    begin = loop.time() + 0.5
    opens = begin + max(CYCLE, args.calls * args.ramp) + 1.0  # everybody has asked once
    closes = opens + args.seconds
    answers: list[Answer] = []
    cpu = [0.0, 0.0]

    async def talk(far: FarEnd) -> None:
        while loop.time() < closes:
            answers.append(await turn(far))

    async def one(number: int) -> None:
        await until(begin + number * (opens - begin - 1.0) / args.calls)
        await call(serve, talk)

    async def meter() -> None:
        for index, instant in enumerate((opens, closes)):
            await until(instant)
            cpu[index] = time.process_time()

    await asyncio.gather(meter(), *(one(number) for number in range(args.calls)))
    seen = [each for each in answers if opens <= each.due < closes]
    return {
        **spread([each.added * 1000 for each in seen if each.added is not None]),
        "calls": args.calls,
        "lost": sum(each.added is None for each in seen),
        "longest_gap": round(max((each.longest_gap for each in seen), default=0.0) * 1000, 1),
        "cpu_per_call_minute": round((cpu[1] - cpu[0]) / (args.calls * args.seconds / 60), 4),
        "core": round((cpu[1] - cpu[0]) / args.seconds, 3),
    }


async def memory(serve: Serve, args: argparse.Namespace) -> Result:
    """Measure memory a call: calls that have had a turn and whose line is now quiet, at 10 and at `calls`."""
    over = asyncio.Event()

    async def talk(far: FarEnd) -> None:
        await turn(far)
        far.muted = True
        await over.wait()

    async def settled() -> float:
        await asyncio.sleep(1.0)
        gc.collect()
        return pss_mb()

    calls = [asyncio.ensure_future(call(serve, talk)) for _ in range(10)]
    await asyncio.sleep(CYCLE + 2)
    few = await settled()
    while len(calls) < args.calls:
        calls += [asyncio.ensure_future(call(serve, talk)) for _ in range(min(40, args.calls - len(calls)))]
        await asyncio.sleep(CYCLE + 2)
    many = await settled()
    over.set()
    await asyncio.gather(*calls)
    return {"calls": args.calls, "mb_per_call": round((many - few) / (args.calls - 10), 3), "mb": round(many, 1)}


async def barge_in(serve: Serve, args: argparse.Namespace) -> Result:
    """Measure how long frames are still written after an interruption was found."""
    seconds: list[float | None] = []
    await warm_up(serve)

    async def talk(far: FarEnd) -> None:
        seconds.extend([await interrupt(far) for _ in range(args.turns)])

    async def one(number: int) -> None:
        await asyncio.sleep(number * 0.31)
        await call(serve, talk)

    await asyncio.gather(*(one(number) for number in range(args.calls)))
    return {
        **spread([each * 1000 for each in seconds if each is not None]),
        "missed": sum(each is None for each in seconds),
    }


async def growth(serve: Serve, args: argparse.Namespace) -> Result:
    """Hold `calls` short calls, a few at a time; tell what has grown since the first tenth of them."""

    async def talk(far: FarEnd) -> None:
        far.expect(float("inf"))
        await ask(far, 0.3)
        await asyncio.sleep(0.4)

    def now() -> tuple[float, int, int]:
        gc.collect()
        return pss_mb(), len(asyncio.all_tasks()), len(os.listdir("/proc/self/fd"))  # noqa: PTH208

    before = now()
    for number in range(0, args.calls, args.together):
        await asyncio.gather(*(call(serve, talk) for _ in range(args.together)))
        if number < args.calls // 10 <= number + args.together:
            await asyncio.sleep(0.5)
            before = now()
    await asyncio.sleep(0.5)
    after = now()
    return {
        "calls": args.calls,
        "mb": round(after[0] - before[0], 2),
        "tasks": after[1] - before[1],
        "files": after[2] - before[2],
    }


MEASURES: dict[str, Callable[[Serve, argparse.Namespace], Coroutine[Any, Any, Result]]] = {
    "latency": latency,
    "load": load,
    "memory": memory,
    "barge_in": barge_in,
    "growth": growth,
}


def main() -> None:
    """Run one measurement of one contender."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("contender", choices=CONTENDERS)
    parser.add_argument("measure", choices=sorted(MEASURES))
    parser.add_argument("--calls", type=int, default=6)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--ramp", type=float, default=0.0)
    parser.add_argument("--together", type=int, default=25)
    parser.add_argument("--variant", default="", help="vad: its own Silero; ours alone: paced, whole")
    parser.add_argument("--core", type=int, default=-1)
    args = parser.parse_args()
    take_core(args.core)
    if args.variant in ("vad", "whole"):
        FarEnd.sounds = recorded()
    contender = importlib.import_module(f"bench.conversation.{args.contender}")
    getattr(contender, "quiet", lambda: None)()
    serve: Serve = getattr(contender, f"serve_{args.variant}" if args.variant else "serve")
    print(json.dumps(asyncio.run(MEASURES[args.measure](serve, args))))


if __name__ == "__main__":
    main()
