"""A SIM7600 as the house sees it: status, one call at a time, its audio switch and its keys."""

import asyncio
from collections.abc import Callable

import structlog

from services.errors import LineError, ModemError
from telephony.at.channel import AtChannel
from telephony.at.results import parse_clcc
from telephony.at.urcs import CallBegin, Registration, SimState, Urc
from telephony.call_state import CallState, Change, Ended, Missed, NotTaken, Phase
from telephony.startup import SWITCH_TIMEOUT, Identity, audio_off, start_up
from telephony.status import REGISTERED, ModemStatus, read_status

START_SECONDS = 30.0
NARROW, WIDE = 8_000, 16_000
ANSWER_TIMEOUT = 10.0
BEGIN_TIMEOUT = 5.0
HANG_UP_TIMEOUT = 3.0
REFUSAL_SETTLE = 0.5
"""A call that was never up may end without a word, or 0.3 s late; one that rings later is the next one."""
AUDIO_TRIES = 20
AUDIO_PAUSE = 0.5
ASK_EVERY = 4
"""Audio is refused while the call is still being set up: asked again each 0.5 s, up to 10 s."""
INCOMING = 4  # stat of +CLCC
KEYS = frozenset("0123456789*#ABCD")

log = structlog.get_logger()


class Sim7600:
    """The modem behind a channel. `call` is the state of its only call; its changes go to `on_change`.

    `network_changed` is True, and `on_network` was called, when the modem told of its network or SIM card since the
    last `status`. Of the last outgoing call that came to nothing, `not_taken` is the modem's word, and `hung_up` tells
    that it was us. `audio_tries` is how often sound had to be asked for in the last call: many are an early sign of the
    fault in which the modem takes no sound any more. `audio_rate` is that of call audio, in Hz.
    """

    def __init__(self, channel: AtChannel) -> None:
        self.call = CallState()
        self.on_change: Callable[[Change], None] | None = None
        self.on_network: Callable[[], None] | None = None
        self.network_changed = False
        self.sim_removed = False
        self.not_taken = ""
        self.hung_up = False
        self.audio_tries = 0
        self.audio_rate = NARROW
        self.channel = channel
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._alarm: asyncio.TimerHandle | None = None
        self._leave = channel.subscribe(self._on_urc)
        self._registration: int | None = None

    @property
    def has_network(self) -> bool:
        """True unless the modem has told that its network or SIM card is gone."""
        return not self.sim_removed and self._registration in (None, *REGISTERED)

    async def start(self, pin: str = "", *, wide: bool = False) -> Identity:
        """Run the start-up sequence; with `wide`, call audio is at 16 kHz where the firmware can.

        Raises ModemError when the modem or its SIM card cannot be used.
        """
        self.call.expect_leftovers(self._loop.time() + START_SECONDS)
        identity = await start_up(self.channel, pin)
        self.call.expect_leftovers(self._loop.time())
        self.audio_rate = NARROW
        if wide and (await self.channel.request("AT+CPCMFRM=1")).ok:
            self.audio_rate = WIDE
        return identity

    def close(self) -> None:
        """Stop listening; the channel is its owner's."""
        self._leave()
        if self._alarm:
            self._alarm.cancel()

    async def status(self) -> ModemStatus:
        """Ask how the modem is doing; what it refuses to tell stays unknown. Raises ModemError when it is silent."""
        self.network_changed = False
        status = await read_status(self.channel, self._registration)
        self._registration = status.registration
        return status

    async def answer(self) -> None:
        """Take the ringing call; returns when it is up. Raises ModemError when the caller has gone."""
        self.hung_up = False
        try:
            result = await self.channel.request("ATA", ANSWER_TIMEOUT)
        except ModemError:
            if self.call.phase is Phase.TALKING and not self.channel.closed:
                return  # it is up, only the OK was lost
            raise
        if not result.ok:
            self._apply(self.call.gone())
            raise ModemError("The caller hung up before the answer.")
        await self.wait_while(Phase.RINGING, BEGIN_TIMEOUT)
        if self.call.phase is Phase.RINGING and await self.has_call():
            self.take_note(CallBegin())  # it is up, only its message was lost
        if self.call.phase is not Phase.TALKING:
            self._apply(self.call.gone())
            raise ModemError("The caller hung up before the answer.")

    async def hang_up(self) -> None:
        """End the call, also one that only rings or is dialled; idempotent. Raises ModemError when it is silent."""
        self.hung_up, phase = True, self.call.phase
        if not (await self.channel.request("AT+CHUP", SWITCH_TIMEOUT)).ok:
            await self.channel.request("ATH")
        await self.wait_while(phase, HANG_UP_TIMEOUT if phase is Phase.TALKING else REFUSAL_SETTLE)
        if self.call.phase is phase:  # else it has ended, and what there is now is another call
            self._apply(self.call.gone())

    async def audio_on(self) -> None:
        """Switch on the audio of the call that is up. Raises ModemError when it ends or refuses for 10 s."""
        await self.channel.request(f"AT+CPCMFRM={int(self.audio_rate == WIDE)}")  # forgotten at a reset
        for attempt in range(AUDIO_TRIES):
            if self.call.phase is not Phase.TALKING:  # left on between two calls, the next one has no sound
                break
            self.audio_tries = attempt + 1
            if (await self.channel.request("AT+CPCMREG=1", SWITCH_TIMEOUT)).ok:
                if attempt:
                    log.info("the modem took several tries to give audio", tries=attempt + 1)
                return
            await self.wait_while(Phase.TALKING, AUDIO_PAUSE)
            if attempt % ASK_EVERY == ASK_EVERY - 1 and not await self.has_call():
                self.call_vanished(Phase.TALKING)  # without a word, which is why there is no sound
        if self.call.phase is not Phase.TALKING:
            raise ModemError("The call ended before its audio was on.")
        raise ModemError("The modem gives no audio to the call.", "Reset the modem, or plug it in again.")

    async def audio_off(self) -> None:
        """Switch call audio off, as after every call. A refusal is logged."""
        if not await audio_off(self.channel):
            log.warning("the modem refused to switch call audio off", remedy="If the next call is silent, reset it.")

    async def send_digits(self, digits: str) -> None:
        """Send DTMF keys in the call. Raises LineError for a character that is no key, ModemError when refused."""
        keys = "".join(digits.split()).upper()
        if not KEYS.issuperset(keys):
            raise LineError(f"{digits!r} holds characters that a telephone cannot send.", "Use 0-9, *, # and A-D.")
        for key in keys:
            await self.channel.command(f"AT+VTS={key}")

    async def has_call(self) -> bool:
        """Ask whether a voice call is up; True when the modem refuses to tell. One that only rings or waits is not."""
        result = await self.channel.request("AT+CLCC")
        return not result.ok or any(call.voice and call.up for call in parse_clcc(result.lines))

    async def who_rings(self) -> str | None:
        """Ask who is ringing: the number, "" when withheld, None when nobody is, or the modem refuses to tell."""
        result = await self.channel.request("AT+CLCC")
        ringing = (call for call in parse_clcc(result.lines) if call.voice and call.incoming)
        return next((call.number for call in ringing if call.state == INCOMING), None)

    async def check_ringing(self) -> None:
        """See that the modem is awake before a call is taken: one that cannot be answered is not begun.

        Raises ModemError when the modem is silent.
        """
        await self.channel.request("AT", SWITCH_TIMEOUT)

    async def reject_second(self) -> None:
        """Send a second caller away and keep the talk; the modem not doing it is logged."""
        try:
            await self.channel.request("AT+CHLD=0")
        except LineError as error:
            log.warning("the second caller was not sent away", problem=str(error))

    def call_vanished(self, was: Phase | None = None) -> None:
        """Take note that the modem lists no call any more; with `was`, only of one that is still there.

        Who asked the modem has waited for its answer, and the next caller may be ringing by then.
        """
        if was is None or self.call.phase is was:
            self._apply(self.call.gone())

    def take_note(self, urc: Urc) -> None:
        """Act as if the modem had said `urc`: its answers show that the message was lost."""
        self._apply(self.call.take(urc, self._loop.time()))

    async def reset(self) -> None:
        """Restart the modem; its ports vanish for tens of seconds."""
        await self.channel.request("AT+CRESET")

    async def wait_while(self, phase: Phase, seconds: float) -> None:
        """Return when the call has left `phase`, or after `seconds`; at once when there is no call."""
        try:
            async with asyncio.timeout(seconds):
                while self.call.phase is phase is not Phase.IDLE:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            pass

    def _on_urc(self, urc: Urc) -> None:
        match urc:
            case Registration(domain="CREG", stat=stat):
                self._registration = stat
                self._tell_network()
            case SimState(state=state):
                self.sim_removed = state == "SIM REMOVED"
                self._tell_network()
        self._apply(self.call.take(urc, self._loop.time()))
        self._set_alarm()

    def _tell_network(self) -> None:
        self.network_changed = True
        if self.on_network:
            self.on_network()

    def _set_alarm(self) -> None:
        if self._alarm:
            self._alarm.cancel()
        deadline = self.call.deadline
        self._alarm = self._loop.call_at(deadline + 0.001, self._on_alarm) if deadline else None

    def _on_alarm(self) -> None:
        self._apply(self.call.tick(self._loop.time()))

    def _apply(self, changes: list[Change]) -> None:
        for change in changes:
            if isinstance(change, NotTaken):
                self.not_taken = change.word
            if isinstance(change, Ended | Missed):
                log.info("call over", kind=type(change).__name__)
            if self.on_change:
                self.on_change(change)
        self._changed.set()
