"""What the server writes goes out at once: a stream's pieces do not wait for each other's acknowledgement."""

import asyncio
import socket

from api.server import open_socket


async def test_nagles_algorithm_is_off_on_each_connection() -> None:
    switched_off: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def accepted(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = writer.get_extra_info("socket")
        switched_off.set_result(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()
        await writer.wait_closed()

    with open_socket("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        async with await asyncio.start_server(accepted, sock=listening):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            assert await asyncio.wait_for(switched_off, 5)
            writer.close()
            await writer.wait_closed()
