"""Engines for the tests of services.workers; they run inside the worker process."""

import ctypes
import os
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

from services.errors import EngineUnavailableError
from services.workers.protocol import Emit, WorkerMessage, WorkerSession


class Trial:
    """Understands what the tests ask of it: echo, flood, sleep, hold the GIL, crash, print, raise."""

    def __init__(self, *, options: Mapping[str, Any]) -> None:
        if options.get("refuse"):
            raise EngineUnavailableError("The trial engine has no model.", "Put one there.")
        if options.get("die"):
            sys.stderr.write("last words without an end of line")
            sys.stderr.flush()
            os.abort()
        if options.get("explode"):
            raise ValueError("boom")
        time.sleep(float(options.get("load_seconds", 0)))
        self.closed = 0

    def open(self, data: Mapping[str, Any], emit: Emit) -> WorkerSession:
        if data.get("language") == "xx":
            raise EngineUnavailableError("The trial engine does not speak xx.", "Ask for another.")
        return TrialSession(self, emit)


class TrialSession:
    def __init__(self, engine: Trial, emit: Emit) -> None:
        self._engine = engine
        self._emit = emit
        self._cancelled = threading.Event()

    def handle(self, message: WorkerMessage) -> None:
        getattr(self, f"do_{message.type}")(message)

    def cancel(self) -> None:
        self._cancelled.set()

    def close(self) -> None:
        self._engine.closed += 1

    def do_echo(self, message: WorkerMessage) -> None:
        self._emit(message)

    def do_flood(self, message: WorkerMessage) -> None:
        for index in range(int(message.data["count"])):
            self._emit(WorkerMessage("drop", {"index": index}, b"\0" * int(message.data["size"])))
        self._emit(WorkerMessage("done"))

    def do_swallow(self, message: WorkerMessage) -> None:
        self._cancelled.wait(float(message.data["seconds"]))

    def do_nap(self, message: WorkerMessage) -> None:
        time.sleep(float(message.data["seconds"]))
        self._emit(WorkerMessage("awake"))

    def do_hold_gil(self, message: WorkerMessage) -> None:
        ctypes.PyDLL(None).sleep(int(message.data["seconds"]))

    def do_wait_for_cancel(self, message: WorkerMessage) -> None:
        self._emit(WorkerMessage("waiting"))
        self._cancelled.wait(30)

    def do_crash(self, message: WorkerMessage) -> None:
        os.abort()

    def do_print(self, message: WorkerMessage) -> None:
        libc = ctypes.CDLL(None)
        libc.puts(b"noise from C on standard output")
        libc.fflush(None)
        sys.stdout.write("noise from Python\n")
        sys.stdout.flush()
        self._emit(WorkerMessage("printed"))

    def do_raise(self, message: WorkerMessage) -> None:
        raise RuntimeError("inside")

    def do_unspeakable(self, message: WorkerMessage) -> None:
        self._emit(WorkerMessage("set", {"not": {"json"}}))

    def do_count_closed(self, message: WorkerMessage) -> None:
        self._emit(WorkerMessage("count", {"closed": self._engine.closed, "pid": os.getpid()}))
