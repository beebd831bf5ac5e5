"""A small OpenAI-compatible server over real HTTP on loopback: streams as told, stalls, breaks off, sees who leaves.

Plain asyncio, so that it can do what a well-behaved server framework never would: cut a chunk in half, talk garbage.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Send:
    """Send raw bytes of the event stream (one HTTP chunk)."""

    data: bytes


@dataclass
class Wait:
    """Say nothing for a while; "for ever" ends when the client leaves."""

    seconds: float = 3600


@dataclass
class Cut:
    """Break the connection without the closing chunk."""


@dataclass
class Status:
    """Answer with an error instead of a stream."""

    code: int
    body: bytes = b'{"error":{"message":"secret-key sk-12345 is wrong","type":"x","code":null}}'
    content_type: str = "application/json"


Step = Send | Wait | Cut | Status


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **more: Any) -> Send:
    """Make one chat.completion.chunk event."""
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    body = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "tiny-1", "choices": choices, **more}
    return Send(b"data: " + json.dumps(body, ensure_ascii=False).encode() + b"\n\n")


def words(*texts: str) -> list[Step]:
    """Stream these texts as deltas."""
    return [chunk({"role": "assistant", "content": ""}), *(chunk({"content": text}) for text in texts)]


def ending(tokens_in: int = 11, tokens_out: int = 7) -> list[Step]:
    """Finish the stream as OpenAI does: the reason, the usage, [DONE]."""
    usage = {"prompt_tokens": tokens_in, "completion_tokens": tokens_out, "total_tokens": tokens_in + tokens_out}
    return [chunk({}, "stop"), chunk(None, usage=usage), Send(b"data: [DONE]\n\n")]


@dataclass
class FakeServer:
    """What was asked, what is answered; `left` is set when a client closes before the end of a stream.

    `streaming` counts the answers being sent now.
    """

    answers: list[Sequence[Step]] = field(default_factory=list)
    models: list[str] = field(default_factory=lambda: ["tiny-1"])
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    refuses_usage: bool = False
    left: asyncio.Event = field(default_factory=asyncio.Event)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0
    connections: int = 0
    streaming: int = 0
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            self.left.set()
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        headers = {line.split(":", 1)[0].lower(): line.split(":", 1)[1].strip() for line in lines[1:] if ":" in line}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.keys.append(headers.get("authorization", ""))
        if lines[0].startswith("GET /v1/models"):
            data = [{"id": each, "object": "model", "created": 1, "owned_by": "me"} for each in self.models]
            return await self._status(writer, Status(200, json.dumps({"object": "list", "data": data}).encode()))
        if not lines[0].startswith("POST /v1/chat/completions"):
            return await self._status(writer, Status(404))
        request = json.loads(body)
        self.requests.append(request)
        self.asked.set()
        if self.refuses_usage and "stream_options" in request:
            message = b'{"error":{"message":"Unknown field: stream_options"}}'
            return await self._status(writer, Status(400, message))
        steps = self.answers.pop(0)
        if steps and isinstance(steps[0], Status):
            return await self._status(writer, steps[0])
        return await self._stream(reader, writer, steps)

    async def _status(self, writer: asyncio.StreamWriter, status: Status) -> bool:
        lines = (
            f"HTTP/1.1 {status.code} X",
            f"content-type: {status.content_type}",
            f"content-length: {len(status.body)}",
        )
        head = "\r\n".join(lines) + "\r\n\r\n"
        writer.write(head.encode() + status.body)
        await writer.drain()
        return True

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, steps: Sequence[Step]) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        gone = asyncio.ensure_future(reader.read(1))
        self.streaming += 1
        try:
            for step in steps:
                if isinstance(step, Cut):
                    return False
                if isinstance(step, Send):
                    writer.write(f"{len(step.data):x}\r\n".encode() + step.data + b"\r\n")
                    await writer.drain()
                elif isinstance(step, Wait):
                    await asyncio.wait({gone}, timeout=step.seconds)
                if gone.done() and not gone.result():
                    self.left.set()
                    return False
        finally:
            self.streaming -= 1
            if not gone.done():
                gone.cancel()
                await asyncio.wait({gone})
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True

    def hang_up(self) -> None:
        for writer in list(self._writers):
            writer.close()


@asynccontextmanager
async def running() -> AsyncIterator[FakeServer]:
    """Serve on a free port of loopback until the context ends."""
    fake = FakeServer()
    server = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    fake.port = server.sockets[0].getsockname()[1]
    try:
        yield fake
    finally:
        server.close()
        fake.hang_up()
        await server.wait_closed()
