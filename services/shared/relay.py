"""What happens in one process, told to the others: the bus of each hears all of them, and short notes are passed on."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from typing import Any
from uuid import uuid4

import structlog

from services.events import CallEvent, CallEventType, EventBus
from services.shared.link import RETRY_SECONDS, AwayError, RedisLink

CHANNEL = "secretary:events"
_LONGEST = 1_048_576
_NOTES = 1000
_SIGN_OF_LIFE = 15  # seconds without a word after which the server is asked whether it is there

log = structlog.get_logger()


class Relay:
    """Forwards what this process publishes, once, and publishes what the others have sent.

    Publishing waits for nobody: what is to be forwarded stands in a subscription of the bus, which drops the oldest
    beyond its bound. While Redis is away events stay in their process; live feeds show a gap, nothing stored is lost.

    A note tells the others that they should look, now rather than at their next round: whoever gives one still looks
    by himself from time to time, as a note may be lost.
    """

    def __init__(self, bus: EventBus, link: RedisLink | None) -> None:
        self._bus = bus
        self._link = link
        self._id = uuid4().hex
        self._listening = asyncio.Event()
        self._heard: dict[str, list[Callable[[str], object]]] = {}
        self._notes: dict[tuple[str, str], None] = {}  # those that wait to be sent, each once
        self._noted = asyncio.Event()

    def note(self, topic: str, text: str = "") -> None:
        """Tell the other processes, soon and without waiting; of equal notes that wait, one is sent."""
        if self._link is not None and len(self._notes) < _NOTES:
            self._notes[topic, text] = None
            self._noted.set()

    def hear(self, topic: str, do: Callable[[str], object]) -> None:
        """From now on do this with each note on `topic` from another process; it must not block."""
        self._heard.setdefault(topic, []).append(do)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Relay within the context."""
        if self._link is None:
            yield
            return
        with self._bus.subscribe(own=True) as events:
            tasks = [
                asyncio.create_task(self._send(self._link, events), name="relay to others"),
                asyncio.create_task(self._send_notes(self._link), name="notes to others"),
                asyncio.create_task(self._receive(self._link), name="relay from others"),
            ]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def listening(self) -> None:
        """Wait until what others publish is heard."""
        await self._listening.wait()

    async def _send(self, link: RedisLink, events: AsyncIterator[CallEvent]) -> None:
        async for event in events:
            if link.here:
                await self._tell(link, {"event": asdict(event)})

    async def _send_notes(self, link: RedisLink) -> None:
        while True:
            await self._noted.wait()
            self._noted.clear()
            notes, self._notes = list(self._notes), {}
            for note in notes:
                if link.here:
                    await self._tell(link, {"note": note})

    async def _tell(self, link: RedisLink, what: dict[str, Any]) -> None:
        text = json.dumps({"by": self._id} | what, ensure_ascii=False, default=str)
        with suppress(AwayError):
            await link.ask(lambda client: client.publish(CHANNEL, text))

    async def _receive(self, link: RedisLink) -> None:
        from redis.exceptions import RedisError

        while True:
            if link.here:
                try:
                    await self._listen(link)
                except (RedisError, OSError, TimeoutError) as error:
                    log.debug("the subscription to other processes has ended", error=type(error).__name__)
            await asyncio.sleep(RETRY_SECONDS / 4)

    async def _listen(self, link: RedisLink) -> None:
        """Publish what arrives until the connection breaks; a connection of its own, as an answer may take for ever."""
        client = link.new_client(None)
        try:
            async with client.pubsub() as subscription:
                async with asyncio.timeout(_SIGN_OF_LIFE):
                    await subscription.subscribe(CHANNEL)
                while True:
                    async with asyncio.timeout(3 * _SIGN_OF_LIFE):
                        message = await subscription.get_message(timeout=_SIGN_OF_LIFE)
                    if message is None:
                        await subscription.ping()
                    elif message["type"] == "subscribe":
                        self._listening.set()
                    elif message["type"] == "message":
                        self._publish(message["data"])
        finally:
            self._listening.clear()
            await client.aclose(close_connection_pool=True)

    def _publish(self, data: bytes) -> None:
        try:
            if len(data) > _LONGEST:
                raise ValueError("too long")
            told = json.loads(data)
            if told["by"] == self._id:
                return
            note = told.get("note")
            event = _event(told["event"]) if note is None else None
            topic, text = map(str, note or ("", ""))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            log.debug("what another process sent cannot be read", error=str(error)[:200])
            return
        if event is not None:
            self._bus.publish(event, brought=True)
            return
        for do in self._heard.get(topic, ()):
            do(text)


def _event(told: dict[str, Any]) -> CallEvent:
    return CallEvent(
        str(told["company_id"]),
        str(told["call_id"]),
        int(told["sequence"]),
        int(told["at_ms"]),
        CallEventType(told["type"]),
        dict(told["data"]),
    )
