"""A telephone call as an AudioLine (services.voice.line)."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import replace
from typing import Any

import structlog

from services.audio.frame import Frame
from services.audio.playout import PlayoutQueue
from services.clock import Clock
from services.errors import LineError
from services.voice.line import Capability, Closed, Digit, LineEvent, LineInfo
from telephony.audio_port import HELD_SECONDS, RATE, CallAudio
from telephony.call_state import Begun, Change, Ended, Key, Missed, Named
from telephony.modem import Sim7600
from telephony.serial_port import SerialPort

MAX_EVENTS = 500
"""Ten seconds of frames: a reader that is slower loses the oldest sound, never keys or the end."""
PLAYOUT_SECONDS = 1.0
POLL_SECONDS = 5.0
POLL_AGAIN_SECONDS = 1.0

log = structlog.get_logger()


class GsmLine:
    """One call. The owner passes it the modem's changes (`on_change`) and tells it when the modem is lost (`lose`).

    `fault` is set when the modem itself failed the call and should be reset.
    """

    rate = RATE
    capabilities = frozenset({Capability.DIGITS_IN, Capability.DIGITS_OUT, Capability.HANG_UP})

    def __init__(self, modem: Sim7600, port: SerialPort, info: LineInfo, clock: Clock | None = None) -> None:
        self.info = info
        self.fault: LineError | None = None
        self.lost_frames = 0
        self._modem = modem
        self._playout = PlayoutQueue(RATE, PLAYOUT_SECONDS)
        self._audio = CallAudio(port, self._playout, clock)
        self._events: deque[LineEvent] = deque()
        self._arrived = asyncio.Event()
        self._closed = asyncio.Event()
        self._begun = False
        self._own_decision = False
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def closed(self) -> bool:
        """True once the call is over."""
        return self._closed.is_set()

    async def wait_closed(self) -> None:
        """Wait until the call is over and its tasks have ended."""
        await self._closed.wait()
        await self._end_tasks()

    async def answer(self) -> None:
        """Take the call and switch its sound on. Raises LineError when the caller has gone."""
        if self.closed:
            raise LineError("The caller hung up before the answer.")
        try:
            await self._modem.answer()
        except LineError:
            self._close("not_answered")
            raise
        try:
            await self._modem.audio_on()
        except LineError as error:
            if not self.closed:  # the caller is there and hears nothing: that is the modem's fault
                self._fail(error)
            raise
        if self.closed:
            raise LineError("The caller hung up before the answer.")
        self._audio.drop_stale()
        for pump in (self._audio.read(self._push), self._audio.write(), self._poll()):
            self._tasks.append(asyncio.get_running_loop().create_task(self._guard(pump)))

    async def events(self) -> AsyncIterator[LineEvent]:
        """Iterate over what comes from the caller; ends after Closed; one reader only."""
        while True:
            while not self._events:
                self._arrived.clear()
                await self._arrived.wait()
            event = self._events.popleft()
            if isinstance(event, Closed):
                await self._end_tasks()
                yield event
                return
            yield event

    async def send(self, frame: Frame) -> None:
        """Queue one frame for playing; waits while the queue is full."""
        await self._playout.put(frame)

    def discard_unsent(self) -> int:
        """Drop what is queued; return `played`."""
        return self._playout.discard()

    @property
    def played(self) -> int:
        """Samples of sent frames handed to the modem so far."""
        return self._playout.played

    @property
    def queued(self) -> int:
        """Samples of sent frames that wait to be handed to the modem."""
        return self._playout.queued

    def duck(self, decibels: float) -> None:
        """Play on `decibels` (<= 0) quieter than sent, from the next frame handed on; 0 is the sent level again."""
        self._playout.duck(decibels)

    def pause(self) -> None:
        """Hand on silence and keep what is queued, until `resume` or `discard_unsent`."""
        self._playout.pause()

    def resume(self, back: int = 0) -> None:
        """Go on after `pause`, from `back` samples before it."""
        self._playout.resume(back)

    def tap(self, listener: Callable[[Frame], None]) -> None:
        """Call `listener` with every outgoing frame, silence filler included."""
        self._playout.tap(listener)

    async def drained(self) -> None:
        """Wait until everything sent has been heard: taken from the queue, and out of the modem's buffer."""
        await self._playout.drained()
        try:
            async with asyncio.timeout(HELD_SECONDS):
                await self._closed.wait()
        except TimeoutError:
            pass

    async def send_digits(self, digits: str) -> None:
        """Send DTMF keys. Raises LineError for characters that are none, or when the modem refuses."""
        if not self.closed:
            await self._modem.send_digits(digits)

    async def transfer(self, to: str) -> None:
        """A mobile line cannot transfer: raises LineError while the call is up."""
        if not self.closed:
            raise LineError(f"This line cannot connect the caller with {to}.", "Take a message instead.")

    async def hangup(self) -> None:
        """End the call from our side; idempotent; returns when the line is closed."""
        if not self.closed:
            self._own_decision = True
            try:
                await self._modem.hang_up()
            except LineError as error:  # a modem that is lost or silent has no call to keep
                log.warning("the modem did not confirm the end of the call", problem=str(error))
            self._close("own_hangup")
        await self._end_tasks()

    def on_change(self, change: Change) -> None:
        """Take what the modem tells about the call."""
        match change:
            case Named(number):
                self.info = replace(self.info, number=number)
            case Begun():
                self._begun = True
            case Key(key) if self._begun:
                self._push(Digit(key))
            case Ended():
                self._close("own_hangup" if self._own_decision else "caller_hangup")
            case Missed() if not self._begun:
                self._close("own_hangup" if self._own_decision else "not_answered")

    def lose(self) -> None:
        """The modem is gone, and the call with it."""
        self._close("line_lost")

    async def _guard(self, pump: Coroutine[Any, Any, None]) -> None:
        try:
            await pump
        except LineError as error:
            # Sound also stops when the call has ended without a word: then the modem is not to blame.
            if not await self._vanished():
                self._fail(error)

    async def _poll(self) -> None:
        """Notice a call that ended without a word (lost coverage): the modem lists it no more, twice in a row."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            if await self._vanished():
                return

    async def _vanished(self) -> bool:
        """Ask twice whether the call is up; close the line and return True when both answers are no."""
        try:
            if await self._modem.has_call():
                return False
            await asyncio.sleep(POLL_AGAIN_SECONDS)
            if await self._modem.has_call():
                return False
        except LineError as error:  # one unanswered question is no lost call: the channel watches the modem itself
            log.warning("the modem did not say whether the call is up", problem=str(error))
            return False
        self._close("line_lost")
        self._modem.call_vanished()
        return True

    def _fail(self, error: LineError) -> None:
        if not self.closed:
            log.error("the call was lost", problem=str(error))
            self.fault = error
            self._close("line_lost")

    def _push(self, event: LineEvent) -> None:
        if self.closed:
            return
        if len(self._events) >= MAX_EVENTS and not self._drop_oldest_frame():
            return
        self._events.append(event)
        self._arrived.set()

    def _drop_oldest_frame(self) -> bool:
        for at, event in enumerate(self._events):
            if isinstance(event, Frame):
                del self._events[at]
                self.lost_frames += 1
                return True
        return False

    def _close(self, reason: str) -> None:
        if self.closed:
            return
        self._closed.set()
        self._playout.close()
        self._audio.drop_unheard()
        self._events.append(Closed(reason))
        self._arrived.set()
        for task in self._tasks:
            task.cancel()
        gaps = {"input_gaps": self._audio.input_gaps, "output_gaps": self._audio.output_gaps}
        log.info("the line is closed", reason=reason, lost_frames=self.lost_frames, **gaps)

    async def _end_tasks(self) -> None:
        others = [task for task in self._tasks if task is not asyncio.current_task()]
        if others:
            await asyncio.wait(others)
