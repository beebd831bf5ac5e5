"""The port: free, or ours."""

import asyncio
import socket
from collections.abc import Iterable

import httpx

from services.doctor.shapes import Examined, Finding
from services.parts import State


async def check(house: Examined) -> Iterable[Finding]:
    """Look who listens on HOST:PORT."""
    host, port = house.settings.host, house.settings.port
    if await asyncio.to_thread(_is_free, host, port):
        return [Finding("port", State.READY, f"Port {port} is free.")]
    asked = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - what is asked, not listened on
    try:
        async with httpx.AsyncClient(timeout=3, trust_env=False) as client:
            shown = f"[{asked}]" if ":" in asked else asked
            ours = (await client.get(f"http://{shown}:{port}/healthz")).json() == {"status": "alive"}
    except (httpx.HTTPError, ValueError):
        ours = False
    if ours:
        return [Finding("port", State.READY, f"The secretary answers on port {port}.")]
    remedy = "Stop that program, or choose another port with SECRETARY_PORT."
    return [Finding("port", State.DEGRADED, f"Another program holds port {port}.", remedy)]


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
