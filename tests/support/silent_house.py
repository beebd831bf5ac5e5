"""The house as a server without speech and telephone, in a process of its own: it starts within two seconds.

Run as a script it serves; `silent_house` runs it, kills it and starts it again.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

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
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """What the server has written."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def start(self) -> None:
        """Start it, and return when it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(self._port)],
                cwd=self._log.parent,
                env=self._environment,
                stdout=log,
                stderr=log,
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

    def kill(self) -> None:
        """Kill it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """End it as a user would."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()


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
        async with orchestrator()["open_house"](speech=False) as (_, app):
            await serve_app(app, socket, lambda _: None)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    asyncio.run(_serve(int(sys.argv[1])))
