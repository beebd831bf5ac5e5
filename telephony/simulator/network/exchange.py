"""The exchange behind the module: rings it, connects calls and ends them."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

from telephony.simulator.dice import Dice
from telephony.simulator.faults import Faults
from telephony.simulator.log import EventLog, SimulatorError
from telephony.simulator.mishaps import Mishaps
from telephony.simulator.module.answer import UNKNOWN, Answer, Later, number_type, refused
from telephony.simulator.module.audio import AudioPath
from telephony.simulator.module.state import ModuleState
from telephony.simulator.network.refusals import Refusals
from telephony.simulator.network.wording import BEGIN, Wording, clcc
from telephony.simulator.person.call import Phase, SimulatedCall

UNTAKEN_SECONDS = 60.0
ALERT_SECONDS = 0.2
DTMF_LATE = 1.0
MOST_DIALLED = 16
CAUSES = {"BUSY": "User busy", "NO ANSWER": "No user responding", "network": "Network out of order"}

Spawn = Callable[[Coroutine[Any, Any, None], str], None]


class Network:
    """At most one call and one more that waits."""

    def __init__(
        self,
        *,
        state: ModuleState,
        audio: AudioPath,
        wording: Wording,
        mishaps: Mishaps,
        urc: Callable[[str], bool],
        log: EventLog,
        faults: Faults,
        dice: Dice,
        spawn: Spawn,
        ring_period: float,
    ) -> None:
        self.current: SimulatedCall | None = None
        self.waiting: SimulatedCall | None = None
        self.dialled: asyncio.Queue[SimulatedCall] = asyncio.Queue()
        self.audio = audio
        self._mishaps = mishaps
        self._state, self._wording, self._urc, self._log = state, wording, urc, log
        self._faults, self._dice, self._spawn = faults, dice, spawn
        self._ring_period = ring_period * state.habits.ring_stretch
        self._refusals = Refusals(faults, audio)
        self._underruns_before = 0
        audio.on_chunk = mishaps.chunk

    def calls(self) -> list[SimulatedCall]:
        """The calls that +CLCC lists."""
        return [call for call in (self.current, self.waiting) if call is not None]

    def clcc(self) -> list[str]:
        """The lines of AT+CLCC."""
        return [clcc(call, index) for index, call in ((1, self.current), (2, self.waiting)) if call is not None]

    @property
    def in_call(self) -> bool:
        """True while a call is active."""
        return self.current is not None and self.current.is_active

    def ring(self, number: str) -> SimulatedCall:
        """Someone calls; a call during a call waits."""
        if "withheld" in self._faults:
            number = ""
        if self.waiting is not None:
            raise SimulatorError("Two calls are here already; the module holds no third.")
        phase = Phase.INCOMING if self.current is None else Phase.WAITING
        call = SimulatedCall(number, phase, self, self._dice.random.getrandbits(32))
        self._log.add("call", f"{number or 'a withheld number'} calls")
        if self.current is None:
            self._let_ring(call)
        else:
            self.waiting = call
            if self._state.is_on("CCWA") and self._urc(f'+CCWA: "{number}",{number_type(number)},1'):
                call.rings += 1
                call.shown += 1
            self._report(call)
        return call

    def _let_ring(self, call: SimulatedCall) -> None:
        self.current = call
        call.phase = Phase.INCOMING
        self._spawn(self._ringing(call), "ring")

    async def _ringing(self, call: SimulatedCall) -> None:
        self._report(call)
        clip = self._wording.clip(call.number)
        while call.phase is Phase.INCOMING:
            call.rings += self._ring_once()
            if self._state.is_on("CLIP") and clip:
                call.shown += self._urc(clip)
            await asyncio.sleep(self._ring_period)

    def _ring_once(self) -> bool:
        return self._urc("+CRING: VOICE" if self._state.is_on("CRC") else "RING")

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
        if self._dice.coin():
            self._ring_once()
        answer, pause = self._wording.taken()
        if pause is None:
            self._begin(call)
        else:
            call.phase = Phase.ANSWERING  # rings no more, carries no sound yet
            self._spawn(self._begin_late(call, pause), "begin")
        return answer

    async def _begin_late(self, call: SimulatedCall, pause: float) -> None:
        await asyncio.sleep(pause)
        if call.phase is Phase.ANSWERING:
            self._begin(call)
            self._urc(BEGIN)

    def _begin(self, call: SimulatedCall) -> None:
        self._refusals.begin()
        self._underruns_before = self.audio.underruns
        self._mishaps.begin()
        call.begin(self.audio.join(call.far_end))
        self._log.add("call", "answered")
        self._report(call)

    def dial(self, number: str) -> Answer:
        """ATD: the far end finds the call in `dialled`; nobody there for 60 s is NO ANSWER."""
        if "dial-refused" in self._faults:
            return refused(3)
        if not self._state.on_network:
            return refused(30)
        if self.current is not None:
            return Answer(final="NO CARRIER")
        call = SimulatedCall(number, Phase.DIALLING, self, self._dice.random.getrandbits(32))
        self.current = call
        self._report(call)
        while self.dialled.qsize() >= MOST_DIALLED:
            self.dialled.get_nowait()  # nobody wanted to know of it
        self.dialled.put_nowait(call)
        self._log.add("call", f"the host dials {number}")
        self._spawn(self._ring_out(call), "ring out")
        return Answer()

    async def _ring_out(self, call: SimulatedCall) -> None:
        await asyncio.sleep(ALERT_SECONDS)
        if call.phase is Phase.DIALLING:
            call.phase = Phase.ALERTING
            self._report(call)
        try:
            await call.ended(UNTAKEN_SECONDS)
        except TimeoutError:
            await call.refuse("NO ANSWER")  # nothing happens when it was picked up

    def connect_audio(self) -> bool | None:
        """CPCMREG=1: True when the path is open, False when it is refused by a fault, None when there is no call."""
        call = self.current
        if call is None or not (call.is_active or call.outgoing):
            return None
        if self._refusals.of_audio():
            return False
        self.audio.connect(wide=self._state.wide, ringing_out=not call.is_active)
        return True

    def send_digits(self, keys: str) -> None:
        """VTS: the far end hears the tones."""
        if self.current is not None:
            self.current.digits_heard += keys
            for key in keys:
                self.current.far_end.play_tone(key)

    # -- what the host does ------------------------------------------------------------------------------------------

    def hang_up(self) -> Answer:
        """CHUP: ends or rejects the current call; OK even when there is none."""
        return UNKNOWN if self.in_call and self._refusals.of_hang_up() else self._hang_up()

    def _hang_up(self) -> Answer:
        call = self.current
        if call is None:
            self.audio.call_over()
            return Answer()
        answer, later = self._wording.hung_up(_end_line(call)) if call.is_active else self._wording.rejected(call)
        self._finish(call, "secretary")
        self._say(later)
        return answer

    def hang_up_quietly(self) -> None:
        """ATH with CVHU=0: as CHUP, with END after the OK."""
        answer = self._hang_up()
        for text in [*answer.lines, *answer.after]:
            self._urc(text)

    def reject_waiting(self) -> None:
        """CHLD=0."""
        if self.waiting is not None:
            self._finish(self.waiting, "secretary")

    # -- what the far end does (see Carrier) -------------------------------------------------------------------------

    def far_end_answered(self, call: SimulatedCall) -> None:
        """It picked up; a path that the host opened early stays open, and the ringback tone ends."""
        self._begin(call)
        self._urc(BEGIN)

    @property
    def keys_are_heard(self) -> bool:
        """See `Carrier`."""
        return "dtmf-urc-only" not in self._faults

    def far_end_pressed(self, key: str) -> None:
        """The modem's detector tells of a key."""
        if not self._state.is_on("DDET") or "dtmf-in-band-only" in self._faults:
            return
        late = self._faults.lasting(DTMF_LATE) if "dtmf-urc-late" in self._faults else 0.0
        self._say([(late, f"+RXDTMF: {key}")])

    def far_end_ended(self, call: SimulatedCall, by: str) -> None:
        """The end from outside; also `network` for a loss that the module reports."""
        if call.phase is Phase.ACTIVE:
            later = self._wording.far_end_hung_up(_end_line(call))
        elif call.phase is Phase.INCOMING:
            later = self._wording.missed(call.number)
        elif call.phase is Phase.WAITING:
            later = self._wording.waiting_gave_up(call.number)
        else:
            later = self._wording.not_reached(by)
        self._finish(call, by)
        self._say(later)

    def lose_silently(self) -> None:
        """The call vanishes: sound goes on as silence, nothing is printed, only +CLCC tells."""
        if self.current is not None:
            self._finish(self.current, "network", keep_audio=True)

    def power_cut(self) -> None:
        """The module reboots: all calls are over without a word."""
        for call in reversed(self.calls()):
            self._finish(call, "modem", quiet=True)
        self.audio.reset()
        self._refusals.reset()

    def _finish(self, call: SimulatedCall, by: str, *, keep_audio: bool = False, quiet: bool = False) -> None:
        call.underruns = self.audio.underruns - self._underruns_before if call is self.current else 0
        call.finish(by)
        self._state.cause = call.cause or CAUSES.get(by, "Normal call clearing")
        self._log.add("call", f"ended by {by}")
        if call is self.waiting:
            self.waiting = None
            return
        self.current = None
        if keep_audio:
            self.audio.join(None)
        else:
            self.audio.call_over()
        if quiet:
            return
        if not keep_audio:
            self._report(call)
        self._mishaps.end()
        if self.waiting is not None:
            waiting, self.waiting = self.waiting, None
            self._let_ring(waiting)

    def _say(self, lines: Later) -> None:
        for number, (pause, text) in enumerate(lines):
            if pause:
                self._spawn(self._say_late(lines[number:]), "late lines")
                return
            self._urc(text)

    async def _say_late(self, lines: Later) -> None:
        for pause, text in lines:
            await asyncio.sleep(pause)
            self._urc(text)

    def _report(self, call: SimulatedCall) -> None:
        if self._state.is_on("CLCC"):
            self._urc(clcc(call, 2 if call is self.waiting else 1))


def _end_line(call: SimulatedCall) -> str:
    seconds = int(time.monotonic() - (call.far_end.started_at or time.monotonic()))
    return f"VOICE CALL: END: {seconds // 3600:02}{seconds // 60 % 60:02}{seconds % 60:02}"
