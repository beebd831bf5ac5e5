"""Which measurements are made, in which order, each in a process of its own on one core."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench.conversation.measure import CONTENDERS, Result, spread

ROOT = Path(__file__).resolve().parents[2]
LEVELS = (25, 50, 100, 165, 250, 330, 400, 500, 600)
SLOWEST = 50.0  # ms of added latency at the 95th percentile
LONGEST_GAP = 60.0  # ms
ROWS = (
    *("imports", "latency", "latency_vad", "latency_paced", "cpu", "cpu_vad", "cpu_whole"),
    *("barge_in", "memory", "growth", "capacity"),
)
ONLY_OURS = ("latency_paced", "cpu_whole")
WITHOUT_BARE = ("latency_vad", "cpu_vad")


@dataclass
class Bench:
    """One run of everything. `pythons` tells which interpreter runs which contender; `results` is what was found."""

    pythons: dict[str, str]
    core: int
    rounds: int
    seconds: float
    levels: tuple[int, ...]
    rows: tuple[str, ...]
    tell: Callable[[str], None]
    results: dict[str, Result] = field(default_factory=dict)

    def run(self) -> dict[str, Result]:
        """Make all measurements of the wanted rows; what fails is told and left out."""
        self.results = {name: {} for name in self.pythons}
        for row in self.rows:
            kind, _, variant = row.partition("_")
            if kind in ("latency", "cpu"):
                (self._latency if kind == "latency" else self._cpu)(row, variant)
            else:
                getattr(self, f"_{row}")()
        return self.results

    def _imports(self) -> None:
        for name in self.pythons:
            self._keep(name, "imports", self._process(name, ["bench.conversation.imports", name, str(self.core)]))

    def _latency(self, row: str, variant: str) -> None:
        """Rounds are interleaved, so that a noisy minute of the machine is shared by all."""
        options = ("--calls", "6", "--turns", "4", "--variant", variant)
        found = self._in_rounds(row, lambda name: self._measure(name, "latency", *options))
        for name, rounds in found.items():
            merged = spread([each for result in rounds for each in result["added"]])
            merged["lost"] = sum(each["lost"] for each in rounds)
            merged["longest_gap"] = max(each["longest_gap"] for each in rounds)
            merged["medians"] = [each["median"] for each in rounds]
            self.results[name][row] = merged

    def _cpu(self, row: str, variant: str) -> None:
        """The least of the rounds counts: the machine's other users only ever add."""
        found = self._in_rounds(row, lambda name: self._load(name, 50, variant))
        for name, rounds in found.items():
            self.results[name][row] = min(rounds, key=lambda each: float(each["cpu_per_call_minute"]))

    def _in_rounds(self, row: str, measure: Callable[[str], Result]) -> dict[str, list[Result]]:
        names = [name for name in self.pythons if name == "ours" or row not in ONLY_OURS]
        names = [name for name in names if name != "bare" or row not in WITHOUT_BARE]
        found: dict[str, list[Result]] = {name: [] for name in names}
        for _ in range(self.rounds):
            for name in names:
                if (result := measure(name)).get("count"):
                    found[name].append(result)
        return {name: rounds for name, rounds in found.items() if rounds}

    def _capacity(self) -> None:
        """Search upward; two levels in a row that fail end it."""
        for name in self.pythons:
            passed, failures, tried = 0, 0, []
            for level in self.levels:
                result = self._load(name, level)
                tried.append(result)
                good = fits(result)
                passed, failures = (level, 0) if good else (passed, failures + 1)
                if failures == 2:
                    break
            self._keep(name, "capacity", {"calls": passed, "levels": tried})

    def _memory(self) -> None:
        for name in self.pythons:
            self._keep(name, "memory", self._measure(name, "memory", "--calls", "200"))

    def _barge_in(self) -> None:
        for name in self.pythons:
            self._keep(name, "barge_in", self._measure(name, "barge_in", "--calls", "6", "--turns", "6"))

    def _growth(self) -> None:
        for name in self.pythons:
            self._keep(name, "growth", self._measure(name, "growth", "--calls", "1000"))

    def _load(self, name: str, calls: int, variant: str = "") -> Result:
        options = ("--calls", str(calls), "--seconds", str(self.seconds), "--variant", variant)
        return self._measure(name, "load", *options) or {"calls": calls, "count": 0}

    def _measure(self, name: str, measure: str, *options: str) -> Result:
        command = ["bench.conversation.measure", name, measure, "--core", str(self.core), *options]
        return self._process(name, command)

    def _process(self, name: str, command: list[str]) -> Result:
        try:
            run = subprocess.run(
                [self.pythons[name], "-m", *command], cwd=ROOT, capture_output=True, text=True, timeout=600, check=True
            )
            result: Result = json.loads(run.stdout.splitlines()[-1])
        except (subprocess.SubprocessError, ValueError, IndexError) as error:
            lines = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
            self.tell(f"{' '.join(command)} failed: {lines[-1] if lines else error}")
            return {}
        self.tell(f"{' '.join(command)}: {_short(result)}")
        return result

    def _keep(self, name: str, row: str, result: Result) -> None:
        if result:
            self.results[name][row] = result


def fits(level: Result) -> bool:
    """Tell whether a load was carried: every turn answered, soon and without gaps."""
    answered = level.get("count", 0) > 0 and not level.get("lost")
    return answered and level["p95"] < SLOWEST and level["longest_gap"] <= LONGEST_GAP


def pythons(pipecat: str, livekit: str) -> dict[str, str]:
    """Return the interpreters of the contenders that can be imported; `ours` and `bare` run in this one."""
    wanted = dict(zip(CONTENDERS, (sys.executable, sys.executable, pipecat, livekit), strict=True))
    packages = {"pipecat_peer": "pipecat", "livekit_peer": "livekit.agents"}
    return {name: python for name, python in wanted.items() if _imports(python, packages.get(name, "numpy"))}


def versions(interpreters: dict[str, str]) -> dict[str, str]:
    """Return the versions that were measured, by contender."""
    packages = {"bare": "numpy", "pipecat_peer": "pipecat-ai", "livekit_peer": "livekit-agents"}
    found = {"python": sys.version.split()[0], "cores": str(os.cpu_count())}
    for name, package in packages.items():
        if name in interpreters:
            code = f"from importlib.metadata import version; print(version({package!r}))"
            found[package] = subprocess.run(
                [interpreters[name], "-c", code], capture_output=True, text=True, check=True
            ).stdout.strip()
    return found


def _imports(python: str, package: str) -> bool:
    code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({package!r}) is None)"
    return subprocess.run([python, "-c", code], capture_output=True, check=False).returncode == 0


def _short(result: Result) -> str:
    return json.dumps({key: value for key, value in result.items() if not isinstance(value, list)})


def peers_python(named: str, root: Path = ROOT) -> str:
    """Return the interpreter that has the peers: the one named, this one, or that of .venvs/bench."""
    if named:
        return named
    beside = root / ".venvs" / "bench" / "bin" / "python"
    return sys.executable if _imports(sys.executable, "pipecat") or not beside.exists() else str(beside)
