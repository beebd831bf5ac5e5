"""The simulated module: all its parts put together, and the world that calls it."""

import asyncio
import secrets
import tempfile
from collections.abc import Callable, Collection, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from telephony.simulator.dice import Dice, Habits
from telephony.simulator.faults import Faults
from telephony.simulator.log import Event, EventLog, SimulatorError
from telephony.simulator.mishaps import Mishaps
from telephony.simulator.module.audio import AudioPath
from telephony.simulator.module.commands import Commands
from telephony.simulator.module.state import Identity, ModuleState
from telephony.simulator.module.terminal import Terminal
from telephony.simulator.network.exchange import Network
from telephony.simulator.network.wording import Wording
from telephony.simulator.person.call import SimulatedCall
from telephony.simulator.ports.usb import AT, AUDIO, UsbDevice, UsbPort, check_product
from telephony.simulator.power import Power
from telephony.simulator.sms.service import ShortMessages
from telephony.simulator.sms.store import SentMessage
from telephony.simulator.strikes import Strikes


def _local_time() -> datetime:
    return datetime.now().astimezone()


class ModemSimulator:
    """A SIM7600E-H on two pseudo-terminals, `at_port` and `audio_port`: the paths now, or where they were last.

    `faults` are names from `FAULTS` ("name:3" strikes three times), `pace` multiplies their seconds. `seed` None
    gives the commonest form where the module's behaviour is not established, a number draws. `ring_period` is seconds
    between RINGs, `answer_delay` how long ATA is pending, `reset_seconds` how long the ports are gone at a reset,
    `report_delay` how soon a delivery report comes. `usb_product` is 0x9001 or 0x9011, `usb_place` the socket. `now`
    is the module's wall clock, `on_event` sees the diary as it is written.
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
        pace: float = 1.0,
        csq: int = 21,
        operator: str = "Simulated",
        imei: str = "861000000000017",
        imsi: str = "250010000000017",
        iccid: str = "89700000000000000017",
        usb_product: int = 0x9001,
        usb_place: str = "1-1.3",
        now: Callable[[], datetime] = _local_time,
        on_event: Callable[[Event], None] | None = None,
    ) -> None:
        self.log = EventLog(on_event)
        self._faults = Faults(faults, pace)
        product = check_product(usb_product)
        self._tasks: set[asyncio.Task[None]] = set()
        dice = Dice(seed)
        habits = Habits.drawn(dice)
        shared: dict[str, Any] = {"log": self.log, "faults": self._faults, "dice": dice}
        self._state = ModuleState(self._faults, Identity(imei, imsi, iccid), habits)
        self._state.signal, self._state.operator = csq, operator
        self._audio = AudioPath(habits=habits, **shared)
        self._terminal = Terminal(self._run, lambda: self._state.echo, **shared)
        mishaps = Mishaps(self._faults, self.log)
        self._network = Network(
            state=self._state,
            audio=self._audio,
            wording=Wording(dice, self._faults, now),
            mishaps=mishaps,
            urc=self._terminal.unsolicited,
            spawn=self._spawn,
            ring_period=ring_period,
            **shared,
        )
        self._messages = ShortMessages(
            state=self._state,
            urc=self._terminal.unsolicited,
            reachable=lambda: self._is_served,
            spawn=self._spawn,
            now=now,
            report_delay=report_delay,
            **shared,
        )
        folder = Path(tempfile.gettempdir()) / f"sim7600-{secrets.token_hex(6)}"
        usb = UsbDevice(folder, product, usb_place, self._terminal.port, self._audio.port)
        self._usb = usb
        self._power = Power(
            usb=usb,
            terminal=self._terminal,
            network=self._network,
            state=self._state,
            spawn=self._spawn,
            reset_seconds=reset_seconds,
            on_reachable=self._messages.try_again,
            **shared,
        )
        self._strikes = Strikes(
            network=self._network,
            terminal=self._terminal,
            state=self._state,
            messages=self._messages,
            power=self._power,
            faults=self._faults,
            dice=dice,
            spawn=self._spawn,
        )
        mishaps.strike = self._strikes.strike
        self._commands = Commands(
            state=self._state,
            network=self._network,
            messages=self._messages,
            reset=self._power.reboot,
            answer_delay=answer_delay,
            faults=self._faults,
            dice=dice,
        )

    # -- life --------------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        """Power up with both ports there and the boot lines long past."""
        self._power.start()
        self._spawn(self._terminal.serve(), "commands")
        self._spawn(self._terminal.print(), "output")
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Power off: calls end, ports vanish, no task is left."""
        self._power.stop()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _run(self, line: str, terminal: Terminal) -> Coroutine[Any, Any, Any]:
        return self._commands.run(line, terminal)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=f"sim7600 {name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- the USB -----------------------------------------------------------------------------------------------------

    @property
    def at_port(self) -> str:
        """The node of interface 2 (4 with product 0x9011)."""
        return str(self._usb.path(AT))

    @property
    def audio_port(self) -> str:
        """The node of interface 4 (6 with product 0x9011)."""
        return str(self._usb.path(AUDIO))

    def usb_ports(self) -> list[UsbPort]:
        """What a search of the host finds now: five serial interfaces, none while the module is unplugged or boots."""
        return self._usb.ports()

    async def unplug(self) -> None:
        """Pull the cable: the ports vanish, the module is without power, calls end."""
        self._power.unplug()

    async def plug_in(self, *, elsewhere: bool = False, place: str | None = None) -> None:
        """Put the cable in again: the module boots, with new node names when `elsewhere`, in the socket `place`."""
        self._power.plug_in(elsewhere=elsewhere, place=place)

    def reboot(self, *, elsewhere: bool = False) -> None:
        """AT+CRESET, or a hand on the power: both ports vanish, then come back with all settings forgotten."""
        self._power.reboot(elsewhere=elsewhere)

    # -- faults ------------------------------------------------------------------------------------------------------

    @property
    def faults(self) -> frozenset[str]:
        """The faults that are on and can still strike."""
        return self._faults.names

    def set_faults(self, faults: Collection[str]) -> None:
        """Switch these faults on and all others off, now, while the module runs."""
        self._faults.set(faults)

    def strike(self, name: str) -> None:
        """Let a fault that is an event happen now, such as `port-vanishes` or `stuck-command`.

        Raises SimulatorError for one that is a manner of being and no event, naming those that are.
        """
        self.log.add("fault", name)
        self._strikes.strike(name)

    # -- the world ---------------------------------------------------------------------------------------------------

    @property
    def _is_served(self) -> bool:
        return self._power.up and self._state.on_network

    @property
    def reachable_since(self) -> float | None:
        """When (`time.monotonic()`) the ports were there and the network found; None while one of them is not."""
        return self._power.reachable_since

    async def reachable(self, timeout: float = 30.0) -> None:
        """Wait until the ports are there and the network is found. TimeoutError after `timeout` s."""
        async with asyncio.timeout(timeout):
            await self._power.reachable.wait()

    async def ring(self, number: str = "+79991234567") -> SimulatedCall:
        """Someone calls ("" withholds the number); returns at the first RING. During a call it is a second caller.

        Raises SimulatorError while the module is not on the network or when two calls are here already.
        """
        if not self._is_served:
            raise SimulatorError("Nobody can call: the module is not on the network.")
        call = self._network.ring(number)
        await asyncio.sleep(0)
        return call

    async def dialled(self, timeout: float = 10.0) -> SimulatedCall:
        """The next call that the host places; `pick_up` or `refuse` it. TimeoutError after `timeout` s."""
        async with asyncio.timeout(timeout):
            return await self._network.dialled.get()

    async def deliver_sms(self, pdu: str) -> int | None:
        """A message arrives as a PDU in hex; returns its slot, None when passed on directly or kept by the network.

        The network keeps what finds no place or no module, and tries again when there is one.
        """
        return self._messages.deliver(pdu)

    async def deliver_text(self, sender: str, text: str) -> list[str]:
        """Someone writes a message, long ones in parts; returns the PDUs in the order in which they were delivered.

        `sender` is a number or a name of at most 11 letters.
        """
        return self._messages.deliver_text(sender, text)

    def sent_sms(self) -> list[SentMessage]:
        """The last 1000 messages that the host sent."""
        return list(self._messages.sent)

    def stored_sms(self) -> list[str]:
        """The PDUs on the SIM."""
        return [message.pdu for _slot, message in sorted(self._messages.store.slots.items())]

    def waiting_sms(self) -> int:
        """How many messages the network keeps for the module."""
        return self._messages.waiting

    def set_registration(self, stat: int) -> None:
        """Move to another registration state (1 home, 2 searching, 5 roaming); +CREG follows when asked for."""
        self._power.register(stat)

    def set_signal(self, csq: int) -> None:
        """What AT+CSQ says: 0-31, or 99 for unknown."""
        self._state.signal = csq

    def set_operator(self, name: str) -> None:
        """What AT+COPS? says."""
        self._state.operator = name

    def set_temperature(self, celsius: int) -> None:
        """What AT+CPMUTEMP says."""
        self._state.temperature = celsius

    @property
    def audio_sickness(self) -> str:
        """What is wrong with the audio endpoint until the next reset: wedged, mute, or nothing ("")."""
        return "wedged" if self._audio.wedged else "mute" if self._audio.mute else ""

    @property
    def underruns(self) -> int:
        """20 ms chunks that the host did not deliver in time, over all calls."""
        return self._audio.underruns
