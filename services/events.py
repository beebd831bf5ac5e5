"""Events inside the process: typed publish and subscribe, and the events of a call.

services.shared.relay carries them between processes.

A call is what its events say: they are appended to the database as they happen and published to whoever watches
(the live feed, the terminal of `secretary call`, metrics).
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

QUEUE_SIZE = 1000


class CallEventType(StrEnum):
    """What can happen in a call; the comment gives the keys of `data`."""

    STARTED = "started"  # channel, direction, number, language, persona, conversation_id, line, purpose
    ANSWERED = "answered"
    INTERIM = "interim"  # role, text (published, never stored)
    SAYING = "saying"  # text: a sentence begins to play (published, never stored)
    TURN = "turn"  # the fields of a Turn row, see services.voice.turns
    INTERRUPTED = "interrupted"  # turn: index of the secretary's turn that was cut
    DIGITS = "digits"  # digits
    MESSAGE = "message"  # message_id
    DEGRADED = "degraded"  # part, detail
    RECORDED = "recorded"  # path, relative to DATA_DIR; "" takes back what was announced
    ENDED = "ended"  # outcome (see docs/conversation.md), reason, seconds, stats


@dataclass(frozen=True, slots=True)
class CallEvent:
    """One thing that happened in a call; `at_ms` is monotonic since the call started."""

    company_id: str
    call_id: str
    sequence: int
    at_ms: int
    type: CallEventType
    data: Mapping[str, Any] = field(default_factory=dict)


class EventBus:
    """Delivers every published event to every subscriber, without ever waiting for one.

    A subscriber that does not read loses the oldest events beyond QUEUE_SIZE: a slow watcher must not slow a call.
    """

    def __init__(self) -> None:
        self._queues: dict[asyncio.Queue[CallEvent], bool] = {}

    def publish(self, event: CallEvent, *, brought: bool = False) -> None:
        """Hand `event` to all subscribers; never blocks. `brought`: it happened in another process."""
        for queue, own in self._queues.items():
            if brought and own:
                continue
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(event)

    @contextmanager
    def subscribe(self, *, own: bool = False) -> Iterator[AsyncIterator[CallEvent]]:
        """Within the context, iterate over what is published from now on; with `own` only what happens here.

        Who counts what happens takes `own`: every process counts, and the sums would be too high.
        """
        queue: asyncio.Queue[CallEvent] = asyncio.Queue(QUEUE_SIZE)
        self._queues[queue] = own
        try:
            yield _drain(queue)
        finally:
            self._queues.pop(queue, None)


async def _drain(queue: asyncio.Queue[CallEvent]) -> AsyncIterator[CallEvent]:
    while True:
        yield await queue.get()
