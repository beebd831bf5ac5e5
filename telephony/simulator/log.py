"""What happened, when: the simulator's diary, and its one error."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["host", "modem", "call", "audio", "fault", "violation"]
"""host: a command came; modem: a line went out; violation: the host broke a rule and may get away with it."""

KEPT_EVENTS = 20_000


class SimulatorError(Exception):
    """The simulator was asked for something that cannot be done; the text is one sentence for a person."""


@dataclass(frozen=True, slots=True)
class Event:
    """One entry; `at` is seconds of `time.monotonic()`."""

    at: float
    kind: Kind
    text: str


class EventLog:
    """The last 20,000 events; `listener` sees each as it happens and must return at once."""

    def __init__(self, listener: Callable[[Event], None] | None = None) -> None:
        self._events: deque[Event] = deque(maxlen=KEPT_EVENTS)
        self._listener = listener

    def add(self, kind: Kind, text: str) -> None:
        """Write one entry, stamped now."""
        event = Event(time.monotonic(), kind, text)
        self._events.append(event)
        if self._listener is not None:
            self._listener(event)

    def events(self, kind: Kind | None = None) -> list[Event]:
        """All entries in order, or those of one kind."""
        return [event for event in self._events if kind is None or event.kind == kind]

    def texts(self, kind: Kind) -> list[str]:
        """The texts of one kind, in order."""
        return [event.text for event in self._events if event.kind == kind]
