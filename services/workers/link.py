"""One running worker process as its parent sees it: pipes, sessions, watchdog."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from services.errors import EngineError, EngineOverloadedError, EngineUnavailableError
from services.workers.session import Session
from services.workers.wire import Decoder, Kind, Packet, WireError, encode

log = structlog.get_logger()

TERMINATE_SECONDS = 1.0
KILL_SECONDS = 5.0
_ERRORS = {each.__name__: each for each in (EngineError, EngineOverloadedError, EngineUnavailableError)}


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds, before a worker counts as hung.

    `start`: from the launch to READY; `silence`: between two signs of life of the whole process; `stall`: one session
    inside its engine without finishing a message or emitting one.
    """

    start: float = 20.0
    silence: float = 10.0
    stall: float = 10.0


class Link(asyncio.SubprocessProtocol):
    """The pipes to one process. `launch` gives a ready one; `ended` completes when the process is gone."""

    def __init__(self, name: str, patience: Patience) -> None:
        loop = asyncio.get_running_loop()
        self.sessions: dict[int, Session] = {}
        self.freed = asyncio.Event()
        self.ended: asyncio.Future[EngineError] = loop.create_future()
        self._ready: asyncio.Future[EngineError | None] = loop.create_future()
        self._exited: asyncio.Future[None] = loop.create_future()
        self._name = name
        self._patience = patience
        self._transport: asyncio.SubprocessTransport | None = None
        self._decoder = Decoder()
        self._log_tail = b""
        self._blame = ""
        self._number = 0
        self._heard = loop.time()
        self._watch: asyncio.TimerHandle | None = None

    @classmethod
    async def launch(cls, name: str, engine: str, options: Mapping[str, Any], patience: Patience) -> "Link":
        """Start the process and wait until its engine is loaded. Raises EngineError; leaves no process then."""
        link = cls(name, patience)
        command = (
            sys.executable,
            "-P",
            "-X",
            "faulthandler",
            "-m",
            "services.workers.process",
            engine,
            json.dumps(dict(options)),
        )
        # The same import path as ours, however we were started.
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        try:
            async with asyncio.timeout(patience.start):
                # In a session of its own: what is sent to the whole group (Ctrl-C, a service manager's or timeout's
                # SIGTERM) is the house's business; the engine has still to say goodbye to the caller.
                await asyncio.get_running_loop().subprocess_exec(
                    lambda: link, *command, env=environment, start_new_session=True
                )
                error = await link._ready
        except TimeoutError:
            await link.end()
            raise EngineUnavailableError(
                f"The {name} engine was not loaded within {patience.start:g} s.", "Is the machine overloaded?"
            ) from None
        except OSError as failure:
            await link.end()
            raise EngineError(f"No process could be started for the {name} engine: {failure}.") from None
        except BaseException:
            await link.end()
            raise
        if error is not None:
            await link.end()
            raise error if isinstance(error, EngineUnavailableError) else EngineUnavailableError(error.message)
        link._watch_over()
        return link

    @property
    def alive(self) -> bool:
        """False from the moment the process is known to be gone."""
        return not self.ended.done()

    def open(self, data: Mapping[str, Any]) -> Session:
        """Begin a session; errors of the engine's own `open` come out of its first `receive`."""
        self._number += 1
        session = Session(self._number, self._name, self._write)
        self.sessions[self._number] = session
        self._write(encode(Packet(Kind.OPEN, self._number, data=dict(data))))
        return session

    async def end(self) -> None:
        """End the process: ask, then force. Idempotent; returns when it is gone."""
        if self._watch is not None:
            self._watch.cancel()
        if self._transport is None:
            return
        for stop, seconds in ((signal.SIGTERM, TERMINATE_SECONDS), (signal.SIGKILL, KILL_SECONDS)):
            if self._exited.done():
                break
            self._signal(stop)
            await asyncio.wait({self._exited}, timeout=seconds)
        self._transport.close()
        await asyncio.wait({self.ended}, timeout=KILL_SECONDS)

    # asyncio calls these, on the event loop:

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.SubprocessTransport)
        self._transport = transport

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Route packets from standard output; log lines from standard error."""
        if fd != 1:
            self._log_lines(data)
            return
        self._heard = asyncio.get_running_loop().time()
        try:
            for packet, size in self._decoder.feed(data):
                self._route(packet, size)
        except WireError as error:
            self._kill(f"it wrote what is no packet: {error}")

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Force a worker that closed its output and stays, after giving it a moment to end by itself."""
        if fd == 1:
            asyncio.get_running_loop().call_later(TERMINATE_SECONDS, self._kill, "it closed its pipe")
        elif fd == 2 and self._log_tail:
            self._log_lines(b"\n")

    def process_exited(self) -> None:
        """Fail what was open."""
        if not self._exited.done():
            self._exited.set_result(None)
        self._finish()

    def _write(self, data: bytes) -> None:
        pipe = self._transport and self._transport.get_pipe_transport(0)
        if isinstance(pipe, asyncio.WriteTransport) and not pipe.is_closing():
            # Windows bound what lies in this buffer, so nobody needs to drain it.
            pipe.write(data)

    def _route(self, packet: Packet, size: int) -> None:
        session = self.sessions.get(packet.session)
        if packet.kind is Kind.READY:
            self._settle(None)
        elif packet.kind is Kind.FAILED:
            self._settle(_error(packet))
        elif packet.kind is Kind.BEAT:
            if float(packet.data.get("stalled", 0.0)) > self._patience.stall:
                self._kill(f"it did not come back from its work for {self._patience.stall:g} s")
        elif session is None:
            return
        elif packet.kind is Kind.MESSAGE:
            session.deliver(packet.message, size)
        elif packet.kind is Kind.CREDIT:
            session.credit(int(packet.data["bytes"]))
        elif packet.kind is Kind.ERROR:
            session.fail(_error(packet))
        elif packet.kind is Kind.CLOSED:
            session.fail(EngineError(f"The {self._name} engine ended the session."))
            del self.sessions[packet.session]
            self.freed.set()

    def _settle(self, error: EngineError | None) -> None:
        if not self._ready.done():
            self._ready.set_result(error)

    def _watch_over(self) -> None:
        loop = asyncio.get_running_loop()
        interval = self._patience.silence / 4
        due = loop.time() + interval

        def look() -> None:
            late = loop.time() - due
            if late > interval:
                # Our own loop stood still: beats lie unread in the pipe, and the silence is ours.
                self._heard = loop.time()
            if loop.time() - self._heard > self._patience.silence:
                self._kill(f"it gave no sign of life for {self._patience.silence:g} s")
            elif not self._exited.done():
                self._watch_over()

        self._watch = loop.call_at(due, look)

    def _kill(self, blame: str) -> None:
        if not self._exited.done():
            self._blame = self._blame or blame
            self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        # Not by the transport: that one polls first and would take the exit status away from asyncio's own watcher.
        if self._transport is not None and (pid := self._transport.get_pid()):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def _finish(self) -> None:
        code = self._transport.get_returncode() if self._transport is not None else None
        blame = self._blame
        if not blame and code is not None:
            blame = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        error = EngineError(f"The process of the {self._name} engine ended: {blame}.", "It is started anew by itself.")
        for session in self.sessions.values():
            session.fail(error)
        self.sessions.clear()
        self.freed.set()
        self._settle(error)
        if not self.ended.done():
            self.ended.set_result(error)

    def _log_lines(self, data: bytes) -> None:
        *lines, tail = (self._log_tail + data).split(b"\n")
        self._log_tail = tail[-4096:]
        for line in lines:
            log.warning("%s: %s", self._name, line.decode(errors="replace").rstrip())


def _error(packet: Packet) -> EngineError:
    kind = _ERRORS.get(str(packet.data.get("error")), EngineError)
    return kind(str(packet.data.get("message", "")), str(packet.data.get("remedy", "")))
