"""A SIM7600 as the house sees it: status, one call at a time, its audio switch and its keys."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from services.errors import LineError, ModemError
from telephony.at.channel import AtChannel
from telephony.at.results import parse_clcc, parse_cops, parse_csq, parse_registration
from telephony.at.urcs import CallBegin, CallWaiting, Registration, SimState, SmsArrived, Urc
from telephony.call_state import CallState, Change, Ended, Missed, Phase
from telephony.startup import Identity, audio_off, start_up

ANSWER_TIMEOUT = 15.0
BEGIN_TIMEOUT = 5.0
HANG_UP_TIMEOUT = 3.0
AUDIO_TRIES = 20
AUDIO_PAUSE = 0.5
"""Audio is refused while the call is still being set up: asked again each 0.5 s, up to 10 s."""
KEYS = frozenset("0123456789*#ABCD")

_REGISTERED = (1, 5)
_STATES = {0: "off the network", 2: "searching for a network", 3: "refused by the network", 4: "of unknown state"}

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ModemStatus:
    """Operator ("" off the network), signal in dBm (None unknown), registration (3GPP stat, None unknown)."""

    operator: str
    signal_dbm: int | None
    registration: int | None

    @property
    def registered(self) -> bool:
        """True when calls can come in; an unknown registration counts as one."""
        return self.registration is None or self.registration in _REGISTERED

    def __str__(self) -> str:
        if self.registered:
            place = self.operator or "on the network"
        else:
            place = _STATES.get(self.registration or 0, "off the network")
        return place if self.signal_dbm is None else f"{place}, signal {self.signal_dbm} dBm"


class Sim7600:
    """The modem behind a channel. `call` is the state of its only call; its changes go to `on_change`.

    `network_changed` is True, and `on_network` was called, when the modem told of its network or SIM card since the
    last `status`.
    """

    def __init__(self, channel: AtChannel) -> None:
        self.call = CallState()
        self.on_change: Callable[[Change], None] | None = None
        self.on_network: Callable[[], None] | None = None
        self.network_changed = False
        self.sim_removed = False
        self._channel = channel
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._alarm: asyncio.TimerHandle | None = None
        self._leave = channel.subscribe(self._on_urc)
        self._registration: int | None = None

    async def start(self) -> Identity:
        """Run the start-up sequence. Raises ModemError when the modem or its SIM card cannot be used."""
        return await start_up(self._channel)

    def close(self) -> None:
        """Stop listening; the channel is its owner's."""
        self._leave()
        if self._alarm:
            self._alarm.cancel()

    async def status(self) -> ModemStatus:
        """Ask for signal, registration and operator; what the modem refuses to tell stays unknown."""
        self.network_changed = False
        signal = parse_csq((await self._channel.request("AT+CSQ")).lines)
        stat = parse_registration((await self._channel.request("AT+CREG?")).lines)
        if stat not in _REGISTERED:  # on LTE alone the circuit-switched registration may stay open
            packet = parse_registration((await self._channel.request("AT+CEREG?")).lines, "+CEREG")
            stat = packet if packet in _REGISTERED else stat
        self._registration = self._registration if stat is None else stat
        operator = parse_cops((await self._channel.request("AT+COPS?", 10.0)).lines)
        return ModemStatus(operator, signal, self._registration)

    async def answer(self) -> None:
        """Take the ringing call; returns when it is up. Raises ModemError when the caller has gone."""
        result = await self._channel.request("ATA", ANSWER_TIMEOUT)
        if not result.ok:
            self._apply(self.call.gone())
            raise ModemError("The caller hung up before the answer.")
        await self._wait_while(Phase.RINGING, BEGIN_TIMEOUT)
        if self.call.phase is Phase.RINGING and await self.has_call():
            self._apply(self.call.take(CallBegin(), self._loop.time()))  # it is up, only its message was lost
        if self.call.phase is not Phase.TALKING:
            self._apply(self.call.gone())
            raise ModemError("The caller hung up before the answer.")

    async def hang_up(self) -> None:
        """End the call, also one that only rings; idempotent. Raises ModemError when the modem is silent."""
        if not (await self._channel.request("AT+CHUP")).ok:
            await self._channel.request("ATH")
        await self._wait_while(self.call.phase, HANG_UP_TIMEOUT)
        self._apply(self.call.gone())

    async def audio_on(self) -> None:
        """Switch on the audio of the call that is up. Raises ModemError when it ends or refuses for 10 s."""
        await self._channel.request("AT+CPCMFRM=0")  # forgotten at a reset
        for attempt in range(AUDIO_TRIES):
            if (await self._channel.request("AT+CPCMREG=1")).ok:
                if attempt:
                    log.info("the modem took several tries to give audio", tries=attempt + 1)
                return
            await self._wait_while(Phase.TALKING, AUDIO_PAUSE)
            if self.call.phase is not Phase.TALKING:
                raise ModemError("The call ended before its audio was on.")
        raise ModemError("The modem gives no audio to the call.", "Reset the modem, or plug it in again.")

    async def audio_off(self) -> None:
        """Switch call audio off, as after every call. A refusal is logged."""
        if not await audio_off(self._channel):
            log.warning("the modem refused to switch call audio off", remedy="If the next call is silent, reset it.")

    async def send_digits(self, digits: str) -> None:
        """Send DTMF keys in the call. Raises LineError for a character that is no key, ModemError when refused."""
        keys = "".join(digits.split()).upper()
        if not KEYS.issuperset(keys):
            raise LineError(f"{digits!r} holds characters that a telephone cannot send.", "Use 0-9, *, # and A-D.")
        for key in keys:
            await self._channel.command(f"AT+VTS={key}")

    async def has_call(self) -> bool:
        """Ask whether a voice call is up; True when the modem refuses to tell. One that only rings or waits is not."""
        result = await self._channel.request("AT+CLCC")
        return not result.ok or any(call.voice and call.up for call in parse_clcc(result.lines))

    async def reject_second(self) -> None:
        """Send a second caller away and keep the talk."""
        await self._channel.request("AT+CHLD=0")

    def call_vanished(self) -> None:
        """Take note that the modem lists no call any more."""
        self._apply(self.call.gone())

    async def reset(self) -> None:
        """Restart the modem; its ports vanish for tens of seconds."""
        await self._channel.request("AT+CRESET")

    async def _wait_while(self, phase: Phase, seconds: float) -> None:
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
            case SmsArrived(storage=storage, index=index):
                log.info("a message arrived and stays on the SIM card", storage=storage, index=index)
            case CallWaiting():
                log.info("a second caller is sent away")
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
            if isinstance(change, Ended | Missed):
                log.info("call over", kind=type(change).__name__)
            if self.on_change:
                self.on_change(change)
        self._changed.set()
