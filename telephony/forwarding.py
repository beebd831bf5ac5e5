"""Handing a caller on to a person: by a message to the colleague, or over a second line that is joined to the first."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from typing import Protocol

import numpy as np
import structlog

from services.audio.frame import FRAME_SECONDS, Frame, frame_samples
from services.errors import LineError
from services.voice.directory import CallOrder
from services.voice.line import Capability, Closed, LineInfo
from telephony.answering import Answering, Noted
from telephony.line import Forward as Act
from telephony.line import GsmLine
from telephony.policy.verdicts import Forward

COLLEAGUE_SECONDS = 45.0
"""How long a colleague's telephone rings; the caller hears it ring meanwhile."""
RINGBACK_HERTZ = 425.0  # ITU-T E.180: one second of tone, four of silence, in most of the world
RINGBACK_LEVEL = 4_000

log = structlog.get_logger()

Runner = Callable[[GsmLine], Awaitable[object]]


class OtherLine(Protocol):
    """A second line that can call the colleague."""

    def place_for(self, caller: LineInfo, to: str, runner: Runner) -> GsmLine:
        """Dial `to` and let `runner` hold the call. Raises LineError when the line cannot."""
        ...


class Forwarding:
    """What `transfer` does on the lines of this installation; `line_named` finds a second line, None: there is none.

    A colleague's telephone rings for `patience` seconds.
    """

    def __init__(self, line_named: Callable[[str], OtherLine | None], patience: float = COLLEAGUE_SECONDS) -> None:
        self._line_named = line_named
        self._patience = patience

    def action(self, forward: Forward, answering: Answering) -> Act | None:
        """Return what a call's `transfer` is to do, None where it could not be done."""
        texts, door = answering.texts, answering.door
        if forward.how == "line":

            async def join(line: GsmLine, to: str) -> None:
                if to and to != forward.to and door is not None:  # the policy's own person needs no permit
                    to = (await door.outgoing(forward.line, CallOrder(line.info.company_id, to, forward.line))).number
                await self._join(line, to or forward.to, forward.line, answering.noted)

            return join
        if texts is None:
            return None

        async def tell(line: GsmLine, to: str) -> None:
            await texts.send(to or forward.to, call_back_text(line.info), "forward")

        return tell

    async def _join(self, line: GsmLine, to: str, name: str, noted: Noted | None) -> None:
        """Call the colleague over the line `name`; return when both talk, or raise LineError when they do not."""
        other = self._line_named(name)
        if other is None:
            raise LineError("The line for connecting callers is not there.", "Plug its modem in.")
        joining = _Joining(line, noted)
        second = other.place_for(line.info, to, joining.hold)
        try:
            async with ringback(line), asyncio.timeout(self._patience):
                await _first(joining.taken, line.wait_closed())
        except TimeoutError:
            raise LineError("The colleague does not answer.", "Take a message instead.") from None
        else:
            joining.wanted.set_result(joining.taken.done() and not line.closed)
        finally:
            if not joining.settled():
                await second.hangup()


class _Joining:
    """The colleague's side of a call that is to be joined: `taken` when it is answered, `wanted` if anybody waits."""

    def __init__(self, caller: GsmLine, noted: Noted | None) -> None:
        loop = asyncio.get_running_loop()
        self.taken: asyncio.Future[None] = loop.create_future()
        self.wanted: asyncio.Future[bool] = loop.create_future()
        self._caller = caller
        self._noted = noted

    def settled(self) -> bool:
        """Wait no longer; True when the two were brought together."""
        self.taken.cancel()
        if not self.wanted.done():
            self.wanted.set_result(False)
        return self.wanted.result()

    async def hold(self, colleague: GsmLine) -> None:
        """Call the colleague and carry the sound until one of the two lines is closed. Raises LineError."""
        try:
            async with self._noted(colleague) if self._noted else nullcontext(lambda: None) as answered:
                await colleague.answer()
                answered()
                if colleague.rate != self._caller.rate:
                    raise LineError("The two lines carry sound at different rates.")
                if not self.taken.done():
                    self.taken.set_result(None)
                if await self.wanted:
                    await _talk(self._caller, colleague)
        except BaseException as error:
            if not self.taken.done():
                known = isinstance(error, LineError)
                self.taken.set_exception(error if known else LineError("The colleague could not be called."))
            raise


async def _first(taken: "asyncio.Future[None]", closed: Awaitable[None]) -> None:
    """Wait for the colleague, or for the end of the caller's line. Raises LineError when the colleague is not there."""
    ending = asyncio.ensure_future(closed)
    try:
        await asyncio.wait({taken, ending}, return_when=asyncio.FIRST_COMPLETED)
        if taken.done():
            taken.result()
    finally:
        ending.cancel()


async def _talk(caller: GsmLine, colleague: GsmLine) -> None:
    """Carry the sound between two lines until one of them is closed, then close the other."""
    caller.give_sound_to(colleague.pass_on)
    colleague.give_sound_to(caller.pass_on)
    ending = asyncio.create_task(_hang_up_after(caller, colleague), name="end of a joined call")
    try:
        async for event in colleague.events():
            if isinstance(event, Closed):
                break
    finally:
        caller.give_sound_to(None)
        await caller.hangup()
        await ending


async def _hang_up_after(caller: GsmLine, colleague: GsmLine) -> None:
    await caller.wait_closed()
    await colleague.hangup()


@asynccontextmanager
async def ringback(line: GsmLine) -> AsyncIterator[None]:
    """Let the caller hear that the colleague's telephone rings, within the context."""
    sounding = asyncio.create_task(_ring(line), name="ringback")
    try:
        yield
    finally:
        sounding.cancel()
        await asyncio.gather(sounding, return_exceptions=True)
        line.discard_unsent()


async def _ring(line: GsmLine) -> None:
    size = frame_samples(line.rate)
    for number in itertools.count():
        second = number * FRAME_SECONDS % 5.0
        phase = 2 * np.pi * RINGBACK_HERTZ / line.rate * np.arange(number * size, (number + 1) * size)
        loud = RINGBACK_LEVEL if second < 1.0 else 0
        await line.send(Frame((loud * np.sin(phase)).astype(np.int16), line.rate, number * size))
        await asyncio.sleep(FRAME_SECONDS if line.queued > size * 5 else 0)


def call_back_text(caller: LineInfo) -> str:
    """Return what the colleague reads."""
    who = caller.number or caller.contact
    if caller.language == "ru":
        return f"Звонит {who or 'человек со скрытым номером'}. Просит перезвонить."
    return f"{who or 'A caller with a withheld number'} asks you to call back."


def abilities_of(forward: Forward | None) -> frozenset[Capability]:
    """Return what a line can do for a caller who wants a person."""
    if forward is None:
        return frozenset()
    return frozenset({Capability.TRANSFER if forward.how == "line" else Capability.CALL_BACK})
