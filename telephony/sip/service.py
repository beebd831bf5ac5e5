"""The SIP line: takes and places calls over one account, each call an AudioLine; several go on at once."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any

import structlog

from services.clock import Clock
from services.errors import LineError
from services.parts import Part, State
from services.voice.directory import CallOrder
from services.voice.line import LineInfo
from telephony.answering import Answering
from telephony.policy.gatekeeper import Admit, Refuse
from telephony.sip.account import Hold, SipAccount
from telephony.sip.line import SipLine
from telephony.sip.messages import CallNews, HangUp, Incoming, Over
from telephony.sip.refusals import BUSY, code_for
from telephony.sip.sdp import PCMA, PCMU
from telephony.sip.settings import SipSettings

WRAP_UP_SECONDS = 60.0
"""How long a conversation may still work (saving the call) after its line has closed."""
CLOSE_SECONDS = 5.0
"""The same, when the channel is being closed, too."""
RING_CADENCE = 5.0
"""Seconds from ring to ring (ITU-T E.180: one of tone, four of silence), where a policy counts rings."""

log = structlog.get_logger()


class SipService:
    """The calls of one SIP account: a services.voice.directory.CallingLine.

    `answering` says who takes them and whose line it is; `take_call(line)` answers the line and returns after Closed,
    or the call is ended.
    """

    def __init__(
        self, settings: SipSettings, answering: Answering, *, hold: Hold | None = None, clock: Clock | None = None
    ) -> None:
        self.answering = answering
        self.codecs = tuple(PCMA if each == "pcma" else PCMU for each in settings.codecs)
        self.media_timeout = settings.media_timeout_seconds
        self.ring_seconds = settings.ring_seconds
        self.account = SipAccount(settings, self._on_call, self._on_lost, hold=hold, clock=clock)
        self.order, self.media = self.account.order, self.account.media
        self._settings = settings
        self._lines: dict[str, SipLine] = {}
        self._ringing: dict[str, asyncio.Event] = {}  # set when the caller gives up before the line is made
        self._work: set[asyncio.Task[None]] = set()

    @property
    def name(self) -> str:
        """The line's name."""
        return self.answering.info.line

    @property
    def company_id(self) -> str:
        """Whose line it is."""
        return self.answering.info.company_id

    @property
    def lines(self) -> tuple[SipLine, ...]:
        """The calls that are up or being set up."""
        return tuple(self._lines.values())

    def part(self) -> Part:
        """Return the line's state: where it is registered when ready, else what is missing and how to mend it."""
        return self.account.part

    # -- life --------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin; returns at once, see `part` and `wait_ready`."""
        self.account.start()

    async def changed(self) -> None:
        """Wait until `part` is told anew."""
        await self.account.changed()

    async def wait_ready(self, timeout: float) -> bool:
        """Wait until calls can come in; False when that is not so within `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                while self.part().state is not State.READY:
                    await self.changed()
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """End the calls that are up, sign off and give the ports back; idempotent."""
        for gave_up in self._ringing.values():
            gave_up.set()
        for line in self.lines:
            await line.hangup()
        if self._work:  # let the conversations save what was said
            await asyncio.wait(self._work, timeout=CLOSE_SECONDS)
        for each in self._work:
            each.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)
        await self.account.close()

    # -- calling out -------------------------------------------------------------------------------------------------

    def why_not(self) -> str:
        """Return "" when a call could be placed now, else why not."""
        if not self.account.up:
            return f"The line {self.name} cannot call: {self.part().detail}"
        if not self._settings.server:
            return f"The line {self.name} cannot call: it has no SIP server (SECRETARY_SIP__SERVER)."
        return f"The line {self.name} is busy." if len(self._lines) >= self._settings.max_calls else ""

    async def dial(self, order: CallOrder) -> str:
        """Begin to call; return the call's id. Raises LineError when the policy forbids it or the line cannot."""
        info, on_request = await self.answering.order(order)
        if reason := self.why_not():
            raise LineError(reason, "Try again when it is free.")
        self.place(info, colleague=on_request.to if on_request else "")
        return info.call_id

    def place(self, info: LineInfo, *, colleague: str = "") -> SipLine:
        """Begin the outgoing call `info`: to a number at the server, or to "user@host" anywhere."""
        host = info.number.partition("@")[2].rpartition(":")[0] or info.number.partition("@")[2]
        call = f"out-{uuid.uuid4().hex}"
        target = info.number if self._settings.dial_plus else info.number.removeprefix("+")
        peer = host or self._settings.server_address[0]
        line = SipLine(call, info, self, peer, colleague=colleague, target=target)
        self._lines[call] = line
        self._own(self._converse(line))
        return line

    async def permitted(self, to: str) -> str:
        """Return the number to connect the other side of a call with. Raises LineError when the policy forbids it."""
        if self.answering.door is None:
            return to
        order = CallOrder(self.company_id, to, self.name)
        return (await self.answering.door.outgoing(self.name, order)).number

    # -- a call that comes in ----------------------------------------------------------------------------------------

    async def _serve(self, call: Incoming) -> None:
        """Answer the call, send it away, or note that the caller gave up."""
        gave_up = self._ringing[call.call] = asyncio.Event()
        try:
            admitted = await self._judge(call)
            if isinstance(admitted, Refuse):
                await self._send_away(call, admitted, gave_up)
                return
            if len(self._lines) >= self._settings.max_calls:
                self.order(HangUp(call.call, BUSY))
                await self._tell(self.answering.rejected, admitted.number or call.number, "line_busy")
                return
            line = self._line_for(call, admitted)
            line.ring()
            if admitted.rings > 1 and await _within(gave_up, (admitted.rings - 1) * RING_CADENCE):
                await self._tell(self.answering.missed, line.info.number)
                return
            if gave_up.is_set():
                await self._tell(self.answering.missed, line.info.number)
                return
            self._lines[call.call] = line
        finally:
            del self._ringing[call.call]
        await self._converse(line)

    async def _judge(self, call: Incoming) -> Admit | Refuse:
        info, door = self.answering.info, self.answering.door
        if door is None:
            return Admit(info.persona, info.language, 1, info.terms, number=call.number)
        return await door.incoming(info.line, info.company_id, call.number)

    def _line_for(self, call: Incoming, admitted: Admit) -> SipLine:
        base, forward, terms = self.answering.info, admitted.forward or admitted.on_request, admitted.terms
        if admitted.forward is not None:
            terms = replace(terms, transfer_to=admitted.forward.to, transfer_first=True)
        info = replace(
            base,
            number=admitted.number or call.number,
            persona=admitted.persona or base.persona,
            language=admitted.language or base.language,
            terms=terms,
        )
        return SipLine(call.call, info, self, call.source, offer=call.sdp, colleague=forward.to if forward else "")

    async def _send_away(self, call: Incoming, refusal: Refuse, gave_up: asyncio.Event) -> None:
        log.info("a caller is not answered", reason=refusal.reason)
        await self._tell(self.answering.rejected, refusal.number or call.number, refusal.reason)
        if refusal.ring_out:
            await _within(gave_up, self.ring_seconds)
        self.order(HangUp(call.call, code_for(refusal.reason)))

    async def _converse(self, line: SipLine) -> None:
        talk = asyncio.ensure_future(self._hold(line))
        closed = asyncio.create_task(line.wait_closed())
        try:
            await asyncio.wait((talk, closed), return_when=asyncio.FIRST_COMPLETED)
            if closed.done():  # while the conversation is still saving, the line is free again
                del self._lines[line.call]
            await asyncio.wait((talk,), timeout=WRAP_UP_SECONDS if closed.done() else 0)
        finally:
            talk.cancel()
            closed.cancel()
            await asyncio.gather(talk, closed, return_exceptions=True)
            await line.hangup()
            self._lines.pop(line.call, None)

    async def _hold(self, line: SipLine) -> None:
        try:
            await self.answering.take_call(line)
        except LineError as error:
            log.info("the call was not taken", problem=str(error))
        except Exception:  # one failed conversation must not cost the next caller the secretary
            log.exception("the conversation failed")

    async def _tell(self, watcher: Callable[..., Awaitable[object]] | None, *what: str) -> None:
        try:
            if watcher is not None:
                await watcher(*what)
        except Exception:  # a watcher's fault is not the line's
            log.exception("a call that came to nothing could not be reported")

    # -- the signalling ----------------------------------------------------------------------------------------------

    def _on_call(self, news: Incoming | CallNews) -> None:
        if isinstance(news, Incoming):
            self._own(self._serve(news))
        elif (line := self._lines.get(news.call)) is not None:
            line.on_news(news)
        elif isinstance(news, Over) and news.call in self._ringing:
            self._ringing[news.call].set()

    def _on_lost(self) -> None:
        for line in self.lines:
            line.lose()
        for gave_up in self._ringing.values():
            gave_up.set()

    def _own(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)


async def _within(event: asyncio.Event, seconds: float) -> bool:
    """Wait for the event, at most so long; tell whether it came."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
