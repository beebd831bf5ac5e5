"""One modem, one process: whoever opens its ports holds its lease."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog

from services.errors import PortError, StorageError
from services.storage.leases import Leases, this_process
from telephony.find_ports import ModemPorts
from telephony.gsm import Hold

ASK_SECONDS = 3.0
"""A database that takes longer than this to grant a lease counts as away."""

log = structlog.get_logger()


def hold_by(leases: Leases) -> Hold:
    """Return how the processes of this machine that share a database agree on a modem.

    Within the context the modem is this process's. Raises PortError while another has it. A database that is away keeps
    nobody from taking calls: the ports' own lock then decides between the processes, as it does in any case; and once
    the ports are open, nothing that happens to the lease closes them.
    """

    @asynccontextmanager
    async def hold(ports: ModemPorts) -> AsyncIterator[None]:
        name = f"modem:{socket.gethostname()}:{await asyncio.to_thread(os.path.realpath, ports.at)}"
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(ASK_SECONDS):
                    other = await leases.holder(name)
                    if other in ("", this_process()):
                        held = await stack.enter_async_context(leases.holding(name, through_outages=True))
                        other = "" if held is not None else "another process"
            except (StorageError, TimeoutError) as error:
                log.warning("a modem is used without its lease", lease=name, problem=str(error))
                other = ""
            if other:
                raise PortError(
                    f"The modem at {ports.at} is used by another process ({other}).",
                    "This one takes it over when that process ends; stop it, or give it ports of its own.",
                )
            yield

    return hold
