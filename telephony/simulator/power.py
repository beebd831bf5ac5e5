"""The module's body: power, boot, its place on the USB, and whether the network reaches it."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final

from telephony.simulator.dice import Dice
from telephony.simulator.faults import Faults
from telephony.simulator.log import EventLog, SimulatorError
from telephony.simulator.module.state import ModuleState
from telephony.simulator.module.terminal import Terminal
from telephony.simulator.network.exchange import Network
from telephony.simulator.ports.usb import UsbDevice

BOOT_URCS: Final = ("RDY", "+CPIN: READY", "SMS DONE", "PB DONE")
SLOW_BOOT, SLOW_NETWORK = 5.0, 5.0
LAST_WORDS: Final = 0.05
"""Seconds from AT+CRESET to the end, in which its OK still goes out."""

Spawn = Callable[[Coroutine[Any, Any, None], str], None]


class Power:
    """`up` tells that the module runs; `reachable_since` is when a caller could first get through, None while not."""

    def __init__(
        self,
        *,
        usb: UsbDevice,
        terminal: Terminal,
        network: Network,
        state: ModuleState,
        log: EventLog,
        faults: Faults,
        dice: Dice,
        spawn: Spawn,
        reset_seconds: float,
        on_reachable: Callable[[], None],
    ) -> None:
        self.up = False
        self.reachable = asyncio.Event()
        self.reachable_since: float | None = None
        self._usb, self._terminal, self._network, self._state = usb, terminal, network, state
        self._log, self._faults, self._dice, self._spawn = log, faults, dice, spawn
        self._reset_seconds = reset_seconds
        self._on_reachable = on_reachable
        self._resetting = False
        self._plugged_in = False
        self._boots = 0
        state.on_registration = self._look

    @property
    def is_plugged_in(self) -> bool:
        """False between `unplug` and `plug_in`."""
        return self._plugged_in

    def start(self) -> None:
        """Come up with both ports there and the boot lines long past."""
        self._plugged_in = True
        self._usb.power_up()
        self.up = True
        if "slow-boot" in self._faults:
            self._search()
        self._look()

    def stop(self) -> None:
        """Power off: calls end, ports vanish."""
        self._plugged_in = False
        self._go_down()
        self._usb.power_off()

    def reboot(self, *, elsewhere: bool = False) -> None:
        """AT+CRESET, or a hand on the power: both ports vanish, then come back with all settings forgotten."""
        if self._plugged_in and not self._resetting:
            self._resetting = True
            self._spawn(self._rebooting(elsewhere=elsewhere), "reboot")

    async def _rebooting(self, *, elsewhere: bool) -> None:
        await asyncio.sleep(LAST_WORDS)
        try:
            self._log.add("modem", "(reset: the ports vanish)")
            self._go_down()
            extra = self._faults.lasting(SLOW_BOOT) if "slow-boot" in self._faults else 0.0
            await asyncio.sleep(self._reset_seconds + extra)
            if self._plugged_in and not self.up:
                self._boot(elsewhere=elsewhere)
        finally:
            self._resetting = False

    def unplug(self) -> None:
        """Pull the cable out."""
        self._plugged_in = False
        self._log.add("modem", "(unplugged)")
        self._go_down()

    def plug_in(self, *, elsewhere: bool, place: str | None) -> None:
        """Put the cable in again. Raises SimulatorError when it is in."""
        if self._plugged_in:
            raise SimulatorError("The module is plugged in already.")
        self._plugged_in = True
        self._usb.place = place or self._usb.place
        self._boot(elsewhere=elsewhere)

    def _go_down(self) -> None:
        self.up = False
        self._network.power_cut()
        self._ports_vanish()
        self._terminal.revive()
        self._look()

    def _boot(self, *, elsewhere: bool) -> None:
        self._boots += 1
        self._state.reset()
        self._usb.appear(elsewhere=elsewhere)
        self.up = True
        self._log.add("modem", f"(the ports are there: {self._usb.path(2).name})")
        if "slow-boot" in self._faults:
            self._search()
        self._look()
        for text in BOOT_URCS:
            if text == "+CPIN: READY" and not self._state.pin_open:
                text = "+CPIN: SIM PIN"
            # RDY is often lost on USB; whether it is here is drawn.
            if not (text == "RDY" and self._dice.coin()):
                self._terminal.unsolicited(text)

    def _search(self) -> None:
        if self._state.on_network:
            self._state.registration = 2
            self._spawn(self._finding(self._boots), "finds the network")

    async def _finding(self, boot: int) -> None:
        await asyncio.sleep(self._faults.lasting(SLOW_NETWORK))
        if self.up and boot == self._boots:
            self.register(1)

    def register(self, stat: int) -> None:
        """Move to another registration state; +CREG follows when asked for."""
        for text in self._state.registered(stat):
            self._terminal.unsolicited(text)

    def reenumerate(self, seconds: float, *, elsewhere: bool) -> None:
        """The USB loses the module and finds it again; the module itself notices nothing."""
        self._log.add("modem", "(the USB lost the ports)")
        self._ports_vanish()
        self._look()
        self._spawn(self._found_again(seconds, elsewhere=elsewhere), "found again")

    async def _found_again(self, seconds: float, *, elsewhere: bool) -> None:
        await asyncio.sleep(seconds)
        if self.up and self._plugged_in:
            self._usb.appear(elsewhere=elsewhere)
            self._look()

    def lose_audio_port(self, seconds: float, *, elsewhere: bool) -> None:
        """The audio node alone goes and comes back."""
        self._usb.audio_vanishes()
        self._network.audio.port_gone()
        self._spawn(self._audio_back(seconds, elsewhere=elsewhere), "audio port back")

    async def _audio_back(self, seconds: float, *, elsewhere: bool) -> None:
        await asyncio.sleep(seconds)
        if self.up:
            self._usb.audio_appears(elsewhere=elsewhere)

    def _ports_vanish(self) -> None:
        self._terminal.forget()
        self._usb.vanish()
        self._network.audio.port_gone()

    def _look(self) -> None:
        reachable = self.up and self._terminal.port.is_open and self._state.on_network
        if not reachable:
            self.reachable_since = None
            self.reachable.clear()
        elif self.reachable_since is None:
            self.reachable_since = time.monotonic()
            self.reachable.set()
            self._on_reachable()
