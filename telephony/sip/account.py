"""The SIP account: keeps the signalling process running and registered, and tells how it is."""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any

import structlog

from services.clock import Clock, LoopClock
from services.errors import LineError
from services.parts import Part, State
from telephony.sip.agent import SipAgent
from telephony.sip.media import MediaSocket
from telephony.sip.messages import CallNews, Incoming, News, NotOpened, NotRegistered, Open, Opened, Order, Registered
from telephony.sip.settings import SipSettings
from telephony.status import Problems

PART_NAME = "sip"
BACKOFF_SECONDS = (1.0, 2.0, 4.0, 8.0)
"""Pauses after one failed start after the other."""

Hold = Callable[[], AbstractAsyncContextManager[None]]
"""Keeps other processes away from the account. Raises LineError while one of them has it."""

log = structlog.get_logger()


class SipAccount:
    """One account at a server, or one open UDP port.

    `on_call` hears of every call's news; `on_lost` when all calls are lost with the signalling. While the signalling or
    the server is away the account is degraded and comes back by itself.
    """

    def __init__(
        self,
        settings: SipSettings,
        on_call: Callable[[Incoming | CallNews], None],
        on_lost: Callable[[], None],
        *,
        hold: Hold | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._hold = hold  # None: nobody else has the account, or it is held from now on
        self._holding = AsyncExitStack()
        self.problems = Problems()
        self._settings = settings
        self._on_call = on_call
        self._on_lost = on_lost
        self._clock = clock or LoopClock()
        self._agent: SipAgent | None = None
        self._media_port = settings.media_port_first
        self._task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._part = _degraded("The SIP channel is being started.")
        if not settings.enabled:
            self._part = Part(PART_NAME, State.READY, "The SIP channel is switched off (SIP__ENABLED).")

    @property
    def part(self) -> Part:
        """The account's state: where it is registered when ready, else what is missing and how to mend it."""
        return self._part

    @property
    def up(self) -> bool:
        """True when calls can come in."""
        return self._agent is not None and self._part.state is State.READY

    @property
    def address(self) -> tuple[str, int]:
        """Where signalling listens: host ("" when on every address) and UDP port; ("", 0) when it does not."""
        return self._agent.address if self._agent else ("", 0)

    def start(self) -> None:
        """Begin; returns at once."""
        if self._settings.enabled and self._task is None:
            self._task = asyncio.create_task(self._run(), name="sip account")

    async def changed(self) -> None:
        """Wait until `part` is told anew."""
        self._changed.clear()
        await self._changed.wait()

    async def close(self) -> None:
        """Sign off and give the port back; idempotent."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        await self._holding.aclose()

    def order(self, order: Order) -> None:
        """Pass an order to the signalling; without one there is no call it could be about."""
        if self._agent is not None:
            self._agent.order(order)

    async def media(self, peer: str) -> tuple[MediaSocket, str]:
        """Open a socket for sound, and tell the address at which `peer` reaches it. Raises LineError."""
        settings = self._settings
        local = settings.bind_host or await asyncio.to_thread(_local_address, peer)
        media = await MediaSocket.bind(local, settings.media_port_first, settings.media_port_last, self._media_port)
        self._media_port = media.port + 2
        return media, settings.public_host or local

    async def _run(self) -> None:
        attempt = 0
        while True:
            agent = SipAgent(self._on_news)
            try:
                if self._hold is not None:
                    await self._holding.enter_async_context(self._hold())
                    self._hold = None
                await agent.start(self._opening())
                attempt, self._agent = 0, agent
                if not self._settings.registers:
                    self._set(Part(PART_NAME, State.READY, f"SIP calls are taken on UDP port {agent.address[1]}."))
                await agent.run()
            except LineError as error:
                self._lost(error)
            except Exception:  # whatever went wrong, the next caller should find the line answered
                log.exception("the SIP channel failed and starts again")
                self._set(_degraded("The SIP channel failed and starts again.", "The log tells why."))
            finally:
                self._agent = None
                self._on_lost()
                await _finish(agent.close())
            await asyncio.sleep(BACKOFF_SECONDS[min(attempt, len(BACKOFF_SECONDS) - 1)])
            attempt += 1

    def _opening(self) -> Open:
        settings = self._settings
        host, port = settings.server_address
        return Open(
            host=settings.bind_host,
            port=settings.bind_port,
            server=host,
            server_port=port,
            domain=settings.domain or host,
            username=settings.username,
            auth_username=settings.auth_username or settings.username,
            password=settings.password.get_secret_value(),
            register_seconds=settings.register_seconds,
            accept_from=("", *settings.accept_from),
        )

    def _on_news(self, news: News) -> None:
        server = self._settings.server
        match news:
            case Registered():
                self._set(Part(PART_NAME, State.READY, f"SIP: registered at {server} as {self._settings.username}."))
            case NotRegistered(code=code, reason=reason):
                remedy = "Check SECRETARY_SIP__SERVER and the network; it is tried again every minute."
                if code in (401, 403, 404, 407):
                    remedy = "Check SECRETARY_SIP__USERNAME and SECRETARY_SIP__PASSWORD."
                self._lost(LineError(f"The SIP server {server} does not register us: {code} {reason}.", remedy))
            case Opened() | NotOpened():  # told once, at the start
                pass
            case _:
                self._on_call(news)

    def _lost(self, error: LineError) -> None:
        if error.message != self._part.detail:  # once, not at each attempt
            log.warning("no SIP calls can be taken", problem=error.message, remedy=error.remedy)
            self.problems.note(error.message, self._clock.now())
        self._set(_degraded(error.message, error.remedy))

    def _set(self, part: Part) -> None:
        if part.state is State.READY and self._part.state is not State.READY:
            log.info("SIP calls can be taken", detail=part.detail)
        self._part = part
        self._changed.set()


def _degraded(detail: str, remedy: str = "") -> Part:
    return Part(PART_NAME, State.DEGRADED, detail, remedy)


async def _finish(closing: Coroutine[Any, Any, None]) -> None:
    """Close to the end even when cancelled meanwhile: half a close would leave a process."""
    task = asyncio.create_task(closing)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _local_address(peer: str) -> str:
    """Return the address of this machine that the way to `peer` begins at; no packet is sent. Raises LineError."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(peer.strip("[]"), 9, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind) as probe:
            probe.connect(address)
            return str(probe.getsockname()[0])
    except OSError as error:
        raise LineError(f"There is no way to {peer}: {error.strerror}.") from error
