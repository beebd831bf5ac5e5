"""The simulated module: its two ports, its life from boot to power-off, and the world that calls it."""

import asyncio
import random
import tempfile
from collections.abc import Callable, Collection, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from telephony.simulator.audio import AudioPath
from telephony.simulator.call import SimulatedCall
from telephony.simulator.commands import Commands
from telephony.simulator.faults import check_faults
from telephony.simulator.log import Event, EventLog, SimulatorError
from telephony.simulator.messages import SentMessage
from telephony.simulator.mishaps import NETWORK_AWAY
from telephony.simulator.network import Network
from telephony.simulator.shortmessages import ShortMessages
from telephony.simulator.state import ModuleState
from telephony.simulator.terminal import Terminal

BOOT_URCS = ("RDY", "+CPIN: READY", "SMS DONE", "PB DONE")


def _local_time() -> datetime:
    return datetime.now().astimezone()


class ModemSimulator:
    """A SIM7600E-H on two pseudo-terminals, `at_port` and `audio_port` (paths that survive a reset).

    `faults` are names from `FAULTS`. `seed` None gives the commonest order where the module's behaviour is not
    established, a number draws. `ring_period` is seconds between RINGs, `answer_delay` how long ATA is pending,
    `reset_seconds` how long the ports are gone at a reset, `report_delay` how soon a delivery report comes. `now` is
    the module's wall clock, `on_event` sees the diary as it is written.
    """

    def __init__(
        self,
        faults: Collection[str] = (),
        seed: int | None = None,
        ring_period: float = 3.0,
        *,
        answer_delay: float = 0.05,
        reset_seconds: float = 0.5,
        report_delay: float = 0.5,
        csq: int = 21,
        operator: str = "Simulated",
        now: Callable[[], datetime] = _local_time,
        on_event: Callable[[Event], None] | None = None,
    ) -> None:
        self.faults = check_faults(faults)
        self.log = EventLog(on_event)
        self._rng = random.Random(0 if seed is None else seed)  # noqa: S311 - an actor's dice, not a secret
        self._uncertain = seed is not None
        self._ring_period = ring_period
        self._answer_delay = answer_delay
        self._reset_seconds = reset_seconds
        self._report_delay = report_delay
        self._csq = csq
        self._operator = operator
        self._now = now
        self._tasks: set[asyncio.Task[None]] = set()
        self._booting = False
        self._folder = tempfile.TemporaryDirectory(prefix="sim7600-")
        folder = Path(self._folder.name)
        self.at_port = str(folder / "at")
        self.audio_port = str(folder / "audio")

    # -- life --------------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        """Power up with both ports there and the boot lines long past."""
        self._state = ModuleState(self.faults)
        self._audio = AudioPath(Path(self.audio_port), self.log, self.faults, self._rng)
        self._terminal = Terminal(
            Path(self.at_port), self._run, lambda: self._state.echo, self.log, self.faults, self._rng
        )
        self._network = Network(
            state=self._state,
            audio=self._audio,
            urc=self._terminal.unsolicited,
            log=self.log,
            faults=self.faults,
            rng=self._rng,
            uncertain=self._uncertain,
            spawn=self._spawn,
            now=self._now,
            ring_period=self._ring_period,
            strike=self._strike,
        )
        self._messages = ShortMessages(self._state, self._terminal.unsolicited, self._report_later, self._now, self.log)
        self._commands = Commands(
            state=self._state,
            network=self._network,
            messages=self._messages,
            reset=self.reboot,
            answer_delay=self._answer_delay,
            csq=self._csq,
            operator=self._operator,
            faults=self.faults,
        )
        self._open_ports()
        self._spawn(self._terminal.serve(), "commands")
        self._spawn(self._terminal.print(), "output")
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Power off: calls end, ports vanish, no task is left."""
        self._network.power_cut()
        self._close_ports()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._folder.cleanup()

    def _run(self, line: str, terminal: Terminal) -> Coroutine[Any, Any, Any]:
        return self._commands.run(line, terminal)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=f"sim7600 {name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _open_ports(self) -> None:
        self._terminal.port.open()
        self._audio.port.open()

    def _close_ports(self) -> None:
        self._terminal.forget()
        self._terminal.port.close()
        self._audio.port.close()

    def reboot(self) -> None:
        """AT+CRESET, or a hand on the power: both ports vanish, then come back with all settings forgotten."""
        if not self._booting:
            self._booting = True
            self._spawn(self._rebooting(), "reboot")

    async def _rebooting(self) -> None:
        await asyncio.sleep(0.05)  # the OK of AT+CRESET still goes out
        self.log.add("modem", "(reset: the ports vanish)")
        self._vanish()
        await asyncio.sleep(self._reset_seconds)
        self._open_ports()
        self._booting = False
        for text in BOOT_URCS:
            if text == "+CPIN: READY" and not self._state.pin_open:
                text = "+CPIN: SIM PIN"
            # RDY is often lost on USB; whether it is here is drawn.
            if not (text == "RDY" and self._network.coin()):
                self._terminal.unsolicited(text)

    def _vanish(self) -> None:
        self._network.power_cut()
        self._close_ports()
        self._state.reset()

    # -- the world ---------------------------------------------------------------------------------------------------

    async def ring(self, number: str = "+79991234567") -> SimulatedCall:
        """Someone calls ("" withholds the number); returns at the first RING. During a call it is a second caller.

        Raises SimulatorError while the module boots or when two calls are here already.
        """
        if self._booting or self._state.registration not in (1, 5):
            raise SimulatorError("Nobody can call: the module is not on the network.")
        call = self._network.ring(number)
        await asyncio.sleep(0)
        return call

    async def dialled(self, timeout: float = 10.0) -> SimulatedCall:
        """The next call that the host places; `pick_up` or `refuse` it. TimeoutError after `timeout` s."""
        async with asyncio.timeout(timeout):
            return await self._network.dialled.get()

    async def deliver_sms(self, pdu: str) -> int | None:
        """A message arrives as a PDU in hex; returns its slot, None when passed on directly or the SIM is full."""
        return self._messages.deliver(pdu)

    def sent_sms(self) -> list[SentMessage]:
        """The messages that the host sent."""
        return list(self._messages.sent)

    def set_registration(self, stat: int) -> None:
        """Move to another registration state (1 home, 2 searching, 5 roaming); +CREG follows when asked for."""
        for text in self._network.registered(stat):
            self._terminal.unsolicited(text)

    @property
    def underruns(self) -> int:
        """20 ms chunks that the host did not deliver in time, over all calls."""
        return self._audio.underruns

    def _report_later(self, report: Callable[[], None]) -> None:
        async def wait() -> None:
            await asyncio.sleep(self._report_delay)
            report()

        self._spawn(wait(), "delivery report")

    # -- faults in a call --------------------------------------------------------------------------------------------

    def _strike(self, name: str) -> None:
        call = self._network.current
        if name == "wedged-audio":
            self._audio.wedged = True
        elif name == "port-vanishes":
            self.reboot()
        elif name == "silent-loss":
            self._network.lose_silently()
        elif call is not None and name == "caller-hangs-up-mid-sentence":
            self._network.far_end_ended(call, "caller")
        elif call is not None and name == "network-lost":
            self.set_registration(2)
            self._network.far_end_ended(call, "network")
            self._spawn(self._network_returns(), "network returns")

    async def _network_returns(self) -> None:
        await asyncio.sleep(NETWORK_AWAY)
        self.set_registration(1)
