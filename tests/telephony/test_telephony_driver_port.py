"""Serial ports: real pseudo-terminals, and each way in which opening one fails."""

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from services.errors import PortError
from telephony.find_ports import ModemPorts, choose, find_ports, modems
from telephony.serial_port import MAX_UNREAD, SerialPort


async def test_bytes_both_ways_unchanged(scripted: Any) -> None:
    port = await SerialPort.open(scripted.audio.path)
    everything = bytes(range(256))
    scripted.audio.write(everything)
    received = b""
    async with asyncio.timeout(5):
        while len(received) < 256:
            received += await port.read()
    assert received == everything
    await port.write(everything)
    async with asyncio.timeout(5):
        while len(scripted.heard) < 256:
            await scripted.audio.news()
    assert bytes(scripted.heard) == everything
    await port.close()
    await port.close()
    assert await port.read() == b""
    assert port.lost == ""
    with pytest.raises(PortError):
        await port.write(b"x")


async def test_flush_drops_what_lies_there_and_reads_on(scripted: Any) -> None:
    port = await SerialPort.open(scripted.audio.path)
    scripted.audio.write(b"stale")
    await asyncio.sleep(0.05)
    scripted.audio.write(b"older")  # may still be in the kernel
    port.flush_input()
    await asyncio.sleep(0.05)
    assert not port.closed
    assert port.unread == 0
    scripted.audio.write(b"new")
    async with asyncio.timeout(5):
        assert await port.read() == b"new"
    await port.close()


async def test_slow_reader_is_bounded_and_loses_nothing(scripted: Any) -> None:
    port = await SerialPort.open(scripted.audio.path)
    sent = received = 0
    while sent < 4 * MAX_UNREAD and port.unread < MAX_UNREAD:
        try:
            sent += os.write(scripted.audio.master, b"x" * 1000)
        except BlockingIOError:
            pass
        await asyncio.sleep(0)
    assert port.unread < MAX_UNREAD + 4096
    async with asyncio.timeout(5):
        while received < sent:
            received += len(await port.read())
    await port.close()


async def test_vanished_port(scripted: Any) -> None:
    port = await SerialPort.open(scripted.at.path)
    reading = asyncio.create_task(port.read())
    await asyncio.sleep(0)
    scripted.at.unplug()
    async with asyncio.timeout(5):
        assert await reading == b""
        await port.wait_closed()
    assert "vanished" in port.lost
    with pytest.raises(PortError, match="vanished"):
        await port.write(b"AT\r")


async def test_write_to_a_port_that_takes_nothing(scripted: Any) -> None:
    port = await SerialPort.open(scripted.audio.path)
    scripted.audio.pause()
    with pytest.raises(PortError, match="does not take data"):
        await port.write(bytes(1_000_000), timeout=0.2)
    assert not port.closed
    await port.close()


async def test_missing_port() -> None:
    with pytest.raises(PortError, match=r"There is no serial port /dev/ttyUSB99.* Plug the modem in"):
        await SerialPort.open("/dev/ttyUSB99")


async def test_busy_port(scripted: Any) -> None:
    first = await SerialPort.open(scripted.at.path)
    with pytest.raises(PortError, match=r"Another program holds .*ModemManager"):
        await SerialPort.open(scripted.at.path)
    await first.close()
    await (await SerialPort.open(scripted.at.path)).close()


async def test_forbidden_port(scripted: Any) -> None:
    os.chmod(scripted.at.path, 0)  # noqa: PTH101 - a node of /dev/pts, no file that could block
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        with pytest.raises(PortError, match=r"may not be opened .*sudo usermod -aG dialout \$USER"):
            await SerialPort.open(scripted.at.path)
    finally:
        if root:
            os.seteuid(0)


async def test_what_is_no_serial_port(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "file", Path("/dev/null")):
        with pytest.raises(PortError, match="is not a serial port"):
            await SerialPort.open(str(path))
    with pytest.raises(PortError):
        await SerialPort.open("bad\0path")


@dataclass
class Usb:
    device: str
    location: str | None
    vid: int | None = 0x1E0E
    pid: int | None = 0x9001


def modem(place: str, first: int, pid: int = 0x9001, interfaces: range = range(5)) -> list[Usb]:
    return [Usb(f"/dev/ttyUSB{first + at}", f"{place}:1.{number}", pid=pid) for at, number in enumerate(interfaces)]


def test_ports_are_found_by_interface_not_by_node() -> None:
    assert choose(modem("1-1.3", 3)) == ModemPorts("/dev/ttyUSB5", "/dev/ttyUSB7", "1-1.3")
    assert choose(modem("1-1", 0, 0x9011, range(2, 7))) == ModemPorts("/dev/ttyUSB2", "/dev/ttyUSB4", "1-1")
    others = [Usb("/dev/ttyUSB0", "1-2:1.2", vid=0x0403), Usb("/dev/ttyS0", None, None, None)]
    assert choose(others) is None
    half, other = modem("2-1", 5)[:3], modem("2-2", 8)
    assert choose([*others, *half, *other]) == ModemPorts("/dev/ttyUSB10", "/dev/ttyUSB12", "2-2")
    assert choose(half) == ModemPorts("/dev/ttyUSB7", "", "2-1")
    assert [each.place for each in modems([*others, *other, *half])] == ["2-1", "2-2"]


async def test_a_port_may_be_a_pattern(tmp_path: Path) -> None:
    with pytest.raises(PortError, match="There is no serial port"):
        await find_ports(str(tmp_path / "*-if02"), "/dev/ttyUSB4")
    (tmp_path / "usb-x-if02").touch()
    assert (await find_ports(str(tmp_path / "*-if02"), "/dev/ttyUSB4")).at == str(tmp_path / "usb-x-if02")


async def test_given_ports_are_used() -> None:
    assert await find_ports("/dev/a", "/dev/b") == ModemPorts("/dev/a", "/dev/b")
