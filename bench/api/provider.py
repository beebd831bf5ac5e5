"""A language model's server: python -m bench.api.provider PORT. GET /thinking/MS says how long its first word takes."""

import asyncio
import json
import sys

WORDS = "The quick brown fox jumps over the lazy dog and goes home .".split()


def event(delta: dict[str, str], finish: str | None = None) -> bytes:
    """Return one chunk of the stream, as a chunk of HTTP."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    body = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "fox", "choices": [choice]}
    data = b"data: " + json.dumps(body).encode() + b"\n\n"
    return b"%x\r\n%s\r\n" % (len(data), data)


STREAM = [event({"role": "assistant", "content": ""}), *(event({"content": f"{word} "}) for word in WORDS)]
END = event({}, "stop") + b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"
MODELS = json.dumps({"object": "list", "data": [{"id": "fox", "object": "model", "created": 1, "owned_by": "b"}]})


class Model:
    """Answers every question with the same sentence."""

    def __init__(self) -> None:
        self._thinking = 0.0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0].strip() or b"0"
                await reader.readexactly(int(length))
            except (asyncio.IncompleteReadError, ConnectionError):
                writer.close()
                return
            if head.startswith(b"GET"):
                self._tell(head, writer)
            else:
                await self._speak(writer)

    def _tell(self, head: bytes, writer: asyncio.StreamWriter) -> None:
        path = head.split(b" ", 2)[1].decode()
        if path.startswith("/thinking/"):
            self._thinking = int(path.rpartition("/")[2]) / 1000
        body = MODELS.encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body))
        writer.write(body)

    async def _speak(self, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(self._thinking)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for each in (*STREAM, END):
            writer.write(each)
            await writer.drain()


async def main(port: int) -> None:
    """Serve until killed."""
    async with await asyncio.start_server(Model().serve, "127.0.0.1", port) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
