"""Programs of the house as processes of their own that need not import everything anew.

A process that has imported the house waits, and forks itself for each program: with its own arguments, folder,
environment and standard streams, ended by whatever signal. Importing takes more than most commands do. On other systems
than Linux each is started from nothing; so is, on all of them, what tests/support/front_door.serving serves.

Run as a script it is the process that waits; it ends with the tests that started it, and so do its programs.
"""

import atexit
import json
import os
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, NoReturn

ROOT = Path(__file__).resolve().parents[2]
IMPORTED = ("alembic.command", "aiosqlite", "asyncpg", "uvicorn", "sqlalchemy.dialects.sqlite.aiosqlite")
"""What programs import late, beside what the orchestrator imports itself."""
START_SECONDS = 60.0
_LENGTH = 8
_lock = threading.Lock()
_waiting: list[Path] = []


class Forked:
    """A running program, with the part of subprocess.Popen that tests use."""

    def __init__(self, told: socket.socket) -> None:
        self._told = told
        self._lines = told.makefile("r")
        self.pid = int(self._lines.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return how it ended, None while it runs."""
        if self.returncode is None and select.select([self._told], [], [], 0)[0]:
            self._note()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            if not select.select([self._told], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0.0)
            self._note()
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it at once."""
        self.send_signal(signal.SIGKILL)

    def _note(self) -> None:
        self.returncode = os.waitstatus_to_exitcode(int(self._lines.readline()))
        self._lines.close()
        self._told.close()


def start(
    script: Path,
    arguments: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    streams: tuple[IO[bytes], IO[bytes], IO[bytes]],
) -> Forked | subprocess.Popen[bytes]:
    """Start a script in a process of its own, with these standard streams."""
    if sys.platform != "linux":
        given, out, error = streams
        command = [sys.executable, str(script), *arguments]
        return subprocess.Popen(command, cwd=cwd, env=dict(env), stdin=given, stdout=out, stderr=error)
    told = socket.socket(socket.AF_UNIX)
    told.connect(str(_who_waits()))
    wanted = {"script": str(script), "arguments": list(arguments), "cwd": str(cwd), "env": dict(env)}
    request = json.dumps(wanted).encode()
    socket.send_fds(told, [len(request).to_bytes(_LENGTH)], [each.fileno() for each in streams])
    told.sendall(request)
    return Forked(told)


def run(
    script: Path, arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str], typed: str, timeout: float
) -> subprocess.CompletedProcess[str]:
    """Run a script to its end. Raises subprocess.TimeoutExpired, having killed it."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as error:
        given.write(typed.encode())
        given.seek(0)
        process = start(script, arguments, cwd=cwd, env=env, streams=(given, out, error))
        try:
            code = process.wait(timeout)
        finally:
            process.kill()
            process.wait()
        said = []
        for each in (out, error):
            each.seek(0)
            said.append(each.read().decode().replace(os.linesep, "\n"))
    return subprocess.CompletedProcess([str(script), *arguments], code, *said)


def _who_waits() -> Path:
    """Return the socket of the process that waits; it is started when it is first asked for."""
    with _lock:
        if not _waiting:
            folder = Path(tempfile.mkdtemp(prefix="forked-"))
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            place = folder / "socket"
            clean = {name: value for name, value in os.environ.items() if not name.startswith("SECRETARY_")}
            clean["OPENBLAS_NUM_THREADS"] = "1"  # what forks has no other threads
            # It ends with its standard input, which this process has; a group of its own, as Ctrl-C is for the tests.
            process = subprocess.Popen(
                [sys.executable, __file__, str(place)], cwd=folder, env=clean, stdin=subprocess.PIPE, process_group=0
            )
            atexit.register(process.communicate)
            until = time.monotonic() + START_SECONDS
            while not place.exists():
                if process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError("The process that forks programs for the tests did not start.")
                time.sleep(0.02)
            _waiting.append(place)
        return _waiting[0]


def _wait_for_work(place: Path) -> None:
    """Import the house, then fork for everybody who connects."""
    import gc
    from importlib import import_module

    runpy.run_path(str(ROOT / "orchestrator.py"), run_name="imported")
    for name in IMPORTED:
        import_module(name)
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    draft = place.with_name("draft")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(draft))
        listening.listen(64)
        draft.rename(place)
        while True:
            ready, _, _ = select.select([listening, sys.stdin], [], [])
            if sys.stdin in ready:
                return
            asking, _ = listening.accept()
            if os.fork() == 0:
                break
            asking.close()
    _attend(asking)


def _attend(asking: socket.socket) -> None:
    """In a process between the two: fork the program, tell its number and how it ended; kill it when nobody listens."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    head, streams, _, _ = socket.recv_fds(asking, _LENGTH, 3)
    with asking.makefile("rb") as reading:
        wanted = json.loads(reading.read(int.from_bytes(head)))
    child = os.fork()
    if child == 0:
        asking.close()
        _become(wanted, streams)
    for each in streams:
        os.close(each)
    asking.sendall(f"{child}\n".encode())
    ended = os.pidfd_open(child)
    if ended not in select.select([ended, asking.fileno()], [], [])[0]:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    with suppress(OSError):
        asking.sendall(f"{status}\n".encode())
    os._exit(0)


def _become(wanted: dict[str, object], streams: Sequence[int]) -> NoReturn:
    """Be the program, as if it had been started from nothing."""
    for number, each in enumerate(streams):
        os.dup2(each, number)
        os.close(each)
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)
    os.chdir(str(wanted["cwd"]))
    os.environ.clear()
    os.environ.update(wanted["env"])  # type: ignore[call-overload]
    time.tzset()
    script = str(wanted["script"])
    sys.argv = [script, *wanted["arguments"]]  # type: ignore[misc]
    sys.path[0] = str(Path(script).parent)
    runpy.run_path(script, run_name="__main__")
    raise SystemExit(0)


if __name__ == "__main__":
    sys.path[0] = str(ROOT)
    _wait_for_work(Path(sys.argv[1]))
