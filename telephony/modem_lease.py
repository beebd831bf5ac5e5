"""One modem, one SIP account: one process. Whoever opens it holds its lease."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog

from services.errors import LineError, PortError, StorageError
from services.storage.leases import SECONDS, Leases, this_process
from telephony.find_ports import ModemPorts
from telephony.gsm import Hold

ASK_SECONDS = 3.0
"""A database that takes longer than this to grant a lease counts as away."""

LEASE_PREFIX = "line:"
"""What the names of all leases of lines begin with."""

_TAKEN_OVER = "This one takes it over when that process ends; stop it, or give it {what} of its own."

log = structlog.get_logger()


def hold_by(leases: Leases, seconds: float = SECONDS) -> Hold:
    """Return how the processes of this machine that share a database agree on a modem; a lease is for `seconds`.

    Within the context the modem is this process's. Raises PortError while another has it. A database that is away keeps
    nobody from taking calls: the ports' own lock then decides between the processes, as it does in any case; and once
    the ports are open, nothing that happens to the lease closes them.
    """

    @asynccontextmanager
    async def hold(ports: ModemPorts) -> AsyncIterator[None]:
        name = f"{LEASE_PREFIX}modem:{socket.gethostname()}:{await asyncio.to_thread(os.path.realpath, ports.at)}"
        async with AsyncExitStack() as stack:
            if other := await _enter(stack, leases, name, seconds):
                raise PortError(
                    f"The modem at {ports.at} is used by another process ({other}).", _TAKEN_OVER.format(what="ports")
                )
            yield

    return hold


@asynccontextmanager
async def hold_account(leases: Leases, account: str, seconds: float = SECONDS) -> AsyncIterator[None]:
    """Within the context the SIP account is this process's, wherever it runs. Raises LineError while another has it.

    A database that is away keeps nobody from it, and what is registered stays so whatever happens to the lease.
    """
    async with AsyncExitStack() as stack:
        if other := await _enter(stack, leases, f"{LEASE_PREFIX}sip:{account}", seconds):
            raise LineError(
                f"The SIP account {account} is used by another process ({other}).",
                _TAKEN_OVER.format(what="an account"),
            )
        yield


async def _enter(stack: AsyncExitStack, leases: Leases, name: str, seconds: float) -> str:
    """Hold a lease as long as `stack` is open; return who has it instead, "" for nobody."""
    try:
        async with asyncio.timeout(ASK_SECONDS):
            other = await leases.holder(name)
            if other not in ("", this_process()):
                return other
            held = await stack.enter_async_context(leases.holding(name, seconds=seconds, through_outages=True))
            return "" if held is not None else "another process"
    except (StorageError, TimeoutError) as error:
        log.warning("a line is used without its lease", lease=name, problem=str(error))
        return ""
