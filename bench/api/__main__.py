"""What the API costs: sign-in, a list, the start of a chat's answer, on SQLite and PostgreSQL in one run.

    python -m bench.api [--requests 400] [--together 8] [--postgresql URL]

The server runs as it is served, in a process of its own; the client shares the machine with it. /healthz is the floor:
what HTTP itself costs here. A chat's answer begins with the language model's first word: a server of a model that
answers at once is asked directly and through the chat in turns, and the difference of the medians is the chat's own.
Without a URL a PostgreSQL server is started for the run, where its programs are installed.
"""

import argparse
import asyncio
import contextlib
import os
import runpy
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.api.client import Connection

ROOT = Path(__file__).resolve().parents[2]
NAME, PASSWORD = "bench", "seven grey herons waded"
WAIT_SECONDS = 60.0
FIRST_WORD = b'"The'

Measured = dict[str, tuple[float, list[float]]]
Act = Callable[[Connection], Awaitable[float]]


@contextlib.contextmanager
def running(*command: str, settings: dict[str, str], folder: Path) -> Iterator[None]:
    """Run a program, and end it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SECRETARY_")} | settings
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen([sys.executable, *command], cwd=folder, env=environment, stdout=log, stderr=log)
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


async def in_turns(together: int, requests: int, port: int, act: Act) -> tuple[float, list[float]]:
    """Let `together` connections ask one after another; return requests a second and each one's milliseconds."""
    times: list[float] = []

    async def ask_on() -> None:
        async with Connection(port) as connection:
            times.extend([await act(connection) * 1000 for _ in range(requests // together)])

    began = time.perf_counter()
    await asyncio.gather(*(ask_on() for _ in range(together)))
    return len(times) / (time.perf_counter() - began), times


async def measure(port: int, model_port: int, requests: int, together: int) -> tuple[Measured, list[float]]:
    """Ask for everything; return it by name, and the milliseconds that the chat adds, pair by pair."""
    async with Connection(port) as connection:
        reply = await connection.ask("POST", "/admin/auth/login", {"username": NAME, "password": PASSWORD})
        signed_in = {"Authorization": f"Bearer {reply.json()['access_token']}"}

    def plain(method: str, path: str, body: object = None) -> Act:
        async def act(connection: Connection) -> float:
            reply = await connection.ask(method, path, body, signed_in if path.startswith("/admin/f") else None)
            if reply.status >= 300:
                raise SystemExit(f"{method} {path} answered {reply.status}: {reply.body.decode()[:300]}")
            return reply.first

        return act

    given = {"username": NAME, "password": PASSWORD}
    measured = {
        "/healthz": await in_turns(together, requests, port, plain("GET", "/healthz")),
        "list of 50": await in_turns(together, requests, port, plain("GET", "/admin/faq?limit=50")),
        "sign-in": await in_turns(together, min(requests, 100), port, plain("POST", "/admin/auth/login", given)),
    }
    measured["chat, first word"], added = await chats(port, model_port, signed_in, min(requests, 200))
    return measured, added


async def chats(
    port: int, model_port: int, signed_in: dict[str, str], requests: int
) -> tuple[tuple[float, list[float]], list[float]]:
    """Ask the model and the chat in turns; return the chat's times, and what they are above the model's median."""
    question = {"model": "fox", "stream": True, "messages": [{"role": "user", "content": "Hm?"}]}
    direct, through = [], []
    began = time.perf_counter()
    async with Connection(port) as house, Connection(model_port) as model:
        made = await house.ask("POST", "/admin/chats", {"title": "bench", "system_prompt": "Be short."}, signed_in)
        path = f"/admin/chats/{made.json()['id']}/messages"
        for number in range(requests):
            reply = await model.ask("POST", "/v1/chat/completions", question, mark=FIRST_WORD)
            direct.append(reply.first * 1000)
            text = {"text": f"Tell me a story, number {number}, of a fox."}
            reply = await house.ask("POST", path, text, signed_in, mark=FIRST_WORD)
            if reply.status != 200 or FIRST_WORD not in reply.body:
                raise SystemExit(f"The chat answered {reply.status}: {reply.body.decode()[:300]}")
            through.append(reply.first * 1000)
    usual = statistics.median(direct)
    return (requests / (time.perf_counter() - began), through), [each - usual for each in through]


async def prepare(settings: dict[str, str]) -> None:
    """Make the owner, and lift the limits that would stop a bench."""
    os.environ.update(settings)
    open_installation = runpy.run_path(str(ROOT / "orchestrator.py"))["open_installation"]
    async with open_installation(speech=False) as installation:
        from services.accounts.roles import Role

        await installation.accounts.add("default", NAME, PASSWORD, Role.OWNER)
        await lift_limits(installation)
    for name in settings:
        del os.environ[name]


async def lift_limits(installation: object) -> None:
    """Give the company the plan without limits."""
    from services.storage.tables import CompanyRow

    async with installation.platform.database.write() as session:  # type: ignore[attr-defined]
        row = await session.get(CompanyRow, "default")
        row.plan = "unlimited"


@contextlib.asynccontextmanager
async def served(database_url: str, model_port: int) -> AsyncIterator[int]:
    """Serve a fresh installation on a database; give its port."""
    from bench.api.ports import free_port

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
        await prepare(settings)
        command = [str(ROOT / "orchestrator.py"), "serve", "--port", str(port)]
        with running(*command, settings=settings, folder=folder):
            await until_up(port, "/healthz")
            yield port


def show(title: str, measured: Measured, added: list[float]) -> None:
    """Print one database's figures."""
    table = Table(title=title)
    for column in ("", "a second", "median ms", "p99 ms"):
        table.add_column(column, justify="left" if not column else "right")
    for name, (rate, times) in measured.items():
        p99 = statistics.quantiles(times, n=100)[-1]
        table.add_row(name, f"{rate:.0f}", f"{statistics.median(times):.1f}", f"{p99:.1f}")
    Console().print(table)
    floor = statistics.median(measured["/healthz"][1])
    ratio = statistics.median(measured["list of 50"][1]) / floor
    print(
        f"a list costs {ratio:.1f} times what /healthz does; the chat adds {statistics.median(added):.1f} ms (median)"
    )


async def main(requests: int, together: int, postgresql: str) -> None:
    """Measure on both databases."""
    from bench.api.ports import a_postgresql, free_port

    model_port = free_port()
    with (
        tempfile.TemporaryDirectory() as folder,
        running(str(ROOT / "bench/api/provider.py"), str(model_port), settings={}, folder=Path(folder)),
        a_postgresql(postgresql) as url,
    ):
        await until_up(model_port, "/v1/models")
        results = {}
        for title, database_url in (("SQLite", ""), ("PostgreSQL", url)):
            if title == "SQLite" or database_url:
                async with served(database_url, model_port) as port:
                    results[title] = await measure(port, model_port, requests, together)
                    show(title, *results[title])
        if len(results) == 2:
            lists = [statistics.median(each[0]["list of 50"][1]) for each in results.values()]
            print(f"a list on PostgreSQL takes {lists[1] / lists[0]:.2f} times as long as on SQLite")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--together", type=int, default=8)
    parser.add_argument("--postgresql", default="", help="URL of an empty database; a server is started otherwise")
    given = parser.parse_args()
    asyncio.run(main(given.requests, given.together, given.postgresql))
