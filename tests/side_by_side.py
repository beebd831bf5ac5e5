"""Runs the whole test run as several processes at once: `python tests/side_by_side.py [arguments of pytest]`.

Most of the run waits in real time, as calls are as long as they are. Those rooms run beside the ones that compute,
which give way to them: they have a lower priority, and the last of them keeps to one core. The first lane is seen while
it runs; what the others say is kept and shown at the end: whole when they failed, else their last lines.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, NoReturn

ROOT = Path(__file__).resolve().parents[1]
LANES: dict[str, list[str]] = {
    "calls": ["tests/calls"],
    "talks": [f"tests/calls/test_calls_{name}.py" for name in ("simulated", "messages", "soak", "crowd")],
    "lines": ["tests/telephony", "tests/simulator", "tests/openai", "tests/voice/test_voice_real_time.py"],
    "platform": [f"tests/{room}" for room in ("accounts", "authorisation", "backup", "doctor", "platform")],
    "api": ["tests/api", "tests/delivery", "tests/storage"],
    "others": ["tests"],
}
"""What each lane runs, without what another names below it."""
COMPUTE = ("platform", "api", "others")
"""Those that compute; the others wait in real time."""
GIVES_WAY = 10
"""By how much the rooms that compute are nicer than those that wait."""
ENDED_BY = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
END_SECONDS = 20.0
"""How long an interrupted lane may take to close what it has open, before it is killed."""
LAST_LINES = 12


class Lane:
    """A pytest process with its rooms; its output goes to `log`, without one to the screen."""

    def __init__(self, name: str, arguments: Sequence[str], log: IO[bytes] | None) -> None:
        self.name = name
        self.seconds = 0.0
        self._log = log
        self._began = time.monotonic()
        cache = f"cache_dir=.pytest_cache/{name}"
        # In a group of its own: Ctrl-C in a terminal reaches it once, by `interrupt`, and not again as it tears down.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pytest", "-o", cache, *arguments, *selection(name)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log and subprocess.STDOUT,
            process_group=0,
        )

    def give_way(self, *, one_core: bool) -> None:
        """Let the lanes that wait in real time go first, everywhere or on one core."""
        os.setpriority(os.PRIO_PROCESS, self._process.pid, os.getpriority(os.PRIO_PROCESS, 0) + GIVES_WAY)
        if one_core and sys.platform == "linux":
            os.sched_setaffinity(self._process.pid, {max(os.sched_getaffinity(0))})

    def is_over(self) -> bool:
        """Tell whether it has ended, and note how long it has taken until now."""
        if self._process.poll() is not None:
            return True
        self.seconds = time.monotonic() - self._began
        return False

    @property
    def code(self) -> int:
        """What pytest returned; 0 when every test passed."""
        return self._process.wait()

    def interrupt(self) -> None:
        """Stop it as Ctrl-C does: it ends the test that runs, closes what is open and says so."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)

    def end(self) -> None:
        """Wait until it has ended; kill it when it does not."""
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def kept(self) -> list[str]:
        """Return what is worth showing of what was kept."""
        if self._log is None:
            return []
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").splitlines()
        return [f"\n== Lane {self.name}", *(lines if self.code else lines[-LAST_LINES:])]

    def result(self) -> str:
        """Say in a line what came of it."""
        result = f"failed: see above (pytest returned {self.code})" if self.code else "passed"
        return f"{self.name:8}{self.seconds:5.0f} s  {result}"


def selection(name: str) -> list[str]:
    """Return pytest's arguments that select what the lane of this name runs."""
    elsewhere = (path for other, paths in LANES.items() if other != name for path in paths)
    ignored = [path for path in elsewhere if any(path.startswith(f"{own}/") for own in LANES[name])]
    return [*LANES[name], *(f"--ignore={path}" for path in ignored)]


def tell(*lines: str) -> None:
    """Write lines to the screen, whatever its encoding."""
    sys.stdout.buffer.write("".join(f"{line}\n" for line in lines).encode())
    sys.stdout.flush()


def leave(number: int, _frame: object) -> NoReturn:
    """Leave once, with the code by which a shell tells of a process that a signal ended."""
    for each in ENDED_BY:
        signal.signal(each, signal.SIG_IGN)
    raise SystemExit(128 + number)


def side_by_side(arguments: Sequence[str]) -> int:
    """Run all lanes to their end; return 0 when every test passed, else what the first lane that failed returned."""
    with ExitStack() as stack:
        lanes: list[Lane] = []
        try:
            for name in LANES:
                log = stack.enter_context(tempfile.TemporaryFile()) if lanes else None
                lanes.append(Lane(name, arguments, log))
            for lane in lanes:
                if lane.name in COMPUTE:
                    lane.give_way(one_core=lane is lanes[-1])
            while sum(lane.is_over() for lane in lanes) < len(lanes):
                time.sleep(0.2)
        finally:
            for lane in lanes:
                lane.interrupt()
            for lane in lanes:
                lane.end()
        for lane in lanes:
            tell(*lane.kept())
        tell("\n== All lanes", *(lane.result() for lane in lanes))
        return next((lane.code for lane in lanes if lane.code), 0)


if __name__ == "__main__":
    for sent in ENDED_BY:
        signal.signal(sent, leave)
    raise SystemExit(side_by_side(sys.argv[1:]))
