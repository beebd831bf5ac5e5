"""Runs the whole test run as several processes at once: `python tests/side_by_side.py [arguments of pytest]`.

Half of the run waits in real time, as calls are as long as they are. Those rooms run beside the ones that compute, which
give way to them: they have a lower priority, and one core of their own. The first lane is seen while it runs; what the
others say is kept and shown at the end: whole when they failed, else their last lines.
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
WAITING = {"calls": ["tests/calls"], "lines": ["tests/telephony", "tests/simulator", "tests/api"]}
"""The lanes of the rooms that wait; a room that is named nowhere belongs to the last lane, "others"."""
GIVES_WAY = 10
"""By how much the rooms that compute are nicer than those that wait."""
END_SECONDS = 20.0
LAST_LINES = 12


class Lane:
    """A pytest process with its rooms; its output goes to the screen or, when `kept`, to a file."""

    def __init__(self, name: str, selection: Sequence[str], arguments: Sequence[str], *, kept: bool) -> None:
        self.name = name
        self.seconds = 0.0
        self._log: IO[bytes] | None = tempfile.TemporaryFile() if kept else None
        self._began = time.monotonic()
        cache = f"cache_dir=.pytest_cache/{name}"
        command = [sys.executable, "-m", "pytest", "-o", cache, *arguments, *selection]
        # In a group of its own: Ctrl-C in a terminal reaches it once, from `end`, and not in the middle of its teardown.
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log and subprocess.STDOUT,
            process_group=0,
        )

    def give_way(self) -> None:
        """Let every other lane go first, on a machine of few cores too."""
        os.setpriority(os.PRIO_PROCESS, self._process.pid, os.getpriority(os.PRIO_PROCESS, 0) + GIVES_WAY)
        if sys.platform == "linux":
            os.sched_setaffinity(self._process.pid, {max(os.sched_getaffinity(0))})

    def is_over(self) -> bool:
        """Whether it has ended; notes how long it took."""
        if self._process.poll() is None:
            self.seconds = time.monotonic() - self._began
            return False
        return True

    @property
    def code(self) -> int:
        """What pytest returned."""
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

    def tell(self) -> None:
        """Show what was kept, and give it up."""
        if self._log is None:
            return
        with self._log as log:
            log.seek(0)
            lines = log.read().decode(errors="replace").splitlines()
        print(f"\n== {self.name}", *(lines if self.code else lines[-LAST_LINES:]), sep="\n")


def stopped(number: int, _frame: object) -> NoReturn:
    """Leave as a shell tells it of a process that a signal has ended."""
    raise SystemExit(128 + number)


def side_by_side(arguments: Sequence[str]) -> int:
    """Run all lanes to their end; return 0 when every test passed, else the first lane's code that is not 0."""
    with ExitStack() as stack:
        lanes: list[Lane] = []

        def end_all() -> None:
            for lane in lanes:
                lane.interrupt()
            for lane in lanes:
                lane.end()

        stack.callback(end_all)
        for name, rooms in WAITING.items():
            lanes.append(Lane(name, rooms, arguments, kept=bool(lanes)))
        elsewhere = [f"--ignore={room}" for rooms in WAITING.values() for room in rooms]
        others = Lane("others", ["tests", *elsewhere], arguments, kept=True)
        lanes.append(others)
        others.give_way()
        while not all([lane.is_over() for lane in lanes]):
            time.sleep(0.2)
        for lane in lanes:
            lane.tell()
        print("\n== All lanes")
        for lane in lanes:
            print(
                f"{lane.name:8} {lane.seconds:4.0f} s  {f'pytest returned {lane.code}: see above' if lane.code else 'passed'}"
            )
        return next((lane.code for lane in lanes if lane.code), 0)


if __name__ == "__main__":
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, stopped)
    raise SystemExit(side_by_side(sys.argv[1:]))
