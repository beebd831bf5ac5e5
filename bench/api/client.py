"""A small HTTP client that costs next to nothing, so that the server is what is measured."""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer, or one that was read until the mark: `first` is the seconds until it came."""

    status: int
    body: bytes
    first: float

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)


class Connection:
    """One kept-alive connection to 127.0.0.1."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __aenter__(self) -> Self:
        self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=LIMIT)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._streams is not None
        self._streams[1].close()

    async def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None, mark: bytes = b""
    ) -> Reply:
        """Ask, and read the whole answer; the clock stops when `mark` is seen, without one at the end."""
        assert self._streams is not None
        reader, writer = self._streams
        content = b"" if body is None else json.dumps(body).encode()
        given = {"Host": "127.0.0.1", "Content-Length": str(len(content)), **(headers or {})}
        if body is not None:
            given["Content-Type"] = "application/json"
        lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
        began = time.perf_counter()
        writer.write(f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + content)
        head = await reader.readuntil(b"\r\n\r\n")
        status, chunked, length = _head(head)
        parts, first = [], 0.0
        async for part in _chunks(reader) if chunked else _whole(reader, length):
            parts.append(part)
            if mark and not first and mark in part:
                first = time.perf_counter() - began
        return Reply(status, b"".join(parts), first or time.perf_counter() - began)


def _head(head: bytes) -> tuple[int, bool, int]:
    lower = head.lower()
    length = lower.partition(b"content-length:")[2].partition(b"\r\n")[0].strip() or b"0"
    return int(head.split(b" ", 2)[1]), b"transfer-encoding: chunked" in lower, int(length)


async def _whole(reader: asyncio.StreamReader, length: int) -> Any:
    if length:
        yield await reader.readexactly(length)


async def _chunks(reader: asyncio.StreamReader) -> Any:
    while True:
        size = int(await reader.readuntil(b"\r\n"), 16)
        part = await reader.readexactly(size + 2)
        if not size:
            return
        yield part[:-2]
