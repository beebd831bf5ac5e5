"""The command line as a user runs it: a process of its own, in a folder of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
from forked import run

ROOT = Path(__file__).resolve().parents[2]


def environment(settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this environment without the settings of whoever runs the tests, with `settings` added."""
    return {name: value for name, value in os.environ.items() if not name.startswith("SECRETARY_")} | dict(
        settings or {}
    )


def secretary(
    *arguments: str, cwd: Path, timeout: float = 100, typed: str = "", settings: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run one command to its end, in a process of its own (see forked.py)."""
    script = ROOT / "orchestrator.py"
    return run(script, arguments, cwd=cwd, env=environment(settings), typed=typed, timeout=timeout)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(
    cwd: Path, settings: Mapping[str, str] | None = None
) -> Iterator[tuple[httpx.Client, subprocess.Popen[str]]]:
    """Run `secretary serve`; give a client of it once it answers; end it with SIGINT."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "orchestrator.py"), "serve", "--port", str(port)],
        cwd=cwd,
        env=environment(settings),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            _until_alive(client, process)
            yield client, process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _until_alive(client: httpx.Client, process: subprocess.Popen[str]) -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise AssertionError(f"serve ended: {process.communicate()[1]}")
        try:
            client.get("/healthz").raise_for_status()
            return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("serve does not answer")
