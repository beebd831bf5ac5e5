"""One connection with the modem, from opening its ports until it is lost: calls are taken one after another."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import structlog

from services.errors import LineError
from services.voice.line import AudioLine, LineInfo
from telephony.at.channel import AtChannel
from telephony.call_state import Change, Ended, Missed, Phase, Ringing, SecondCaller
from telephony.find_ports import find_ports
from telephony.line import GsmLine
from telephony.modem import ModemStatus, Sim7600
from telephony.serial_port import SerialPort
from telephony.settings import TelephonySettings
from telephony.startup import Identity

NAME_GRACE = 0.3
"""The caller's number follows the RING at once if it comes at all: the answer waits no longer than this for it."""
NETWORK_SETTLE = 1.0
"""Pause before asking again after the modem told of a change: such news come in bursts."""
WRAP_UP_SECONDS = 60.0
"""How long the conversation may still work (saving the call) after its line has closed."""

CLOSE_SECONDS = 5.0
"""The same, when the session with the modem is over, too."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Answering:
    """Who takes the calls and who hears of the missed ones; `info` is the LineInfo of a call without its number."""

    take_call: Callable[[AudioLine], Awaitable[object]]
    missed: Callable[[str], Awaitable[None]] | None
    info: LineInfo


class ModemSession:
    """The open ports, the modem behind them and the call that is up. Made by `open`, ended by `close`."""

    def __init__(
        self, channel: AtChannel, audio: SerialPort, settings: TelephonySettings, answering: Answering
    ) -> None:
        self.modem = Sim7600(channel)
        self.identity = Identity("", "", "")
        self.status = ModemStatus("", None, None)
        self._channel = channel
        self._audio = audio
        self._settings = settings
        self._answering = answering
        self._line: GsmLine | None = None
        self._wake = asyncio.Event()
        self._watchers: list[asyncio.Task[None]] = []
        self._work: set[asyncio.Task[None]] = set()  # conversations and reports
        self.modem.on_change = self._on_change
        self.modem.on_network = self._wake.set

    @classmethod
    async def open(
        cls, settings: TelephonySettings, answering: Answering, *, after_reopen: bool = False
    ) -> "ModemSession":
        """Find and open both ports. Raises PortError."""
        ports = await find_ports(settings.at_port, settings.audio_port)
        audio = await SerialPort.open(ports.audio)
        try:
            at = await SerialPort.open(ports.at)
        except BaseException:
            await audio.close()
            raise
        return cls(AtChannel(at, after_reopen=after_reopen), audio, settings, answering)

    @property
    def reopen_needed(self) -> bool:
        """True when the modem fell silent: the next session should reset it if it stays so."""
        return self._channel.reopen_needed

    async def start(self) -> None:
        """Bring the modem up. Raises ModemError."""
        self.identity = await self.modem.start()
        self.status = await self.modem.status()

    async def run(self, on_status: Callable[[], None]) -> None:
        """Take calls until the modem is lost, then raise the LineError that says why.

        `on_status` is called after each fresh look at the network.
        """
        for gone in (self._channel.wait_closed(), self._audio.wait_closed()):
            self._watchers.append(asyncio.create_task(self._watch(gone)))
        every = self._settings.status_every_seconds
        while True:
            self._wake.clear()
            self._refuse_when_lost()
            if self.modem.call.phase is Phase.RINGING and self.modem.call.rings >= self._settings.answer_after_rings:
                await self._serve()
                continue
            try:
                async with asyncio.timeout(NETWORK_SETTLE if self.modem.network_changed else every):
                    await self._wake.wait()
            except TimeoutError:
                self.status = await self.modem.status()
                on_status()

    async def close(self) -> None:
        """End the call that is up, and everything else that was begun; idempotent."""
        if self._line is not None:
            await self._line.hangup()
        if self._work:  # let the conversation save what was said
            await asyncio.wait(self._work, timeout=CLOSE_SECONDS)
        ending = [*self._watchers, *self._work]
        for task in ending:
            task.cancel()
        if ending:
            await asyncio.wait(ending)
        self.modem.close()
        await self._channel.close()
        await self._audio.close()

    async def _serve(self) -> None:
        if not self.modem.call.number:
            await self._pause_for_name()
        if self.modem.call.phase is not Phase.RINGING:
            return
        base, number = self._answering.info, self.modem.call.number
        info = LineInfo(base.channel, "in", base.company_id, number, language=base.language, line=base.line)
        line = self._line = GsmLine(self.modem, self._audio, info)
        conversation = self._own(self._converse(line))
        await line.wait_closed()
        # The conversation may still be saving; the next caller is not kept waiting for it.
        asyncio.get_running_loop().call_later(WRAP_UP_SECONDS, conversation.cancel)
        self._line = None
        await self._make_ready(line)

    async def _pause_for_name(self) -> None:
        try:
            async with asyncio.timeout(NAME_GRACE):
                while not self.modem.call.number and self.modem.call.phase is Phase.RINGING:
                    self._wake.clear()
                    await self._wake.wait()
                    self._refuse_when_lost()
        except TimeoutError:
            pass

    async def _converse(self, line: GsmLine) -> None:
        try:
            await self._answering.take_call(line)
        except LineError as error:
            log.info("the call was not taken", problem=str(error))
        except Exception:  # one failed conversation must not cost the next caller the secretary
            log.exception("the conversation failed")
        finally:
            if not line.closed:
                await line.hangup()

    async def _make_ready(self, line: GsmLine) -> None:
        """Leave no call and no audio behind; reset a modem that failed the call. Raises LineError after a reset."""
        self._refuse_when_lost()
        if self.modem.call.phase is Phase.TALKING:
            await self.modem.hang_up()
        await self.modem.audio_off()
        if line.fault is not None:
            await self.modem.reset()
            raise line.fault

    def _on_change(self, change: Change) -> None:
        if self._line is not None:
            self._line.on_change(change)
        match change:
            case Missed(number) if self._answering.missed is not None:
                self._own(self._tell_missed(self._answering.missed, number))
            case SecondCaller():
                self._own(self._reject_second())
            case Ringing() | Ended():
                log.info("the modem tells", change=type(change).__name__)
        self._wake.set()

    async def _tell_missed(self, missed: Callable[[str], Awaitable[None]], number: str) -> None:
        try:
            await missed(number)
        except Exception:  # a watcher's fault is not the modem's
            log.exception("the missed call could not be reported")

    async def _reject_second(self) -> None:
        try:
            await self.modem.reject_second()
        except LineError as error:
            log.warning("the second caller was not sent away", problem=str(error))

    async def _watch(self, gone: Coroutine[Any, Any, None]) -> None:
        await gone
        if self._line is not None:
            self._line.lose()
        self._wake.set()

    def _refuse_when_lost(self) -> None:
        if self._channel.closed:
            raise self._channel.fault or LineError("The connection to the modem was closed.")
        if self._audio.closed:
            raise LineError(
                self._audio.lost or "The call audio port was closed.",
                "Plug the modem in again and check its cable and power supply.",
            )

    def _own(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        return task
