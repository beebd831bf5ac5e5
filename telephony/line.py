"""A telephone call as an AudioLine (services.voice.line)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any

import structlog

from services.audio.digit_merger import DigitMerger, Source
from services.audio.frame import Frame
from services.clock import Clock
from services.errors import LineError, NotTakenError
from services.voice.line import Capability, Closed, Digit, Joined, LineEvent, LineInfo
from services.voice.playout_line import PlayoutLine
from telephony.audio_pipeline import SoundFigures, TelephonyAudioPipeline
from telephony.audio_port import HELD_SECONDS, CallAudio
from telephony.call_state import Begun, Change, Ended, Key, Missed, Named, NotTaken, Phase
from telephony.dialling import dial, not_taken
from telephony.events_queue import LineEvents
from telephony.modem import Sim7600
from telephony.serial_port import SerialPort

PLAYOUT_SECONDS = 4.0
"""A voice that speaks barely faster than real time fills this while it is ahead, and has it when it falls behind."""
NO_SOUND = "The call had no sound: it ended before the modem gave any."
POLL_SECONDS = 5.0
POLL_AGAIN_SECONDS = 1.0

Forward = Callable[["GsmLine", str], Awaitable[None]]

log = structlog.get_logger()


class GsmLine(PlayoutLine):
    """One call, coming in or (`info.direction` "out") to be placed by `answer`.

    The owner passes it the modem's changes (`on_change`) and tells it when the modem is lost (`lose`). `fault` is set
    when the modem itself failed the call and should be reset. `forward` is what `transfer` does, and `abilities` what
    it makes the line capable of.
    """

    def __init__(
        self,
        modem: Sim7600,
        port: SerialPort,
        info: LineInfo,
        clock: Clock | None = None,
        *,
        forward: Forward | None = None,
        abilities: frozenset[Capability] = frozenset(),
    ) -> None:
        super().__init__(modem.audio_rate, PLAYOUT_SECONDS)
        self.info = info
        self.capabilities = CAPABILITIES | abilities
        self.fault: LineError | None = None
        self.answered_at: float | None = None
        self._modem = modem
        self._forward = forward
        self._keys = DigitMerger()
        self._deaf_until = 0.0  # to tones: our own keys may come back as an echo
        pipeline = TelephonyAudioPipeline(self.rate, on_key=self._on_tone)
        self._audio = CallAudio(port, self._playout, clock, pipeline=pipeline)
        self._events = LineEvents()
        self._closed = asyncio.Event()
        self._begun = False
        self._asked = False
        self._own_decision = False
        self._ending = asyncio.Lock()
        self._peer: Callable[[Frame], None] | None = None
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def closed(self) -> bool:
        """True once the call is over."""
        return self._closed.is_set()

    @property
    def ended_by_us(self) -> bool:
        """True when the end of the call was our decision."""
        return self._own_decision

    @property
    def lost_frames(self) -> int:
        """Frames of the other side that nobody read in time."""
        return self._events.lost_frames

    def sound(self) -> SoundFigures:
        """Return levels and faults of the call's sound so far."""
        return self._audio.figures()

    async def wait_closed(self) -> None:
        """Wait until the call is over and its tasks have ended."""
        await self._closed.wait()
        await self._end_tasks()

    async def answer(self) -> None:
        """Take the call, or place it, and switch its sound on.

        Raises LineError when the caller has gone, NotTakenError when nobody takes the call.
        """
        if self.closed or self._own_decision:
            raise self._gone()
        await self._begin()
        try:
            await self._modem.audio_on()
        except LineError as error:
            if not self.closed:  # the other side is there and hears nothing: that is the modem's fault
                self._fail(error)
            raise NotTakenError(NO_SOUND, outcome="failed") from error
        if self.closed:
            raise NotTakenError(NO_SOUND, outcome="failed")
        self.answered_at = asyncio.get_running_loop().time()
        self._audio.drop_stale()
        for pump in (self._audio.read(self._hear), self._audio.write(), self._poll()):
            self._tasks.append(asyncio.get_running_loop().create_task(self._guard(pump)))

    async def events(self) -> AsyncIterator[LineEvent]:
        """Iterate over what comes from the other side; ends after Closed; one reader only."""
        while True:
            event = await self._events.get()
            if isinstance(event, Closed):
                await self._end_tasks()
                yield event
                return
            yield event

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
        if self.closed:
            return
        loop = asyncio.get_running_loop()
        self._deaf_until = loop.time() + ECHO_SECONDS * (len(digits) + 1)
        await self._modem.send_digits(digits)
        self._deaf_until = loop.time() + ECHO_SECONDS

    async def transfer(self, to: str) -> None:
        """Hand the other side on to `to` as this line can. Raises LineError when it cannot, or when that fails."""
        if self.closed:
            return
        if self._forward is None:
            raise LineError(f"This line cannot connect the caller with {to}.", "Take a message instead.")
        await self._forward(self, to)

    def give_sound_to(self, peer: Callable[[Frame], None] | None) -> None:
        """Let `peer` have each frame of the other side too, as it comes: the two lines of a joined call."""
        self._peer = peer
        if peer is not None:
            self._push(Joined())

    def pass_on(self, frame: Frame) -> None:
        """Queue a frame of the joined line at once, or drop it when too much waits: it must not grow old."""
        if self.queued < JOINED_SECONDS * self.rate:
            self._playout.offer(frame)

    async def hangup(self) -> None:
        """End the call from our side; idempotent; returns when the line is closed."""
        if not self.closed:
            self._own_decision = True
            async with self._ending:
                await self._hang_up()
            self._close("own_hangup")
        await self._end_tasks()

    async def _hang_up(self) -> None:
        if self.closed or (self.info.direction == "out" and not self._asked):  # whoever rings meanwhile is not meant
            return
        try:
            await self._modem.hang_up()
        except LineError as error:  # a modem that is lost or silent has no call to keep
            log.warning("the modem did not confirm the end of the call", problem=str(error))

    def on_change(self, change: Change) -> None:
        """Take what the modem tells about the call."""
        match change:
            case _ if self.closed:
                pass
            case Named(number) if self.info.direction == "in":
                self.info = replace(self.info, number=number)
            case Begun():
                self._begun = True
            case Key(key) if self._begun:
                self._on_key(key, "modem")
            case Ended():
                others = "caller_hangup" if self._modem.has_network else "line_lost"
                self._close("own_hangup" if self._own_decision else others)
            case Missed() if self.info.direction == "in" and not self._begun:
                self._close("own_hangup" if self._own_decision else "not_answered")
            case NotTaken() if self.info.direction == "out" and not self._begun:
                self._close("own_hangup" if self._own_decision else "not_answered")

    def lose(self) -> bool:
        """The modem is gone, and the call with it; True when there was one that was up."""
        up = self.answered_at is not None and not self.closed
        self._close("line_lost")
        return up

    async def _begin(self) -> None:
        self._asked = True
        try:
            if self.info.direction == "out":
                await dial(self._modem, self.info.number)
            else:
                await self._modem.answer()
        except NotTakenError:
            self._close("not_answered")
            raise
        except LineError as error:
            if self.info.direction == "in" and self._modem.call.phase is Phase.RINGING:
                self._modem.call_vanished()  # a call that may be up is hung up by whoever makes the modem ready
            self._close("not_answered")
            raise error if self.info.direction == "in" else not_taken("failed", error.message) from error

    def _gone(self) -> LineError:
        if self.info.direction == "out":
            return not_taken("cancelled" if self._own_decision else "failed", "the connection to the modem was lost")
        return LineError("The caller hung up before the answer.")

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
            log.warning("whether the call is up could not be asked", problem=str(error))
            return False
        if not self.closed:
            self._close("line_lost")
            self._modem.call_vanished(Phase.TALKING)
        return True

    def _fail(self, error: LineError) -> None:
        if not self.closed:
            log.error("the call was lost", problem=str(error))
            self.fault = error
            self._close("line_lost")

    def _on_tone(self, key: str) -> None:
        if asyncio.get_running_loop().time() >= self._deaf_until:
            self._on_key(key, "inband")

    def _on_key(self, key: str, source: Source) -> None:
        if self._keys.push(key, source, asyncio.get_running_loop().time()):
            self._push(Digit(key))

    def _hear(self, frame: Frame) -> None:
        self._push(frame)
        if self._peer is not None:
            self._peer(frame)

    def _push(self, event: LineEvent) -> None:
        if not self.closed:
            self._events.put(event)

    def _close(self, reason: str) -> None:
        if self.closed:
            return
        self._closed.set()
        self._playout.close()
        self._audio.drop_unheard()
        self._events.close(reason)
        for task in self._tasks:
            task.cancel()
        gaps = {"input_gaps": self._audio.input_gaps, "output_gaps": self._audio.output_gaps}
        log.info("the line is closed", reason=reason, lost_frames=self.lost_frames, **gaps)

    async def _end_tasks(self) -> None:
        others = [task for task in self._tasks if task is not asyncio.current_task()]
        if others:
            await asyncio.wait(others)


CAPABILITIES = frozenset({Capability.DIGITS_IN, Capability.DIGITS_OUT, Capability.HANG_UP})
"""What every call over a modem can; more where the line's policy names a colleague."""
ECHO_SECONDS = 0.7
"""A key of ours sounds and comes back within so long."""
JOINED_SECONDS = 0.12
"""Of a joined call's sound so much may wait at most."""
