"""A Redis server of one test's own, which may be killed and started again on the same port."""

import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from servers import REDIS_PACKAGE, Child, free_port, program


class RedisServer:
    """Keeps nothing: started again it is empty. `arguments` are further ones of redis-server."""

    def __init__(self, *arguments: str) -> None:
        self._program = program("redis-server", REDIS_PACKAGE)
        self._folder = Path(tempfile.mkdtemp(prefix="test-redis-"))
        self._arguments = arguments
        self._child: Child | None = None
        self.port = free_port()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, and return when it answers."""
        log = self._folder / "log"
        known = ["--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--appendonly", "no"]
        self._child = Child([self._program, *known, *self._arguments], log)
        self._child.wait_until(self._answers, log)

    def kill(self) -> None:
        """Kill it at once, as a power cut does."""
        child, self._child = self._child, None
        if child is not None:
            child.end(signal.SIGKILL)

    def freeze(self) -> None:
        """Have it accept connections and answer nothing, as a machine that swaps does."""
        assert self._child is not None
        self._child.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._child is not None
        self._child.process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1.0) as connection:
            connection.sendall(b"PING\r\n")
            return bool(connection.recv(16))
        return False


@contextmanager
def redis_server(*arguments: str) -> Iterator[RedisServer]:
    """Within the context a server runs."""
    server = RedisServer(*arguments)
    try:
        server.start()
        yield server
    finally:
        server.close()
