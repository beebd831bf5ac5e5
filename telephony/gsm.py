"""One GSM line: keeps a session with its modem, and makes a new one whenever it is lost."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import replace
from functools import partial
from typing import Any

import structlog

from services.clock import Clock, LoopClock
from services.domain import CallTerms
from services.errors import LineError, PortError, SecretaryError
from services.parts import Part, State
from services.voice.directory import CallOrder
from services.voice.line import LineInfo
from telephony.answering import Answering
from telephony.doubts import Doubts
from telephony.find_ports import ModemPorts, find_ports
from telephony.forwarding import Forwarding
from telephony.line import GsmLine
from telephony.making_up import make_up
from telephony.session import ModemSession, Runner
from telephony.settings import TelephonySettings
from telephony.startup import Identity, PinRefusedError
from telephony.status import Problems

PART_NAME = "telephony"
LOOK_SECONDS = 1.0
"""How often the ports of a modem that is away are looked for."""
BACKOFF_SECONDS = (1.0, 1.0, 2.0, 4.0)
"""Pauses after one failed start after the other, so that the line answers soon after whatever it was is mended."""

RING_SECONDS = 30.0
"""A caller who was ringing when the modem was lost rings no longer than this."""

log = structlog.get_logger()

Find = Callable[[], Awaitable[ModemPorts]]
Hold = Callable[[ModemPorts], AbstractAsyncContextManager[None]]
Named = Callable[[Identity], Awaitable[Answering]]


class GsmService:
    """The calls of one modem: a services.voice.directory.CallingLine.

    `answering` says who takes them; `find` finds the modem's ports (each time anew); `named` gives the line its name,
    and with it who takes its calls, when the modem has told who it is; `hold` keeps other processes away from it.
    Without a modem the service waits for one and reports itself as degraded.
    """

    def __init__(
        self,
        settings: TelephonySettings,
        answering: Answering,
        *,
        find: Find | None = None,
        named: Named | None = None,
        forwarding: Forwarding | None = None,
        hold: Hold | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.answering = answering
        self.problems = Problems()
        self.on_up: Callable[[GsmService], None] | None = None  # told when the modem is there and the line has its name
        self._settings = settings
        self._find = find or partial(find_ports, settings.at_port, settings.audio_port)
        self._named = named
        self._forwarding = forwarding
        self._hold = hold
        self._holding = AsyncExitStack()
        self._held = ""  # the port of the modem that is this process's
        self._clock = clock or LoopClock()
        self._pin = settings.sim_pin.get_secret_value()
        self._session: ModemSession | None = None
        self._lost_call: LineInfo | None = None
        self._rang: tuple[str, float] | None = None  # who was ringing when the modem was lost, and when
        self._doubts = Doubts()
        self._part = self._degraded("The modem is being started.")
        self._task: asyncio.Task[None] | None = None
        self._making_up: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        if not settings.enabled:
            self._part = Part(self.part_name, State.READY, "The GSM channel is switched off (TELEPHONY__ENABLED).")

    @property
    def name(self) -> str:
        """The line's name."""
        return self.answering.info.line

    @property
    def company_id(self) -> str:
        """Whose line it is."""
        return self.answering.info.company_id

    @property
    def part_name(self) -> str:
        """What the line's state is called among the parts of the installation."""
        return PART_NAME if self.name in ("", "gsm") else f"{PART_NAME} {self.name}"

    @property
    def session(self) -> ModemSession | None:
        """The connection with the modem, None while there is none."""
        return self._session

    def part(self) -> Part:
        """Return the line's state: operator and signal when ready, else what is missing and how to mend it."""
        return self._part

    # -- life --------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin to look for the modem; returns at once, see `part` and `wait_ready`."""
        if self._settings.enabled and self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"line {self.name}")

    async def changed(self) -> None:
        """Wait until `part` is told anew."""
        self._changed.clear()
        await self._changed.wait()

    async def wait_ready(self, timeout: float) -> bool:
        """Wait until calls can come in; False when that is not so within `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                while self._part.state is not State.READY:
                    await self.changed()
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """End the call that is up and give the ports back; idempotent."""
        tasks = [task for task in (self._making_up, self._task) if task is not None]
        self._task = self._making_up = None
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._holding.aclose()
        await self._tell_rang()

    # -- calling out -------------------------------------------------------------------------------------------------

    def why_not(self) -> str:
        """Return "" when a call could be placed now, else why not."""
        session = self._session
        if session is None or self._part.state is not State.READY:
            return f"The line {self.name} cannot call: {self._part.detail}"
        return f"The line {self.name} is busy." if session.busy else ""

    async def dial(self, order: CallOrder) -> str:
        """Begin to call; return the call's id. Raises LineError when the policy forbids it or the line cannot."""
        info, on_request = await self.answering.order(order)
        if self._session is None or (reason := self.why_not()):
            raise LineError(reason or "The line cannot call.", "Try again when it is free.")
        self._session.place(info, on_request=on_request)
        return info.call_id

    def place_for(self, caller: LineInfo, to: str, runner: Runner) -> GsmLine:
        """Dial `to` for a caller of another line; `runner` holds the call. Raises LineError when the line cannot."""
        if self._session is None or (reason := self.why_not()):
            raise LineError(reason or "The line cannot call.", "Try again when it is free.")
        info = replace(
            self.answering.info,
            direction="out",
            number=to,
            contact=caller.number,
            terms=CallTerms(purpose="forward"),
            call_id=uuid.uuid4().hex,
        )
        return self._session.place(info, runner)

    # -- the modem ---------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        attempt = 0
        after_reopen = False
        while True:
            session: ModemSession | None = None
            pause = BACKOFF_SECONDS[min(attempt, len(BACKOFF_SECONDS) - 1)]
            try:
                ports = await self._find()
                await self._hold_modem(ports)
                session = await ModemSession.open(
                    ports, self._settings, self.answering, self._forwarding, after_reopen=after_reopen
                )
                session.doubts = self._doubts
                await self._start(session)
                attempt, pause = 0, BACKOFF_SECONDS[0]
                await session.run(partial(self._look, session))
            except PortError as error:  # the modem is away: it may be back at any moment
                self._lost(error)
                pause = LOOK_SECONDS
            except LineError as error:
                self._lost(error)
            except Exception:  # whatever went wrong, the next caller should find the line answered
                log.exception("the GSM channel failed and starts again")
                self._set(self._degraded("The GSM channel failed and starts again.", "The log tells why."))
            finally:
                self._session = None
                if session is not None:
                    after_reopen = session.reopen_needed
                    self._lost_call = session.lost_call or self._lost_call
                    await _finish(session.close())
                    if session.rang is not None:
                        self._rang = (session.rang, asyncio.get_running_loop().time())
            if self._rang is not None and asyncio.get_running_loop().time() - self._rang[1] > RING_SECONDS:
                await self._tell_rang()
            attempt += 1
            await asyncio.sleep(pause)

    async def _hold_modem(self, ports: ModemPorts) -> None:
        """Keep other processes away from the modem, until `close`: its next opening then waits for no database."""
        if self._hold is not None and self._held != ports.at:
            await self._holding.aclose()
            self._held = ""
            await self._holding.enter_async_context(self._hold(ports))
            self._held = ports.at

    async def _start(self, session: ModemSession) -> None:
        try:
            await session.start(self._pin)
        except PinRefusedError:
            self._pin = ""  # the third wrong one blocks the card
            raise
        if self._named is not None:
            self.answering = session.answering = await self._named(session.identity)
        self._session = session
        if self.on_up is not None:
            self.on_up(self)
        if self._rang is not None:
            rings = await session.modem.who_rings()
            if rings is None or self._rang[0] not in ("", rings):  # the number may not have been told yet
                await self._tell_rang()
        self._rang = None
        self._look(session)

    async def _tell_rang(self) -> None:
        """The caller who was ringing when the modem was lost has not been answered."""
        rang, self._rang = self._rang, None
        if rang is not None and self.answering.missed is not None:
            try:
                await self.answering.missed(rang[0])
            except SecretaryError as error:
                log.error("a missed call could not be stored", problem=str(error))

    def _look(self, session: ModemSession) -> None:
        name = session.identity.model or "The modem"
        if session.modem.sim_removed:
            self._set(self._degraded("The SIM card was taken out.", "Insert the SIM card and plug the modem in again."))
        elif not session.status.registered:
            self._set(
                self._degraded(
                    f"{name} is {session.status}.", "Check the antenna and whether the SIM card's contract is active."
                )
            )
        else:
            self._set(Part(self.part_name, State.READY, f"{name}: {session.status}."))
            self._make_up()

    def _make_up(self) -> None:
        """See to a caller whom the modem has lost, now that calls can be placed again."""
        lost, self._lost_call = self._lost_call, None
        if lost is not None and (self._making_up is None or self._making_up.done()):
            self._making_up = asyncio.create_task(make_up(self, lost), name="making up for a lost call")

    def _lost(self, error: LineError) -> None:
        if error.message != self._part.detail:  # once, not at each attempt
            log.warning("no calls can be taken", line=self.name, problem=error.message, remedy=error.remedy)
            self.problems.note(error.message, self._clock.now())
        self._set(self._degraded(error.message, error.remedy))

    def _set(self, part: Part) -> None:
        if part.state is State.READY and self._part.state is not State.READY:
            log.info("calls can be taken", line=self.name, modem=part.detail)
        self._part = part
        self._changed.set()

    def _degraded(self, detail: str, remedy: str = "") -> Part:
        return Part(self.part_name, State.DEGRADED, detail, remedy)


async def _finish(closing: Coroutine[Any, Any, None]) -> None:
    """Close to the end even when cancelled meanwhile: half a close would keep the ports."""
    task = asyncio.create_task(closing)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
