"""One session inside the worker process: its thread, its inbox, its window towards the parent."""

import queue
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from services.errors import EngineError
from services.workers.protocol import SessionCancelled, WorkerEngine, WorkerMessage, WorkerSession
from services.workers.wire import CREDIT_STEP, WINDOW, Kind, Packet, WireError, charge, encode


class ChildSession:
    """Runs one WorkerSession on a thread of its own.

    `deliver`, `credit` and `cancel` are called by the process's reading thread and never wait. The inbox needs no
    bound of its own: the parent keeps at most one window under way.
    """

    def __init__(
        self,
        number: int,
        engine: WorkerEngine,
        data: Mapping[str, Any],
        write: Callable[[bytes], None],
        forget: Callable[[int], None],
    ) -> None:
        self._number = number
        self._engine = engine
        self._data = data
        self._write = write
        self._forget = forget
        self._inbox: queue.SimpleQueue[tuple[WorkerMessage, int] | None] = queue.SimpleQueue()
        self._room = threading.Condition()
        self._under_way = 0
        self._cancelled = False
        self._session: WorkerSession | None = None
        self._owed = 0
        self._busy_since: float | None = None

    def start(self) -> None:
        """Begin on a new thread."""
        threading.Thread(target=self._run, name=f"session-{self._number}", daemon=True).start()

    def deliver(self, message: WorkerMessage, cost: int) -> None:
        """Queue one message from the parent."""
        self._inbox.put((message, cost))

    def credit(self, size: int) -> None:
        """Take back `size` bytes of the window: the parent has consumed them."""
        with self._room:
            self._under_way -= size
            self._room.notify_all()

    def cancel(self) -> None:
        """End the session: what waits is woken, what is queued is dropped."""
        with self._room:
            self._cancelled = True
            session = self._session
            self._room.notify_all()
        self._inbox.put(None)
        if session is not None:
            try:
                session.cancel()
            except Exception:
                traceback.print_exc()

    def stalled(self, now: float) -> float:
        """Seconds the engine has worked without finishing a message or emitting one; 0 when it waits for the parent."""
        since = self._busy_since
        return 0.0 if since is None else now - since

    def _emit(self, message: WorkerMessage) -> None:
        packet = encode(Packet(Kind.MESSAGE, self._number, message.type, message.data, message.payload))
        cost = charge(len(packet))
        busy = self._busy_since is not None
        with self._room:
            if self._under_way + cost > WINDOW:
                self._busy_since = None
                # No timeout: the parent ends the wait by reading, by cancelling, or by dying.
                self._room.wait_for(lambda: self._cancelled or self._under_way + cost <= WINDOW)
            if self._cancelled:
                raise SessionCancelled
            self._under_way += cost
        self._write(packet)
        if busy:
            self._busy_since = time.monotonic()

    def _run(self) -> None:
        try:
            self._work()
        except SessionCancelled:
            pass
        except EngineError as error:
            self._say_error(type(error).__name__, error.message, error.remedy)
        except Exception as error:
            traceback.print_exc()
            what = str(error) if isinstance(error, WireError) else f"{type(error).__name__}: {error}"
            self._say_error(EngineError.__name__, f"The engine failed: {what}.", "The log has the details.")
        finally:
            self._finish()

    def _work(self) -> None:
        self._busy_since = time.monotonic()
        session = self._engine.open(self._data, self._emit)
        with self._room:
            self._session = session
        while True:
            self._busy_since = None
            item = self._inbox.get()
            if item is None or self._cancelled:
                return
            message, cost = item
            self._busy_since = time.monotonic()
            session.handle(message)
            self._give_back(cost)

    def _give_back(self, cost: int) -> None:
        self._owed += cost
        if self._owed >= CREDIT_STEP:
            self._write(encode(Packet(Kind.CREDIT, self._number, data={"bytes": self._owed})))
            self._owed = 0

    def _say_error(self, error: str, message: str, remedy: str) -> None:
        data = {"error": error, "message": message, "remedy": remedy}
        self._write(encode(Packet(Kind.ERROR, self._number, data=data)))

    def _finish(self) -> None:
        self._busy_since = time.monotonic()
        if self._session is not None:
            try:
                self._session.close()
            except Exception:
                traceback.print_exc()
        self._forget(self._number)
        self._write(encode(Packet(Kind.CLOSED, self._number)))
