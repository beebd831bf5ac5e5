"""The exchange behind the module: rings it, connects, ends, and prints what the module prints of it."""

import asyncio
import random
import time
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any

from telephony.simulator.answer import Answer, number_type
from telephony.simulator.audio import AudioPath
from telephony.simulator.call import Phase, SimulatedCall
from telephony.simulator.log import EventLog, SimulatorError
from telephony.simulator.mishaps import Mishaps
from telephony.simulator.state import ModuleState

LATE = 0.3
BEGIN_LATE = 0.2
UNTAKEN_SECONDS = 60.0
MOST_DIALLED = 16

Spawn = Callable[[Coroutine[Any, Any, None], str], None]


class Network:
    """At most one call and one more that waits. `uncertain` draws among the orders that are not established."""

    def __init__(
        self,
        *,
        state: ModuleState,
        audio: AudioPath,
        urc: Callable[[str], None],
        log: EventLog,
        faults: frozenset[str],
        rng: random.Random,
        uncertain: bool,
        spawn: Spawn,
        now: Callable[[], datetime],
        ring_period: float,
        strike: Callable[[str], None],
    ) -> None:
        self.current: SimulatedCall | None = None
        self.waiting: SimulatedCall | None = None
        self.dialled: asyncio.Queue[SimulatedCall] = asyncio.Queue(MOST_DIALLED)
        self.mishaps = Mishaps(strike, faults, log)
        self.audio = audio
        self.state = state
        self.spawn = spawn
        self.urc = urc
        self._log = log
        self._faults = faults
        self._rng = rng
        self._uncertain = uncertain
        self._now = now
        self._ring_period = ring_period
        self._refusals = 0
        self._underruns_before = 0
        audio.on_chunk = self.mishaps.chunk

    def coin(self) -> bool:
        """Draw one of two forms where the module's behaviour is not established; False without a seed."""
        return self._uncertain and self._rng.random() < 0.5

    def calls(self) -> list[SimulatedCall]:
        """The calls that +CLCC lists."""
        return [call for call in (self.current, self.waiting) if call is not None]

    # -- ringing -----------------------------------------------------------------------------------------------------

    def ring(self, number: str) -> SimulatedCall:
        """Someone calls; a call during a call waits."""
        if "withheld" in self._faults:
            number = ""
        if self.waiting is not None:
            raise SimulatorError("Two calls are here already; the module holds no third.")
        phase = Phase.INCOMING if self.current is None else Phase.WAITING
        call = SimulatedCall(number, phase, self, self._rng.getrandbits(32))
        self._log.add("call", f"{number or 'a withheld number'} calls")
        if self.current is None:
            self._let_ring(call)
        else:
            self.waiting = call
            if self.state.is_on("CCWA"):
                self.urc(f'+CCWA: "{number}",{number_type(number)},1')
            self._report(call)
        return call

    def _let_ring(self, call: SimulatedCall) -> None:
        self.current = call
        call.phase = Phase.INCOMING
        self._report(call)
        self.spawn(self._ringing(call), "ring")

    async def _ringing(self, call: SimulatedCall) -> None:
        # Whether a withheld number gives an empty +CLIP or none is not established: one of them for the whole call.
        no_clip = "no-clip" in self._faults or (not call.number and self.coin())
        while call.phase is Phase.INCOMING:
            self.urc("+CRING: VOICE" if self.state.is_on("CRC") else "RING")
            if self.state.is_on("CLIP") and not no_clip:
                tail = ",,,0" if call.number else ",,,1"
                self.urc(f'+CLIP: "{call.number}",{number_type(call.number)},{tail}')
            await asyncio.sleep(self._ring_period)

    async def answer(self, interrupted: Callable[[float], Coroutine[Any, Any, bool]], delay: float) -> Answer:
        """ATA. `interrupted(seconds)` waits that long and tells whether the host sent a byte meanwhile."""
        call = self.current
        if call is None or call.phase is not Phase.INCOMING:
            return Answer(final="NO CARRIER")
        if await interrupted(delay):
            self._log.add("violation", "a byte came while ATA was pending; the answer is aborted")
            self._finish(call, "modem")
            return Answer(final="NO CARRIER")
        # The caller may have given up meanwhile.
        if self.current is not call or call.phase is not Phase.INCOMING:
            return Answer(final="NO CARRIER")
        if self.coin():
            self.urc("+CRING: VOICE" if self.state.is_on("CRC") else "RING")
        if "begin-after-ok" in self._faults or self.coin():
            self.spawn(self._begin_late(call), "begin")
            return Answer()
        self._begin(call)
        return Answer(["VOICE CALL: BEGIN"])

    async def _begin_late(self, call: SimulatedCall) -> None:
        call.phase = Phase.ALERTING  # rings no more, carries no sound yet
        await asyncio.sleep(BEGIN_LATE)
        if call.phase is Phase.ALERTING:
            self._begin(call)
            self.urc("VOICE CALL: BEGIN")

    def _begin(self, call: SimulatedCall) -> None:
        self._refusals = 2 if "audio-refused-twice" in self._faults else 0
        self._underruns_before = self.audio.underruns
        self.mishaps.begin()
        call.begin(self.audio.join(call.far_end))
        self._log.add("call", "answered")
        self._report(call)

    # -- calling out -------------------------------------------------------------------------------------------------

    def dial(self, number: str) -> Answer:
        """ATD: the far end finds the call in `dialled`; nobody there for 60 s is NO ANSWER."""
        if self.state.registration not in (1, 5):
            return Answer(final="CME 30")
        if self.current is not None or self.dialled.full():
            return Answer(final="NO CARRIER")
        call = SimulatedCall(number, Phase.DIALLING, self, self._rng.getrandbits(32))
        self.current = call
        self._report(call)
        self.dialled.put_nowait(call)
        self._log.add("call", f"the host dials {number}")
        self.spawn(self._untaken(call), "ring out")
        return Answer()

    async def _untaken(self, call: SimulatedCall) -> None:
        await asyncio.sleep(UNTAKEN_SECONDS)
        await call.refuse("NO ANSWER")

    # -- sound -------------------------------------------------------------------------------------------------------

    def connect_audio(self) -> bool | None:
        """CPCMREG=1: True when the path is open, False when it is refused by a fault, None when there is no call."""
        call = self.current
        if call is None or not (call.is_active or call.outgoing):
            return None
        if self._refusals:
            self._refusals -= 1
            return False
        self.audio.connect(wide=self.state.is_on("CPCMFRM"), ringing_out=not call.is_active)
        return True

    # -- the end -----------------------------------------------------------------------------------------------------

    def hang_up(self) -> Answer:
        """CHUP: ends or rejects the current call; OK even when there is none."""
        call = self.current
        if call is None:
            self.audio.call_over()
            return Answer()
        talked = call.is_active
        if not talked:
            self._finish(call, "secretary")
            return Answer()
        end = self._end_line(call)
        self._finish(call, "secretary")
        after = ["NO CARRIER"] if self.coin() else []
        if "late-no-carrier" in self._faults:
            after = []
            self.spawn(self._say_late("NO CARRIER"), "late NO CARRIER")
        if self.coin():
            return Answer(after=[end, *after])
        return Answer([end], after=after)

    def reject_waiting(self) -> None:
        """CHLD=0."""
        if self.waiting is not None:
            self._finish(self.waiting, "secretary")

    def far_end_answered(self, call: SimulatedCall) -> None:
        """See `Carrier`."""
        # `join` ends the ringback; a path that the host opened early stays open.
        self._begin(call)
        self.urc("VOICE CALL: BEGIN")

    def far_end_pressed(self, key: str) -> None:
        """See `Carrier`."""
        if self.state.is_on("DDET"):
            self.urc(f"+RXDTMF: {key}")

    def far_end_ended(self, call: SimulatedCall, by: str) -> None:
        """See `Carrier`; also `network` for a loss that the module reports."""
        phase = call.phase
        end = self._end_line(call) if phase is Phase.ACTIVE else ""
        self._finish(call, by)
        if phase is Phase.ACTIVE:
            self.urc(end)
            if "late-no-carrier" in self._faults:
                self.spawn(self._say_late("NO CARRIER"), "late NO CARRIER")
            else:
                self.urc("NO CARRIER")
        elif phase is Phase.INCOMING:
            clock = self._now().strftime("%I:%M%p")
            self.urc(f"MISSED_CALL: {clock} {call.number}".rstrip())
            if self.coin():
                self.urc("NO CARRIER")
        elif call.outgoing or phase is Phase.ALERTING:
            self.urc(by if by in ("BUSY", "NO ANSWER") else "NO CARRIER")

    def lose_silently(self) -> None:
        """The call vanishes: sound goes on as silence, nothing is printed, only +CLCC tells."""
        if self.current is not None:
            self._finish(self.current, "network", keep_audio=True)

    def registered(self, stat: int) -> list[str]:
        """Change the registration state; returns the unsolicited lines that the host asked for."""
        self.state.registration = stat
        return [f"+{name}: {stat}" for name in ("CREG", "CGREG", "CEREG") if self.state.is_on(name)]

    @property
    def in_call(self) -> bool:
        """True while a call is active."""
        return self.current is not None and self.current.is_active

    def send_digits(self, keys: str) -> None:
        """VTS: the far end hears the tones."""
        if self.current is not None:
            self.current.digits_heard += keys
            for key in keys:
                self.current.far_end.play_tone(key)

    def hang_up_quietly(self) -> None:
        """ATH with CVHU=0: as CHUP, with END after the OK."""
        answer = self.hang_up()
        for text in [*answer.lines, *answer.after]:
            self.urc(text)

    def power_cut(self) -> None:
        """The module reboots: all calls are over without a word."""
        for call in self.calls():
            self._finish(call, "modem", quiet=True)
        self.audio.reset()

    async def _say_late(self, text: str) -> None:
        await asyncio.sleep(LATE)
        self.urc(text)

    def _end_line(self, call: SimulatedCall) -> str:
        seconds = int(time.monotonic() - (call.far_end.started_at or time.monotonic()))
        return f"VOICE CALL: END: {seconds // 3600:02}{seconds // 60 % 60:02}{seconds % 60:02}"

    def _finish(self, call: SimulatedCall, by: str, *, keep_audio: bool = False, quiet: bool = False) -> None:
        call.underruns = self.audio.underruns - self._underruns_before if call is self.current else 0
        call.finish(by)
        self.state.cause = {"BUSY": "User busy", "NO ANSWER": "No user responding"}.get(by, "Normal call clearing")
        self._log.add("call", f"ended by {by}")
        if call is self.waiting:
            self.waiting = None
            return
        self.current = None
        if keep_audio:
            self.audio.join(None)
            return
        self.audio.call_over()
        if not quiet:
            self._report(call)
            if self.waiting is not None:
                waiting, self.waiting = self.waiting, None
                self._let_ring(waiting)

    def _report(self, call: SimulatedCall) -> None:
        if self.state.is_on("CLCC"):
            self.urc(self.clcc(call))

    def clcc(self, call: SimulatedCall) -> str:
        """One +CLCC line."""
        index = 2 if call is self.waiting else 1
        direction = 0 if call.outgoing else 1
        return f'+CLCC: {index},{direction},{int(call.phase)},0,0,"{call.number}",{number_type(call.number)}'
