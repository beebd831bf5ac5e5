"""The worker process: `python -m services.workers.process MODULE:CLASS '<options as JSON>'`.

Packets come on standard input and leave on a private copy of standard output; whatever a C library prints goes to
standard error, which the parent logs. The process ends when its input ends, so a killed parent leaves no orphan.
"""

import importlib
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from typing import Any

from services.errors import EngineError, EngineUnavailableError
from services.workers.child_session import ChildSession
from services.workers.protocol import WorkerEngine
from services.workers.wire import Decoder, Kind, Packet, WireError, charge, encode

BEAT_SECONDS = 1.0

DEAD_MAN_SECONDS = 120
"""An engine that holds the GIL this long blocks even the sight of a dead parent; the kernel's alarm ends it then."""


class Outlet:
    """The way to the parent: whole packets, from any thread. A parent that is gone ends the process."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def write(self, data: bytes) -> None:
        """Write one packet."""
        view = memoryview(data)
        with self._lock:
            try:
                while view:
                    view = view[os.write(self._descriptor, view) :]
            except OSError:
                os._exit(0)

    def say(self, packet: Packet) -> None:
        """Encode and write one packet."""
        self.write(encode(packet))


class Host:
    """Runs the engine's sessions and routes packets to them."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet
        self._sessions: dict[int, ChildSession] = {}
        self._engine: WorkerEngine | None = None

    def beat(self) -> None:
        """Tell the parent every second that the process lives, and how long its slowest session has been stuck."""
        while True:
            signal.alarm(DEAD_MAN_SECONDS)
            now = time.monotonic()
            stalled = max((each.stalled(now) for each in tuple(self._sessions.values())), default=0.0)
            self._outlet.say(Packet(Kind.BEAT, data={"stalled": round(stalled, 2)}))
            time.sleep(BEAT_SECONDS)

    def build(self, engine: str, options: Mapping[str, Any]) -> None:
        """Import and build the engine. Raises whatever that raises."""
        module, _, name = engine.partition(":")
        self._engine = getattr(importlib.import_module(module), name)(options=options)

    def serve(self, descriptor: int) -> None:
        """Route packets until the input ends."""
        decoder = Decoder()
        while data := os.read(descriptor, 65536):
            for packet, size in decoder.feed(data):
                self._route(packet, size)

    def _route(self, packet: Packet, size: int) -> None:
        session = self._sessions.get(packet.session)
        if packet.kind is Kind.OPEN and self._engine is not None:
            opened = ChildSession(packet.session, self._engine, packet.data, self._outlet.write, self._forget)
            self._sessions[packet.session] = opened
            opened.start()
        elif session is None:
            return
        elif packet.kind is Kind.MESSAGE:
            session.deliver(packet.message, charge(size))
        elif packet.kind is Kind.CREDIT:
            session.credit(int(packet.data["bytes"]))
        elif packet.kind is Kind.CANCEL:
            session.cancel()

    def _forget(self, session: int) -> None:
        self._sessions.pop(session, None)


def _failure(error: Exception, engine: str) -> Packet:
    if isinstance(error, EngineError):
        data = {"error": type(error).__name__, "message": error.message, "remedy": error.remedy}
    else:
        traceback.print_exception(error)
        message = f"The engine {engine} could not be loaded: {type(error).__name__}: {error}."
        data = {"error": EngineUnavailableError.__name__, "message": message, "remedy": "The log has the details."}
    return Packet(Kind.FAILED, data=data)


def _private_pipes() -> tuple[int, int]:
    """Take the pipes away from descriptors 0 and 1, where libraries read and print; return (input, output)."""
    pipes = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    return pipes


def main(arguments: list[str]) -> None:
    """Run the worker; does not return."""
    source, target = _private_pipes()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; ending us is the parent's business
    sys.setswitchinterval(0.001)
    engine, options = arguments
    outlet = Outlet(target)
    host = Host(outlet)
    threading.Thread(target=host.beat, name="beat", daemon=True).start()
    status = 0
    try:
        host.build(engine, json.loads(options))
        outlet.say(Packet(Kind.READY))
        host.serve(source)
    except WireError as error:
        print(f"The pipe from the parent is broken: {error}.", file=sys.stderr)  # noqa: T201 - the parent logs it
        status = 1
    except Exception as error:
        outlet.say(_failure(error, engine))
        status = 1
    # Session threads may be deep inside a C library: the process goes without waiting for them.
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    main(sys.argv[1:])
