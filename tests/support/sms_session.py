"""A session of text messages over a scripted port."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sms_line import ScriptedPort, until

from telephony.at.channel import AtChannel
from telephony.sms.ports import QuietGate
from telephony.sms.service import SmsService


@asynccontextmanager
async def serving(service: SmsService, port: ScriptedPort, quiet: QuietGate | None = None) -> AsyncIterator[AtChannel]:
    channel = AtChannel(port)
    await service.attach(channel, quiet)
    try:
        yield channel
    finally:
        await service.detach()
        await channel.close()


def fine(_command: str) -> list[str]:
    return ["OK"]


async def lost_in_the_middle(service: SmsService) -> int:
    """Run a session whose modem vanishes as soon as it has a text; return how many texts it got."""
    ports: list[ScriptedPort] = []
    ports.append(ScriptedPort(fine, lambda _text: ports[0].vanish()))
    async with serving(service, ports[0]) as channel:
        await asyncio.wait_for(channel.wait_closed(), 8)
        await until(lambda: not service.status()["connected"])
    return len(ports[0].texts)


def wake(service: SmsService) -> None:
    service._wake_outbox()
