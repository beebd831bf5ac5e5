"""The module on the USB: found, gone, found elsewhere."""

import asyncio
import fcntl
import os
import termios
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from telephony.simulator import ModemSimulator, SimulatorError, UsbPort

AT, AUDIO = 2, 4
TIOCGEXCL = 0x80045440
"""Of Linux; the termios module does not name it."""


def node(ports: list[UsbPort], interface: int) -> str:
    (found,) = [port.device for port in ports if port.location.endswith(f":1.{interface}")]
    return found


def is_node(device: str) -> bool:
    return Path(device).is_char_device()


def holders(node: str) -> int:
    """How often this process has a node open."""
    return sum(os.path.realpath(entry) == node for entry in Path("/proc/self/fd").iterdir())


async def test_five_interfaces_are_found() -> None:
    async with ModemSimulator(usb_place="1-1.4") as sim:
        ports = sim.usb_ports()
        assert [port.location for port in ports] == [f"1-1.4:1.{number}" for number in range(5)]
        assert {(port.vid, port.pid) for port in ports} == {(0x1E0E, 0x9001)}
        assert [port.name for port in ports] == [f"ttyUSB{number}" for number in range(5)]
        assert all(is_node(port.device) for port in ports)
        assert (node(ports, AT), node(ports, AUDIO)) == (sim.at_port, sim.audio_port)


async def test_the_product_with_a_network_card_has_its_ports_two_further() -> None:
    async with ModemSimulator(usb_product=0x9011) as sim:
        ports = sim.usb_ports()
        assert [port.location[-1] for port in ports] == list("23456")
        assert node(ports, 4) == sim.at_port
        assert node(ports, 6) == sim.audio_port
        assert Path(sim.audio_port).name == "ttyUSB4"
    with pytest.raises(SimulatorError):
        ModemSimulator(usb_product=0x9002)


async def test_unplugged_and_plugged_in_elsewhere(bench: Callable[..., Any]) -> None:
    async with bench() as b:
        call = await b.talk()
        before = b.sim.at_port
        await b.sim.unplug()
        assert b.sim.usb_ports() == []
        assert b.sim.reachable_since is None
        assert await call.ended(1) == "modem"
        with pytest.raises(SimulatorError):
            await b.sim.ring()
        await b.sim.plug_in(elsewhere=True, place="2-1")
        assert {port.location.partition(":")[0] for port in b.sim.usb_ports()} == {"2-1"}
        assert b.sim.at_port != before
        assert not is_node(before)
        b.reopen()
        await b.at.until("PB DONE")
        assert await b.at.ask("AT") == ["AT", "OK"]
        with pytest.raises(SimulatorError):
            await b.sim.plug_in()


async def test_two_modules_are_told_apart(bench: Callable[..., Any]) -> None:
    async with bench(imei="861000000000025") as one, bench(imei="861000000000033", usb_place="1-1.4") as other:
        assert await one.at.ask("AT+CGSN") == ["861000000000025", "OK"]
        assert await other.at.ask("AT+CGSN") == ["861000000000033", "OK"]
        assert not {port.device for port in one.sim.usb_ports()} & {port.device for port in other.sim.usb_ports()}


async def test_the_module_boots_under_other_names(bench: Callable[..., Any]) -> None:
    async with bench("port-returns-elsewhere", reset_seconds=0.1, pace=0.2) as b:
        before = b.sim.at_port, b.sim.audio_port
        call = await b.talk()
        assert await call.ended(2) == "modem"
        await b.at.until(r"\(gone\)")
        await b.sim.reachable(2)
        assert not {b.sim.at_port, b.sim.audio_port} & set(before)
        b.reopen()
        await b.at.until("PB DONE")
        await b.start_up()
        again = await b.talk()
        await asyncio.sleep(0.3)
        assert again.is_active


async def test_the_usb_loses_the_module_and_the_call_goes_on(bench: Callable[..., Any]) -> None:
    async with bench("usb-reenumerates", pace=0.2) as b:
        before = b.sim.at_port
        call = await b.talk()
        await b.at.until(r"\(gone\)")
        assert b.sim.usb_ports() == []
        with pytest.raises(OSError, match="error"):
            os.write(b.audio.fd, bytes(320))
        await b.sim.reachable(2)
        assert b.sim.at_port != before
        b.reopen()
        assert call.is_active
        assert await b.at.ask("AT+CLCC") == ['+CLCC: 1,1,0,0,0,"+79991234567",145', "OK"]
        await b.audio.play(b"\x10\x20" * 1600)
        await asyncio.sleep(0.1)
        assert any((chunk.samples != 0).any() for chunk in call.heard)


async def test_the_audio_port_alone_goes(bench: Callable[..., Any], wait_until: Callable[..., Any]) -> None:
    async with bench("audio-port-vanishes", pace=0.2) as b:
        call = await b.talk()
        await b.audio.play(b"\x10\x20" * 160 * 8)
        before = b.sim.underruns
        await wait_until(lambda: len(b.sim.usb_ports()) < 5)
        assert [port.name for port in b.sim.usb_ports()] == [f"ttyUSB{number}" for number in range(4)]
        await asyncio.sleep(0.1)
        # From its first byte a host owes sound, but not to a port that is not there.
        counted = b.sim.underruns
        assert await b.at.ask("AT") == ["OK"]
        await asyncio.sleep(0.15)
        assert b.sim.underruns == counted >= before
        assert len(b.sim.usb_ports()) == 5
        b.reopen_audio()
        await asyncio.sleep(0.1)
        assert call.is_active
        assert b.audio.data


async def test_slow_boot(bench: Callable[..., Any], wait_until: Callable[..., Any]) -> None:
    async with bench("slow-boot", pace=0.06, reset_seconds=0.1) as b:
        await b.sim.reachable(2)
        await b.at.ask("AT+CRESET")
        await asyncio.sleep(0.2)
        assert b.sim.usb_ports() == []
        await wait_until(b.sim.usb_ports)
        b.reopen()
        await b.at.until("PB DONE")
        assert await b.at.ask("AT+CREG=1") == ["AT+CREG=1", "OK"]
        assert await b.at.ask("AT+CPIN?") == ["AT+CPIN?", "ERROR"]
        with pytest.raises(SimulatorError):
            await b.sim.ring()
        assert await b.at.line() == "+CREG: 1"
        assert (await b.at.ask("AT+CPIN?"))[1] == "+CPIN: READY"


async def test_a_lock_of_the_host_ends_when_it_closes(bench: Callable[..., Any]) -> None:
    """On a pseudo-terminal it would stay; here it is gone, and the simulator holds no node beside its host."""
    async with bench(start=False) as b:
        fcntl.ioctl(b.at.fd, termios.TIOCEXCL)
        await b.at.ask("ATE0")
        locked = fcntl.ioctl(b.at.fd, TIOCGEXCL, b"\0" * 4)
        assert locked == b"\0" * 4
        assert holders(os.ttyname(b.at.fd)) == 1
        b.reopen_at()
        assert (await b.at.ask("AT")) == ["OK"]
