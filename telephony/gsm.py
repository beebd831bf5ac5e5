"""Takes calls from a SIM7600: keeps a session with the modem, and makes a new one whenever it is lost."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any

import structlog

from services.errors import LineError
from services.parts import Part, State
from services.voice.line import AudioLine, LineInfo
from telephony.session import Answering, ModemSession
from telephony.settings import TelephonySettings

PART_NAME = "telephony"
BACKOFF_SECONDS = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)

log = structlog.get_logger()


class GsmService:
    """The GSM channel of one modem.

    `take_call(line)` runs the conversation on a line that still rings (it answers it) and should return after Closed;
    if it returns earlier, the call is ended. `missed(number)` hears of callers that gave up, "" when withheld. `line`
    names the modem in LineInfo. Without a modem the service waits for one and reports itself as degraded.
    """

    def __init__(
        self,
        settings: TelephonySettings,
        take_call: Callable[[AudioLine], Awaitable[object]],
        company_id: str,
        *,
        language: str = "",
        line: str = "gsm",
        missed: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        info = LineInfo("gsm", "in", company_id, language=language, line=line)
        self._settings = settings
        self._answering = Answering(take_call, missed, info)
        self._part = self._degraded("The modem is being started.")
        self._task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        if not settings.enabled:
            self._part = Part(PART_NAME, State.READY, "The GSM channel is switched off (TELEPHONY__ENABLED).")

    def part(self) -> Part:
        """Return the channel's state: operator and signal when ready, else what is missing and how to mend it."""
        return self._part

    async def start(self) -> None:
        """Begin to look for the modem; returns at once, see `part` and `wait_ready`."""
        if self._settings.enabled and self._task is None:
            self._task = asyncio.create_task(self._run())

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
        if self._task is None:
            return
        task, self._task = self._task, None
        task.cancel()
        await asyncio.wait([task])

    async def _run(self) -> None:
        attempt = 0
        after_reopen = False
        while True:
            session: ModemSession | None = None
            try:
                session = await ModemSession.open(self._settings, self._answering, after_reopen=after_reopen)
                await session.start()
                attempt = 0
                self._look(session)
                await session.run(partial(self._look, session))
            except LineError as error:
                self._lost(error)
            except Exception:  # whatever went wrong, the next caller should find the line answered
                log.exception("the GSM channel failed and starts again")
                self._set(self._degraded("The GSM channel failed and starts again.", "The log tells why."))
            finally:
                if session is not None:
                    after_reopen = session.reopen_needed
                    await _finish(session.close())
            await asyncio.sleep(BACKOFF_SECONDS[min(attempt, len(BACKOFF_SECONDS) - 1)])
            attempt += 1

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
            self._set(Part(PART_NAME, State.READY, f"{name}: {session.status}."))

    def _lost(self, error: LineError) -> None:
        if error.message != self._part.detail:  # once, not at each attempt
            log.warning("no calls can be taken", problem=error.message, remedy=error.remedy)
        self._set(self._degraded(error.message, error.remedy))

    def _set(self, part: Part) -> None:
        if part.state is State.READY and self._part.state is not State.READY:
            log.info("calls can be taken", modem=part.detail)
        self._part = part
        self._changed.set()

    @staticmethod
    def _degraded(detail: str, remedy: str = "") -> Part:
        return Part(PART_NAME, State.DEGRADED, detail, remedy)


async def _finish(closing: Coroutine[Any, Any, None]) -> None:
    """Close to the end even when cancelled meanwhile: half a close would keep the ports."""
    task = asyncio.create_task(closing)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
