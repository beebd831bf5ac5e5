"""A receiver of webhooks over real HTTP that answers as it is told, and an independent check of signatures."""

import asyncio
import base64
import hashlib
import hmac
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from eventually import eventually


@dataclass(frozen=True)
class Received:
    """A request as it came."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def plain(status: int, body: bytes = b"", **headers: str) -> bytes:
    """Return an answer."""
    extra = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} Status\r\nContent-Length: {len(body)}\r\n{extra}\r\n".encode() + body


@dataclass
class Receiver:
    """`answer` decides what each request gets; None: nothing, the connection stays open and silent."""

    port: int = 0
    answer: Callable[[Received], bytes | None] = field(default=lambda _received: plain(200, b"thanks"))
    received: list[Received] = field(default_factory=list)
    connections: int = 0

    @property
    def ids(self) -> list[str]:
        return [each.id for each in self.received]

    def url(self, path: str = "/hook", scheme: str = "http", host: str = "127.0.0.1") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    async def until(self, count: int, seconds: float = 20.0) -> None:
        """Wait until so many requests have come."""

        async def so_far() -> int:
            return len(self.received)

        await eventually(so_far, lambda found: found >= count, seconds)


@asynccontextmanager
async def receiver(tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """Within the context a receiver listens on loopback."""
    made, tasks = Receiver(), set[asyncio.Task[None]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        made.connections += 1
        try:
            while await _one(made, reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(begin, "127.0.0.1", 0, ssl=tls)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


async def _one(made: Receiver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    head = await reader.readuntil(b"\r\n\r\n")
    line, *rest = head.decode().strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in rest)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    received = Received(line, headers, body)
    made.received.append(received)
    answer = made.answer(received)
    if answer is None:
        await asyncio.sleep(3600)
        return False
    writer.write(answer)
    await writer.drain()
    return True


def signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """Return the signature that Standard Webhooks asks for, written down from the specification."""
    key = base64.b64decode(secret.split("_", 1)[1])
    signed = b".".join([message_id.encode(), timestamp.encode(), body])
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def signed(secret: str, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the headers that another program would send."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(secret, message_id, str(timestamp), body),
        "content-type": "application/json",
    }
