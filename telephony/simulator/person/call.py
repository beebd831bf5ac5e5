"""One call as the person at the far end holds it."""

import asyncio
from collections.abc import Callable
from enum import IntEnum
from typing import Protocol

import numpy as np

from telephony.simulator.log import SimulatorError
from telephony.simulator.person.farend import FarEnd, HeardChunk
from telephony.simulator.person.resample import Samples
from telephony.simulator.person.tones import beep, dtmf

RESULTS = ("BUSY", "NO ANSWER", "NO CARRIER")


class Phase(IntEnum):
    """A call's state, numbered as +CLCC does; ANSWERING is between ATA's answer and VOICE CALL: BEGIN."""

    ACTIVE = 0
    DIALLING = 2
    ALERTING = 3
    INCOMING = 4
    WAITING = 5
    ENDED = 6
    ANSWERING = 7


class Carrier(Protocol):
    """What a call asks of the network that carries it."""

    def far_end_ended(self, call: "SimulatedCall", by: str) -> None:
        """The far end hung up, gave up or refused."""
        ...

    def far_end_answered(self, call: "SimulatedCall") -> None:
        """The far end picked up."""
        ...

    def far_end_pressed(self, key: str) -> None:
        """The far end pressed a key, and its tone has passed."""
        ...

    @property
    def keys_are_heard(self) -> bool:
        """False when the network takes the tones of keys out of the sound."""
        ...


class SimulatedCall:
    """A call: what the far end says, hears and does. Made by `ModemSimulator.ring` and `ModemSimulator.dialled`.

    `rings` counts the RING (or +CCWA) lines that went out, `shown` those of them with the caller's number: what the
    host cannot know, it cannot store. `cause` is what AT+CEER will say, when it is not the usual.
    """

    def __init__(self, number: str, phase: Phase, carrier: Carrier, seed: int) -> None:
        self.number = number
        self.outgoing = phase is Phase.DIALLING
        self.phase = phase
        self.far_end = FarEnd(seed)
        self.digits_heard = ""
        self.underruns = 0
        self.ended_by = ""
        self.rings = 0
        self.shown = 0
        self.cause = ""
        self._carrier = carrier
        self._answered = asyncio.Event()
        self._ended = asyncio.Event()

    # -- what happens ------------------------------------------------------------------------------------------------

    async def answered(self, timeout: float = 30.0) -> None:
        """Wait until the call is answered. Raises SimulatorError when it ends first, TimeoutError after `timeout` s."""
        async with asyncio.timeout(timeout):
            waiting = [asyncio.ensure_future(event.wait()) for event in (self._answered, self._ended)]
            try:
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in waiting:
                    task.cancel()
        if not self._answered.is_set():
            raise SimulatorError(f"The call ended before it was answered, by: {self.ended_by}.")

    async def ended(self, timeout: float = 30.0) -> str:
        """Wait for the end; return who brought it. TimeoutError after `timeout` s.

        caller, secretary, network or modem; for a call the host placed also BUSY, NO ANSWER or NO CARRIER.
        """
        async with asyncio.timeout(timeout):
            await self._ended.wait()
        return self.ended_by

    @property
    def is_active(self) -> bool:
        """True from the answer to the end."""
        return self.phase is Phase.ACTIVE

    @property
    def heard(self) -> list[HeardChunk]:
        """What was really played to the far end since the answer, 20 ms each, with its time."""
        return self.far_end.heard

    def listen(self, listener: Callable[[HeardChunk], None]) -> None:
        """Call `listener` with every chunk as the far end hears it; it must return at once."""
        self.far_end.listen(listener)

    def recording(self) -> Samples:
        """int16, shape (n, 2), 8 kHz from the answer: left the caller as sent, right the secretary as heard."""
        return self.far_end.recording()

    # -- what the far end does ---------------------------------------------------------------------------------------

    def speak(self, samples: Samples) -> int:
        """Say int16 samples at 8 kHz, after what is being said already, in real time.

        Returns the position of the first sample; `time_of(position)` is when it leaves the mouth.
        """
        if not self.is_active:
            raise SimulatorError("Nobody can speak on a call that is not active.")
        return self.far_end.speak(samples)

    def beep(self) -> int:
        """A voicemail's beep, 1 kHz for 0.4 s, after what is being said; returns the position of its first sample."""
        return self.speak(beep())

    def time_of(self, position: int) -> float:
        """When the sample at `position` (8 kHz, from the answer) passes the far end, on `time.monotonic()`."""
        return self.far_end.time_of(position)

    async def press(self, key: str) -> int:
        """Press a key: its tone goes into the audio and, when DDET=1 and the tone has passed, +RXDTMF comes.

        Returns the position just after the tone.
        """
        tone = dtmf(key)
        if not self._carrier.keys_are_heard:
            tone = np.zeros_like(tone)
        end = self.speak(tone) + tone.size
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, self.time_of(end) - loop.time()))
        if self.is_active:
            self._carrier.far_end_pressed(key)
        return end

    async def hang_up(self) -> None:
        """The far end ends an answered call; nothing happens when it is over already."""
        if self.phase is Phase.ACTIVE:
            self._carrier.far_end_ended(self, "caller")

    async def give_up(self) -> None:
        """The caller stops waiting for an answer; nothing happens once the call is answered or over."""
        if not self.outgoing and self.phase in (Phase.INCOMING, Phase.WAITING, Phase.ANSWERING):
            self._carrier.far_end_ended(self, "caller")

    async def pick_up(self) -> None:
        """Answer a call that the host placed."""
        if self.phase not in (Phase.DIALLING, Phase.ALERTING):
            raise SimulatorError("Only a call that the host placed and that still rings can be picked up.")
        self._carrier.far_end_answered(self)

    async def refuse(self, result: str = "BUSY", cause: str = "") -> None:
        """Do not take a call that the host placed; `result` is BUSY, NO ANSWER or NO CARRIER.

        `cause` is what AT+CEER says then, such as "Unassigned (unallocated) number"; empty for the usual words.
        """
        if result not in RESULTS:
            raise SimulatorError("A call is refused with BUSY, NO ANSWER or NO CARRIER.")
        if self.phase in (Phase.DIALLING, Phase.ALERTING):
            self.cause = cause
            self._carrier.far_end_ended(self, result)

    # -- for the network ---------------------------------------------------------------------------------------------

    def begin(self, at: float) -> None:
        """Become active at `at`."""
        self.phase = Phase.ACTIVE
        self.far_end.start(at)
        self._answered.set()

    def finish(self, by: str) -> None:
        """Be over."""
        self.phase = Phase.ENDED
        self.ended_by = by
        self._ended.set()
