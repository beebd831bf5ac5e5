"""The table: one column a contender, one row a figure, and how the peers compare with us."""

from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.table import Table

Figure = Callable[[dict[str, Any]], float | None]

TITLES = {"bare": "bare asyncio", "ours": "this project", "pipecat_peer": "pipecat", "livekit_peer": "livekit-agents"}


def _of(row: str, key: str) -> Figure:
    return lambda result: result.get(row, {}).get(key)


# title, figure, how it is written, which way is better
FIGURES: tuple[tuple[str, Figure, str, str], ...] = (
    ("added latency, median ms", _of("latency", "median"), ".1f", "less"),
    ("added latency, p95 ms", _of("latency", "p95"), ".1f", "less"),
    ("turns", _of("latency", "count"), ".0f", ""),
    ("turns lost", _of("latency", "lost"), ".0f", ""),
    ("with Silero: median ms", _of("latency_vad", "median"), ".1f", "less"),
    ("with Silero: p95 ms", _of("latency_vad", "p95"), ".1f", "less"),
    ("on 20 ms ticks: median ms", _of("latency_paced", "median"), ".1f", ""),
    ("concurrent calls on one core", _of("capacity", "calls"), ".0f", "more"),
    ("CPU s a call-minute, 50 calls", _of("cpu", "cpu_per_call_minute"), ".3f", "less"),
    ("the same with Silero", _of("cpu_vad", "cpu_per_call_minute"), ".3f", "less"),
    ("with Silero and echo canceller", _of("cpu_whole", "cpu_per_call_minute"), ".3f", ""),
    ("import, s", _of("imports", "seconds"), ".2f", "less"),
    ("imported modules", _of("imports", "modules"), ".0f", "less"),
    ("memory after import, MB", _of("imports", "mb"), ".0f", "less"),
    ("memory an added call, MB", _of("memory", "mb_per_call"), ".2f", "less"),
    ("barge-in to last frame, median ms", _of("barge_in", "median"), ".1f", "less"),
    ("barge-in to last frame, p95 ms", _of("barge_in", "p95"), ".1f", "less"),
    ("grown after 1,000 calls, MB", _of("growth", "mb"), ".1f", ""),
    ("tasks left", _of("growth", "tasks"), ".0f", ""),
    ("files left", _of("growth", "files"), ".0f", ""),
)


def show(console: Console, results: dict[str, dict[str, Any]], versions: dict[str, str]) -> None:
    """Print the table; a ratio in brackets is that contender's figure against ours (x: how much more we do)."""
    table = Table(title="The same conversation", caption=", ".join(f"{name} {text}" for name, text in versions.items()))
    table.add_column("")
    for name in results:
        table.add_column(TITLES[name], justify="right")
    for title, figure, form, better in FIGURES:
        values = {name: figure(result) for name, result in results.items()}
        if any(value is not None for value in values.values()):
            table.add_row(title, *(_cell(value, values.get("ours"), form, better) for value in values.values()))
    console.print(table)
    for name, result in results.items():
        tried = result.get("capacity", {}).get("levels", ())
        if tried:
            console.print(f"{TITLES[name]}: " + "; ".join(map(_level, tried)))


def _cell(value: float | None, ours: float | None, form: str, better: str) -> str:
    if value is None:
        return "-"
    text = format(value, form)
    if better and ours and value and value != ours:
        ratio = ours / value if better == "more" else value / ours
        text += f" ({ratio:.1f}x)"
    return text


def _level(level: dict[str, Any]) -> str:
    if not level.get("count"):
        return f"{level['calls']} calls: not carried"
    return (
        f"{level['calls']} calls: p95 {level['p95']:.0f} ms, gap {level['longest_gap']:.0f} ms, "
        f"lost {level['lost']}, core {level['core']:.0%}"
    )
