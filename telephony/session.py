"""One connection with the modem, from opening its ports until it is lost: calls are taken and placed one by one."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

from services.errors import LineError
from services.voice.line import LineInfo
from telephony.aftercare import make_ready, reset_in_doubt
from telephony.answering import Answering, admitted_call
from telephony.at.channel import AtChannel
from telephony.at.urcs import CallerId
from telephony.call_reports import CallReports
from telephony.call_state import Change, Ended, Missed, Named, Phase, Ringing, SecondCaller
from telephony.doubts import Doubts
from telephony.find_ports import ModemPorts
from telephony.forwarding import Forwarding, abilities_of
from telephony.line import GsmLine
from telephony.modem import Sim7600
from telephony.policy.verdicts import Admit, Forward, Refuse
from telephony.quiet import QuietTimes
from telephony.serial_port import SerialPort
from telephony.settings import TelephonySettings
from telephony.startup import Identity
from telephony.status import ModemStatus

NAME_GRACE = 0.3
"""The caller's number follows the RING at once if it comes at all: the answer waits no longer than this for it."""
NETWORK_SETTLE = 1.0
"""Pause before asking again after the modem told of a change: such news come in bursts."""
LADDER_SECONDS = 15.0
"""How long a modem that fell silent is asked again and again, until its port is opened anew or it is reset."""
WRAP_UP_SECONDS = 60.0
"""How long the conversation may still work (saving the call) after its line has closed."""
CLOSE_SECONDS = 5.0
"""The same, when the session with the modem is over, too."""
PLUG_IN = "Plug the modem in again and check its cable and power supply."

log = structlog.get_logger()

Runner = Callable[[GsmLine], Awaitable[object]]


class ModemSession:
    """The open ports, the modem behind them and the call that is up. Made by `open`, ended by `close`.

    `lost_call` is the call that the modem itself has failed, None when there was none; `rang` the number of the caller
    who was ringing when the session ended ("" withheld), None when nobody was.
    """

    def __init__(
        self,
        channel: AtChannel,
        audio: SerialPort,
        settings: TelephonySettings,
        answering: Answering,
        forwarding: Forwarding | None = None,
    ) -> None:
        self.modem = Sim7600(channel)
        self.identity = Identity("", "", "")
        self.status = ModemStatus("", None, None)
        self.answering = answering
        self.lost_call: LineInfo | None = None
        self.rang: str | None = None
        self.doubts = Doubts()
        self._channel = channel
        self._audio = audio
        self._settings = settings
        self._forwarding = forwarding
        self._line: GsmLine | None = None
        self._held = False  # whoever rang last was given to a conversation, which tells what became of it
        self._judged: Admit | Refuse | None = None  # about the call that rings
        self._caller = 0  # counts whoever rings: the next one, or the same under a number that came late
        self._tidying = False
        self._reports = CallReports(lambda: self.answering, self._own)
        self._quiet = QuietTimes()
        self._wake = asyncio.Event()
        self._watchers: list[asyncio.Task[None]] = []
        self._work: set[asyncio.Task[None]] = set()  # conversations and reports
        self.modem.on_change = self._on_change
        self.modem.on_network = self._wake.set

    @classmethod
    async def open(
        cls,
        ports: ModemPorts,
        settings: TelephonySettings,
        answering: Answering,
        forwarding: Forwarding | None = None,
        *,
        after_reopen: bool = False,
    ) -> "ModemSession":
        """Open both ports. Raises PortError."""
        audio = await SerialPort.open(ports.audio)
        try:
            at = await SerialPort.open(ports.at)
        except BaseException:
            await audio.close()
            raise
        return cls(AtChannel(at, after_reopen=after_reopen), audio, settings, answering, forwarding)

    @property
    def reopen_needed(self) -> bool:
        """True when the modem fell silent: the next session should reset it if it stays so."""
        return self._channel.reopen_needed

    @property
    def line(self) -> GsmLine | None:
        """The call that is up or being set up."""
        return self._line

    @property
    def busy(self) -> bool:
        """True while no call can be placed: there is one, or the modem is being made ready after one."""
        return self._line is not None or self._tidying or self.modem.call.phase is not Phase.IDLE

    async def start(self, pin: str = "") -> None:
        """Bring the modem up. Raises ModemError."""
        try:
            self.identity = await self.modem.start(pin, wide=self._settings.wideband)
            self.status = await self.modem.status()
        except LineError:
            await self._channel.settled(LADDER_SECONDS)  # to its end: it may reset the modem, or ask to be opened anew
            raise

    async def run(self, on_status: Callable[[], None]) -> None:
        """Take calls until the modem is lost, then raise the LineError that says why.

        `on_status` is called after each fresh look at the network.
        """
        for gone in (self._channel.wait_closed(), self._audio.wait_closed()):
            self._watchers.append(asyncio.create_task(self._watch(gone)))
        if self.answering.texts is not None:
            await self.answering.texts.attach(self._channel, self._quiet)
        every = self._settings.status_every_seconds
        while True:
            self._wake.clear()
            self._refuse_when_lost()
            if self._line is not None:
                await self._follow(self._line)
                continue
            if self.modem.call.phase is Phase.RINGING:
                await self._serve_or_settle()
                continue
            if self.modem.call.phase is not Phase.IDLE:  # taken or placed when it was given up already
                log.warning("a call that nobody holds is ended")
                await self._tidy(self.modem.hang_up())
                continue
            self._judged = None
            doubtful = self.doubts.due(asyncio.get_running_loop().time())
            try:
                async with asyncio.timeout(NETWORK_SETTLE if self.modem.network_changed or doubtful else every):
                    await self._wake.wait()
            except TimeoutError:
                if doubtful:
                    await self._tidy(reset_in_doubt(self.modem, self.doubts))
                self.status = await self.modem.status()
                on_status()

    def place(self, info: LineInfo, runner: Runner | None = None, on_request: Forward | None = None) -> GsmLine:
        """Begin the outgoing call `info`; `runner` holds it, or whoever takes all calls. Raises LineError when busy."""
        if self.busy:
            raise LineError("The line has a call already.", "Try again when it is over.")
        return self._open_line(info, runner or self.answering.take_call, on_request)

    async def close(self) -> None:
        """End the call that is up, and everything else that was begun; idempotent."""
        if not self._held and self.modem.call.phase is Phase.RINGING and not isinstance(self._judged, Refuse):
            self.rang = self.modem.call.number
        if self._line is not None:
            await self._line.hangup()
        if self.answering.texts is not None:
            await self.answering.texts.detach()
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

    # -- a call that rings -------------------------------------------------------------------------------------------

    async def _serve_or_settle(self) -> None:
        """Serve who rings; a modem that is stuck meanwhile is waited for, if it comes to itself again."""
        try:
            await self._serve()
        except LineError:
            await self._channel.settled(LADDER_SECONDS)
            self._refuse_when_lost()

    async def _serve(self) -> None:
        """Answer the call that rings, send it away, or wait for its next ring."""
        if self._judged is None:
            if not self.modem.call.number:
                await self._wait_ringing(NAME_GRACE, lambda: bool(self.modem.call.number))
            await self._ask_name()
            if self.modem.call.phase is not Phase.RINGING:
                return
            caller = self._caller
            self._reports.called_anew(self.modem.call.number)
            judged = await self.answering.judge(self.modem.call.number)
            if self._caller != caller:  # that was about somebody else
                return
            self._judged = judged
        match self._judged:
            case Refuse() as refusal:
                await self._send_away(refusal)
            case Admit() as admitted:
                rings = admitted.rings or self._settings.answer_after_rings
                await self._wait_ringing(None, lambda: self.modem.call.rings >= rings or self._judged is not admitted)
                await self.modem.check_ringing()
                if self.modem.call.phase is Phase.RINGING and self._judged is admitted:
                    self._answer(admitted)

    async def _ask_name(self) -> None:
        """Ask the modem who rings where its report was lost, or never comes on its firmware."""
        if self.modem.call.phase is not Phase.RINGING or self.modem.call.number:
            return
        if number := await self.modem.who_rings():
            self.modem.take_note(CallerId(number, None))

    def _answer(self, admitted: Admit) -> None:
        info = admitted_call(self.answering.info, self.modem.call.number, admitted)
        self._held = True
        self._open_line(info, self.answering.take_call, admitted.forward or admitted.on_request)

    async def _send_away(self, refusal: Refuse) -> None:
        log.info("a caller is not answered", reason=refusal.reason)
        self._reports.sent_away(self.modem.call.number, refusal.reason, refusal.number)
        if not refusal.ring_out:
            await self.modem.hang_up()
        await self._wait_ringing(None, lambda: False)

    async def _wait_ringing(self, seconds: float | None, enough: Callable[[], bool]) -> None:
        """Wait while it rings until it is `enough`, at most `seconds`. Raises LineError when the modem is lost."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not enough() and self.modem.call.phase is Phase.RINGING:
                    self._wake.clear()
                    await self._wake.wait()
                    self._refuse_when_lost()

    # -- a call that is up -------------------------------------------------------------------------------------------

    def _open_line(self, info: LineInfo, runner: Runner, forward: Forward | None) -> GsmLine:
        act = None
        if forward is not None and self._forwarding is not None:
            act = self._forwarding.action(forward, self.answering)
        line = GsmLine(self.modem, self._audio, info, forward=act, abilities=abilities_of(forward if act else None))
        self._line = line
        self._quiet.set_busy(True)
        conversation = self._own(self._converse(line, runner))
        # The conversation may still be saving when its line has closed; the next caller is not kept waiting for it.
        self._own(self._bound(line, conversation))
        self._wake.set()
        return line

    async def _bound(self, line: GsmLine, conversation: "asyncio.Task[None]") -> None:
        await line.wait_closed()
        await asyncio.wait({conversation}, timeout=WRAP_UP_SECONDS)
        conversation.cancel()

    async def _follow(self, line: GsmLine) -> None:
        await line.wait_closed()
        self._line = None
        self._quiet.set_busy(False)
        if line.fault is not None:
            self.lost_call = line.info
        self._refuse_when_lost()
        await self._tidy(make_ready(self.modem, line, self.doubts))

    async def _tidy(self, work: Coroutine[Any, Any, None]) -> None:
        """Do `work` with the modem between two calls; none is placed meanwhile."""
        self._tidying = True
        try:
            await work
        finally:
            self._tidying = False

    async def _converse(self, line: GsmLine, runner: Runner) -> None:
        try:
            await runner(line)
        except LineError as error:
            log.info("the call was not taken", problem=str(error))
        except Exception:  # one failed conversation must not cost the next caller the secretary
            log.exception("the conversation failed")
        finally:
            if not line.closed:
                await line.hangup()

    # -- what the modem tells ----------------------------------------------------------------------------------------

    def _on_change(self, change: Change) -> None:
        self._quiet.set_busy(self.modem.call.phase in (Phase.RINGING, Phase.DIALLING))
        if isinstance(change, Ringing) and change.rings == 1:
            self._held = False
        if self._line is not None:
            self._line.on_change(change)
        if isinstance(change, Named) or self.modem.call.phase is not Phase.RINGING:
            self._judged = None
            self._caller += 1
        match change:
            case Missed(number) if not self._held or self.modem.call.phase is Phase.TALKING:
                self._reports.missed(number)  # else whoever took the call knows
            case SecondCaller(number):
                self._reports.sent_away(number, "line_busy")
                self._own(self.modem.reject_second())
            case Ringing() | Ended():
                log.info("the modem tells", change=type(change).__name__)
        self._wake.set()

    async def _watch(self, gone: Coroutine[Any, Any, None]) -> None:
        await gone
        if self._line is not None and self._line.lose():
            self.lost_call = self._line.info
        self._wake.set()

    def _refuse_when_lost(self) -> None:
        if self._channel.closed:
            raise self._channel.fault or LineError("The connection to the modem was closed.")
        if self._audio.closed:
            raise LineError(self._audio.lost or "The call audio port was closed.", PLUG_IN)

    def _own(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        return task
