"""The whole installation with modems on USB, as a running server has them; and what people at the far end do."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray
from troubled_line import ready

from api.calls.gsm import gsm_router
from api.server import build_app
from services.domain import Turn
from services.installation import Installation, OpenInstallation
from services.storage.calls.records import CallRecord
from telephony.call_state import Phase
from telephony.channel import modem_pool
from telephony.gsm import GsmService
from telephony.line_views import LineViews
from telephony.pool import ModemPool
from telephony.router import lines_router
from telephony.settings import TelephonySettings
from telephony.simulator import ModemSimulator, SimulatedCall, UsbPort

OWNER, PASSWORD = "olga", "seven grey herons waded"
NAMES = ("gsm", "gsm-2", "gsm-3")
AUDIBLE = 300
FILED_SECONDS = 20.0

Sound = NDArray[np.int16]


@dataclass
class LiveLines:
    """An installation, the modems plugged into it, and a client signed in as the owner."""

    installation: Installation
    pool: ModemPool
    sims: Sequence[ModemSimulator]
    owner: httpx.AsyncClient

    @property
    def company(self) -> str:
        """Whose installation it is."""
        return self.installation.company_id

    def service(self, line: str = "gsm") -> GsmService:
        """Return the line of this name, which is there."""
        service = self.pool.service(line)
        assert service is not None, line
        return service

    async def lay_down(self, line: str = "gsm", **policy: Any) -> None:
        """Replace the policy of a line, as its owner does on the page."""
        answer = await self.owner.put(f"/admin/gsm/{line}/policy", json=policy, headers={"If-Match": "*"})
        assert answer.status_code == 200, answer.text

    async def calls(self, number: str) -> list[CallRecord]:
        """Return the stored calls with a number, the newest first."""
        found, _ = await self.installation.books.calls.list(self.company, limit=200)
        return [call for call in found if call.number == number]

    async def filed(self, number: str, count: int = 1) -> CallRecord:
        """Wait until `count` calls with a number are stored and over, no more; return the newest."""

        async def over() -> bool:
            found = await self.calls(number)
            return len(found) >= count and all(call.ended_at for call in found)

        await until(over, FILED_SECONDS)
        found = await self.calls(number)
        assert len(found) == count, found
        return found[0]

    async def ring(self, number: str, line: str = "gsm") -> SimulatedCall:
        """Somebody calls, once the modem has done with the call before."""
        await self.idle(line)
        return await self.sim(line).ring(number)

    def sim(self, line: str = "gsm") -> ModemSimulator:
        """Return the modem of a line."""
        return self.sims[NAMES.index(line)]

    async def idle(self, line: str = "gsm") -> None:
        """Wait until the line has no call any more."""

        def free() -> bool:
            session = self.service(line).session
            return session is not None and session.line is None and session.modem.call.phase is Phase.IDLE

        await until(free, FILED_SECONDS)

    async def turns(self, call: CallRecord) -> tuple[Turn, ...]:
        """Return the turns of a stored call."""
        return await self.installation.books.calls.turns(self.company, call.id)


@asynccontextmanager
async def live_lines(
    open_installation: OpenInstallation, sims: Sequence[ModemSimulator], **settings: Any
) -> AsyncIterator[LiveLines]:
    """Open an installation with the simulators plugged in; wait until every line can be called."""

    def usb() -> list[UsbPort]:
        return [port for sim in sims for port in sim.usb_ports()]

    async with AsyncExitStack() as stack:
        if not sims[0].usb_ports():
            await stack.enter_async_context(sims[0])
        owner = {"username": OWNER, "password": PASSWORD}
        installation = await stack.enter_async_context(open_installation(language="en", owner=owner, **settings))
        pool = modem_pool(installation, TelephonySettings(status_every_seconds=5.0), usb)
        await pool.start()
        stack.push_async_callback(pool.close)
        app, views = build_app(installation), LineViews(pool)
        books = installation.books
        app.include_router(gsm_router(views, books.tallies, books.companies, installation.clock))
        app.include_router(lines_router(books.lines, books.personas, books.texts, views.sender))
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://house")
        await stack.enter_async_context(client)
        token = await installation.accounts.sign_in(OWNER, PASSWORD, "")
        client.headers["Authorization"] = f"Bearer {token.access_token}"
        lines = LiveLines(installation, pool, sims, client)
        await ready(pool)
        for count, sim in enumerate(sims[1:], start=2):  # one after the other, so that the names are known
            await stack.enter_async_context(sim)
            await until(partial(_are_there, pool, count), 20.0)
            await ready(pool)
        await until(lambda: len(installation.directory.lines(installation.company_id)) == len(sims))
        yield lines


def _are_there(pool: ModemPool, count: int) -> bool:
    return len(pool.services) == count


async def until(true: Callable[[], Any], seconds: float = 10.0, every: float = 0.05) -> None:
    """Wait until `true()`, which may be awaitable, is true. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while True:
            found = true()
            if await found if hasattr(found, "__await__") else found:
                return
            await asyncio.sleep(every)


def heard_since(call: SimulatedCall, moment: float) -> Sound:
    """Return what the far end has heard since `moment` (time.monotonic())."""
    return np.concatenate([np.zeros(0, np.int16), *(chunk.samples for chunk in call.heard if chunk.at >= moment)])


async def sound(call: SimulatedCall, since: float = 0.0, seconds: float = 10.0) -> None:
    """Wait until the far end hears something. Raises TimeoutError."""
    await until(lambda: np.abs(heard_since(call, since).astype(np.int32)).max(initial=0) > AUDIBLE, seconds)


async def silence(call: SimulatedCall, pause: float = 0.7, seconds: float = 30.0) -> None:
    """Wait until the far end has heard something, and then nothing for `pause` seconds. Raises TimeoutError."""
    await sound(call, seconds=seconds)

    def still() -> bool:
        lately = heard_since(call, time.monotonic() - pause)
        return not call.is_active or (lately.size > 0 and int(np.abs(lately.astype(np.int32)).max()) <= AUDIBLE)

    await asyncio.sleep(pause)
    await until(still, seconds)


async def greeted(call: SimulatedCall) -> None:
    """Let the call be answered, hear the first sound of the greeting, and hang up."""
    await call.answered()
    await sound(call)
    await call.hang_up()


def tone(hertz: float, seconds: float, level: int = 6_000) -> Sound:
    """Return a steady tone at 8 kHz."""
    wave: Sound = (level * np.sin(2 * np.pi * hertz * np.arange(round(8000 * seconds)) / 8000)).astype(np.int16)
    return wave


def share_of(sound: Sound, hertz: float) -> float:
    """Return how much of the energy of a sound lies within 10 Hz of a frequency, 0..1; 0 for silence."""
    power = np.abs(np.fft.rfft(sound.astype(np.float64))) ** 2
    near = np.abs(np.fft.rfftfreq(len(sound), 1 / 8000) - hertz) <= 10
    total = float(power.sum())
    return float(power[near].sum()) / total if total > len(sound) * 100 else 0.0
