"""The house as a server without speech and telephone, in a process of its own: it starts within two seconds.

Run as a script it serves; `silent_house` runs it, kills it and starts it again. What it reads from its standard input
are events of calls, a line of JSON each, which happen in it from then on.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING

import httpx
from forked import Forked, start

if TYPE_CHECKING:
    from services.events import CallEvent, EventBus

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60.0


class SilentHouse:
    """A server on one port, as often as it is started; its settings and data stay."""

    def __init__(self, folder: Path, port: int, settings: Mapping[str, str]) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._port = port
        self._log = folder / "server.log"
        clean = {name: value for name, value in os.environ.items() if not name.startswith("SECRETARY_")}
        own = {
            "SECRETARY_DATA_DIR": str(folder / "data"),
            "SECRETARY_LANGUAGE": "en",
            "SECRETARY_TELEPHONY__ENABLED": "false",
        }
        self._environment = clean | own | dict(settings)
        self._process: Forked | subprocess.Popen[bytes] | None = None
        self._events: IO[bytes] | None = None

    @property
    def log(self) -> str:
        """What the server has written."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def start(self) -> None:
        """Start it, and return when it answers."""
        self._close_events()
        theirs, ours = os.pipe()
        self._events = os.fdopen(ours, "wb", buffering=0)
        with self._log.open("ab") as log, os.fdopen(theirs, "rb") as given:
            where = self._log.parent
            self._process = start(
                Path(__file__), [str(self._port)], cwd=where, env=self._environment, streams=(given, log, log)
            )
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            if self._process.poll() is not None:
                raise AssertionError(f"the server ended: {self.log[-3000:]}")
            try:
                httpx.get(f"{self.url}/healthz", timeout=5)
            except httpx.TransportError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError(f"the server does not answer: {self.log[-3000:]}")

    def publish(self, event: "CallEvent") -> None:
        """Let something happen in a call of this server."""
        assert self._events is not None
        self._events.write(json.dumps(asdict(event)).encode() + b"\n")

    def kill(self) -> None:
        """Kill it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._close_events()

    def stop(self) -> None:
        """End it as a user would."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
        self._close_events()

    def _close_events(self) -> None:
        events, self._events = self._events, None
        if events is not None:
            events.close()


@contextmanager
def silent_house(folder: Path, settings: Mapping[str, str] | None = None) -> Iterator[SilentHouse]:
    """Start a server in `folder`; end it behind the context."""
    from front_door import free_port

    house = SilentHouse(folder, free_port(), settings or {})
    try:
        house.start()
        yield house
    finally:
        house.stop()


async def _serve(port: int) -> None:
    from opener import orchestrator

    from api.server import open_socket, serve_app

    with open_socket("127.0.0.1", port) as socket:
        async with orchestrator()["open_house"](speech=False) as (installation, app):
            await installation.mind.start()
            telling = asyncio.create_task(_publish(installation.bus))
            await serve_app(app, socket, lambda _: None)
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)


async def _publish(bus: "EventBus") -> None:
    from services.events import CallEvent, CallEventType

    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    try:
        while line := await reader.readline():
            told = json.loads(line)
            bus.publish(CallEvent(**told | {"type": CallEventType(told["type"])}))
    finally:
        transport.close()


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    asyncio.run(_serve(int(sys.argv[1])))
