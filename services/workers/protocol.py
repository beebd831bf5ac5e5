"""What a speech engine looks like inside its worker process, and the messages that cross the pipe.

A message is one JSON header line and an optional binary payload (`"size"` bytes of int16 little-endian samples).
The parent opens sessions; many may be open at once; each has messages of its own both ways and can be cancelled at any
moment. The process also beats: silence of the whole worker means it hangs, and it is killed and started anew.

Flow: each session has a window of bytes each way (`wire.WINDOW`). A sender that has used its window waits until the
other side has consumed something, so a session nobody reads costs one window of memory and delays nobody else.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


class SessionCancelled(Exception):  # noqa: N818 - a signal to unwind, not an error; it never leaves the worker
    """Raised by `Emit` once the session is cancelled: let it pass, and `handle` is over."""


@dataclass(frozen=True, slots=True)
class WorkerMessage:
    """One message of a session: `type` is the engine's own vocabulary, `data` is JSON, `payload` raw samples."""

    type: str
    data: Mapping[str, Any] = field(default_factory=dict)
    payload: bytes = b""


Emit = Callable[[WorkerMessage], None]
"""Send a message to the parent; thread-safe; blocks while the parent is far behind; raises SessionCancelled.

Never call it where an exception cannot pass (a ctypes callback) nor while holding a lock that other sessions need:
a parent that does not read its session would hold them up too.
"""


class WorkerSession(Protocol):
    """One utterance to speak or one ear, inside the worker. Runs on a thread of its own."""

    def handle(self, message: WorkerMessage) -> None:
        """Take one message from the parent; may emit any number of answers before it returns.

        An exception ends the session: an EngineError reaches the parent as it is, any other as a plain EngineError
        (its traceback goes to the log).
        """
        ...

    def cancel(self) -> None:
        """Called from another thread, at any moment, and must return at once: make `handle` return soon."""
        ...

    def close(self) -> None:
        """Release what the session holds; called once, on the session's own thread."""
        ...


class WorkerEngine(Protocol):
    """An engine inside the worker, named as `"module:Class"`.

    Built once per process, on its main thread, as `Class(options=...)` with the options given to `Worker`; an
    EngineUnavailableError raised there reaches whoever started the worker.
    """

    def open(self, data: Mapping[str, Any], emit: Emit) -> WorkerSession:
        """Begin a session; called on the session's own thread."""
        ...
