"""What each fault does at the moment when it strikes."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from telephony.simulator.dice import Dice
from telephony.simulator.faults import Faults
from telephony.simulator.log import SimulatorError
from telephony.simulator.module.state import ModuleState
from telephony.simulator.module.terminal import Terminal
from telephony.simulator.network.exchange import Network
from telephony.simulator.power import Power
from telephony.simulator.sms.service import ShortMessages

NETWORK_AWAY: Final = 1.0
"""Seconds until a lost network is back."""
REGISTRATION_AWAY: Final = 3.0
SIM_AWAY: Final = 3.0
PORTS_AWAY: Final = 1.0

Spawn = Callable[[Coroutine[Any, Any, None], str], None]


class Strikes:
    """Faults that are events, by name: `strike` lets one happen now."""

    def __init__(
        self,
        *,
        network: Network,
        terminal: Terminal,
        state: ModuleState,
        messages: ShortMessages,
        power: Power,
        faults: Faults,
        dice: Dice,
        spawn: Spawn,
    ) -> None:
        self._network, self._terminal, self._state = network, terminal, state
        self._power, self._faults, self._dice, self._spawn = power, faults, dice, spawn
        self._actions: dict[str, Callable[[], None]] = {
            "audio-port-vanishes": self._audio_port_vanishes,
            "caller-hangs-up-mid-sentence": self._hang_up,
            "deaf": self._deafen,
            "deaf-until-reset": self._hang,
            "echo-returns": self._echo,
            "junk": terminal.junk,
            "mute-audio": self._mute,
            "network-lost": self._lose_network,
            "port-returns-elsewhere": lambda: power.reboot(elsewhere=True),
            "port-vanishes": power.reboot,
            "registration-lost": self._lose_registration,
            "silent-loss": network.lose_silently,
            "sim-pulled": self._pull_sim,
            "sms-full": messages.fill,
            "stuck-command": terminal.stick,
            "usb-reenumerates": self._reenumerate,
            "wedged-audio": self._wedge,
        }

    @property
    def names(self) -> list[str]:
        """The faults that can be let happen at any moment."""
        return sorted(self._actions)

    def strike(self, name: str) -> None:
        """Let it happen. Raises SimulatorError for a fault that is no event."""
        if name not in self._actions:
            raise SimulatorError(f"{name!r} cannot strike at a moment of its own; these can: {', '.join(self.names)}.")
        self._actions[name]()

    def _audio_port_vanishes(self) -> None:
        self._power.lose_audio_port(self._faults.lasting(PORTS_AWAY), elsewhere=self._dice.coin())

    def _reenumerate(self) -> None:
        self._power.reenumerate(self._faults.lasting(PORTS_AWAY), elsewhere=True)

    def _hang_up(self) -> None:
        if self._network.in_call and self._network.current is not None:
            self._network.far_end_ended(self._network.current, "caller")

    def _deafen(self) -> None:
        self._terminal.deafen()

    def _hang(self) -> None:
        self._terminal.hung = True

    def _echo(self) -> None:
        self._state.echo = True

    def _wedge(self) -> None:
        self._network.audio.wedged = True

    def _mute(self) -> None:
        self._network.audio.mute = True

    def _lose_network(self) -> None:
        self._go_off(self._dice.one_of(2, 0), NETWORK_AWAY)

    def _lose_registration(self) -> None:
        self._away(self._dice.one_of(2, 0), REGISTRATION_AWAY)

    def _pull_sim(self) -> None:
        self._state.sim_pulled = True
        if self._state.habits.pulled_line:
            self._terminal.unsolicited(self._state.habits.pulled_line)
        self._go_off(0, SIM_AWAY)

    def _go_off(self, stat: int, seconds: float) -> None:
        """Registration goes, and with it every call: told, or by a draw silently."""
        self._away(stat, seconds)
        for call in reversed(self._network.calls()):
            if call.is_active and self._dice.coin():
                self._network.lose_silently()
            else:
                self._network.far_end_ended(call, "network")

    def _away(self, stat: int, seconds: float) -> None:
        self._power.register(stat)
        self._spawn(self._back(self._faults.lasting(seconds)), "network returns")

    async def _back(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        pulled, self._state.sim_pulled = self._state.sim_pulled, False
        if pulled:
            self._terminal.unsolicited(f"+CPIN: {self._state.pin_state()}")
        self._power.register(1)
