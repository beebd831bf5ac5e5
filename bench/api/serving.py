"""The house for the length of a run: a fresh installation with people in it, served in a process of its own."""

import asyncio
import contextlib
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from bench.api.client import Connection
from bench.api.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "seven grey herons waded"
WAIT_SECONDS = 60.0


def name_of(number: int) -> str:
    """Return the name of one of the people."""
    return f"bench{number}"


def leave_a_core() -> None:
    """Keep this process and what it starts off the server's core, where there is another.

    All of them run in real time (SCHED_RR) where the system lets us, so that other work on the machine does not count.
    """
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[1:] or cores)
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))


@contextlib.contextmanager
def running(*command: str, settings: dict[str, str], folder: Path, core: int | None = None) -> Iterator[None]:
    """Run a program, on a core of its own if one is named, and end it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SECRETARY_")} | settings
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen([sys.executable, *command], cwd=folder, env=environment, stdout=log, stderr=log)
        if core is not None:
            os.sched_setaffinity(process.pid, {core})
        try:
            yield
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)


async def until_up(port: int, path: str) -> None:
    """Wait until something answers on the port."""
    until = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            async with Connection(port) as connection:
                await connection.ask("GET", path)
                return
        await asyncio.sleep(0.2)
    raise SystemExit(f"Nothing answers on port {port}.")


@contextlib.asynccontextmanager
async def served(database_url: str, model_port: int, people: int) -> AsyncIterator[int]:
    """Serve a fresh installation on a database; give its port."""
    port = free_port()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = {
            "SECRETARY_DATA_DIR": str(folder / "data"),
            "SECRETARY_DATABASE_URL": database_url,
            "SECRETARY_LANGUAGE": "en",
            "SECRETARY_TELEPHONY__ENABLED": "false",
            "SECRETARY_LLM__BASE_URL": f"http://127.0.0.1:{model_port}/v1",
            "SECRETARY_LLM__MODEL": "fox",
        }
        await prepare(settings, people)
        command = [str(ROOT / "orchestrator.py"), "serve", "--port", str(port)]
        with running(*command, settings=settings, folder=folder, core=min(_all_cores())):
            await until_up(port, "/healthz")
            yield port


async def prepare(settings: dict[str, str], people: int) -> None:
    """Make the people, all owners, and give the company the plan without limits."""
    os.environ.update(settings)
    try:
        open_installation = runpy.run_path(str(ROOT / "orchestrator.py"))["open_installation"]
        async with open_installation(speech=False) as installation:
            from services.accounts.roles import Role

            for number in range(people):
                await installation.accounts.add(installation.company_id, name_of(number), PASSWORD, Role.OWNER)
            await installation.books.companies.edit(installation.company_id, {"plan": "unlimited"})
    finally:
        for name in settings:
            del os.environ[name]


def _all_cores() -> set[int]:
    return set(range(os.cpu_count() or 1))
