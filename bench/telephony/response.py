"""How long a caller waits: whole simulated calls with the embedded engines, measured at the far end of the line.

    python -m bench.telephony.response [--calls 10]

Each call asks two questions of the FAQ. The far end's figure is from the caller's last sample of speech to the first
sample of the answer that is not silent, so it contains everything: the silence that ends the turn, the ears, the
secretary, the voice, the line. The stages are the secretary's own trace of the same turns, in the order reached: with a
head start the answer is thought of before the turn is over.
"""

import argparse
import asyncio
import runpy
import statistics
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from services.voice.latency import Stage
from telephony.commands.simulated import simulated_line
from telephony.simulator import demo_turns

ROOT = Path(__file__).resolve().parents[2]


async def measure(calls: int) -> tuple[dict[str, list[float]], list[float], int]:
    """Place the calls; return milliseconds by stage and at the far end, and how many answers were not from the FAQ."""
    stages: dict[str, list[float]] = {stage: [] for stage in Stage}
    far_end: list[float] = []
    missed = 0
    open_installation = runpy.run_path(str(ROOT / "orchestrator.py"))["open_installation"]
    with tempfile.TemporaryDirectory() as folder:
        async with (
            open_installation(language="en", data_dir=Path(folder)) as installation,
            simulated_line(installation) as line,
        ):
            for number in range(calls):
                placed = await line.place(f"+7999000{number:04}", demo_turns())
                far_end += [each.response_seconds * 1000 for each in placed.exchanges if each.response_seconds]
                turns = await installation.books.calls.turns(installation.company_id, placed.call_id)
                answers = [turn for turn in turns if turn.role == "secretary"][1:]
                missed += sum(turn.source != "faq" for turn in answers)
                for turn in answers:
                    for stage, at in turn.stages.items():
                        stages[stage].append(at)
    return stages, far_end, missed


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=10)
    calls = parser.parse_args().calls
    stages, far_end, missed = asyncio.run(measure(calls))
    table = Table(
        title=f"ms since the caller's last sound; {calls} calls, {len(far_end)} answers", title_justify="left"
    )
    for title in ("reached", "median", "p95", "longest"):
        table.add_column(title, justify="left" if title == "reached" else "right")
    measured = {name: values for name, values in [*stages.items(), ("heard at the far end", far_end)] if values}
    for name, values in sorted(measured.items(), key=lambda each: statistics.median(each[1])):
        ordered = sorted(values)
        p95 = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
        row = (statistics.median(values), p95, ordered[-1])
        table.add_row(name.replace("_", " "), *(f"{each:.0f}" for each in row))
    console = Console()
    console.print(table)
    console.print(f"Answers that did not come from the FAQ: {missed}.")


if __name__ == "__main__":
    main()
