"""A host of the tests' own: file descriptors on the two nodes and nothing of the driver."""

import asyncio
import os
import re
import termios
import tty
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from telephony.simulator import ModemSimulator


class RawHost:
    """Writes bytes, splits what comes on any run of CR and LF, keeps all bytes in `raw`."""

    def __init__(self, path: str) -> None:
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self.fd, termios.TCSANOW)  # what the module said already stays
        self.raw = b""
        self._partial = b""
        self.lines: asyncio.Queue[str] = asyncio.Queue()
        self.gone = False
        asyncio.get_running_loop().add_reader(self.fd, self._readable)

    def _readable(self) -> None:
        try:
            data = os.read(self.fd, 4096)
        except OSError:
            data = b""
        if not data:
            self.gone = True
            asyncio.get_running_loop().remove_reader(self.fd)
            self.lines.put_nowait("(gone)")
            return
        self.raw += data
        *whole, self._partial = re.split(rb"[\r\n]+", self._partial + data)
        for line in whole:
            if line:
                self.lines.put_nowait(line.decode("latin-1"))
        if self._partial == b"> ":
            self.lines.put_nowait("> ")
            self._partial = b""

    def send(self, text: str) -> None:
        os.write(self.fd, text.encode())

    async def line(self, timeout: float = 3.0) -> str:
        async with asyncio.timeout(timeout):
            return await self.lines.get()

    async def take(self, count: int) -> list[str]:
        return [await self.line() for _ in range(count)]

    async def until(self, wanted: str) -> list[str]:
        """Lines up to and with the first that matches `wanted`."""
        seen = [await self.line()]
        while not re.fullmatch(wanted, seen[-1]):
            seen.append(await self.line())
        return seen

    async def ask(self, command: str) -> list[str]:
        """Send a command and return its lines up to the final."""
        self.send(command + "\r")
        return await self.until(r"OK|ERROR|\+CM[ES] ERROR: .*|NO CARRIER")

    async def until_ok(self, command: str) -> None:
        """Ask again and again until the answer is OK, as for a module that is not ready yet."""
        async with asyncio.timeout(3):
            while (await self.ask(command))[-1] != "OK":  # noqa: ASYNC110 - there is no event to wait for
                await asyncio.sleep(0.05)

    async def quiet(self, seconds: float = 0.1) -> list[str]:
        """Whatever comes in `seconds`."""
        await asyncio.sleep(seconds)
        return [self.lines.get_nowait() for _ in range(self.lines.qsize())]

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.fd)
        os.close(self.fd)


class AudioHost:
    """Reads the audio node with times of arrival and writes in real time from `source`."""

    def __init__(self, path: str) -> None:
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self.fd, termios.TCSANOW)  # what the module said already stays
        self.data = bytearray()
        self.chunks: list[tuple[float, int]] = []
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self.fd, self._readable)

    def _readable(self) -> None:
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        if not data:
            self._loop.remove_reader(self.fd)
            return
        self.chunks.append((self._loop.time(), len(data)))
        self.data += data

    async def play(self, pcm: bytes, size: int = 320, ahead: float = 0.16) -> None:
        """Write 20 ms frames by an absolute schedule, `ahead` seconds early."""
        start = self._loop.time() - ahead
        for index, offset in enumerate(range(0, len(pcm), size)):
            await asyncio.sleep(max(0.0, start + 0.02 * index - self._loop.time()))
            os.write(self.fd, pcm[offset : offset + size])

    def close(self) -> None:
        self._loop.remove_reader(self.fd)
        os.close(self.fd)


class Bench:
    """A powered module with both nodes open and the start-up commands given."""

    def __init__(self, sim: ModemSimulator) -> None:
        self.sim = sim
        self.at = RawHost(sim.at_port)
        self.audio = AudioHost(sim.audio_port)

    async def start_up(self) -> None:
        for command in ("ATE0", "AT+CMEE=1", "AT+CREG=1", "AT+CLIP=1", "AT+CVHU=0", "AT+CNMI=2,1,0,1,0", "AT+DDET=1"):
            await self.at.ask(command)
        await self.at.quiet(0.02)

    def reopen_at(self) -> None:
        """Close the AT node and open the one that is there now."""
        self.at.close()
        self.at = RawHost(self.sim.at_port)

    def reopen_audio(self) -> None:
        self.audio.close()
        self.audio = AudioHost(self.sim.audio_port)

    def reopen(self) -> None:
        self.reopen_at()
        self.reopen_audio()

    async def talk(self, number: str = "+79991234567") -> Any:
        """Ring, answer, and open the audio path; returns the call."""
        call = await self.sim.ring(number)
        await self.at.until(r"\+CLIP.*")
        await self.at.ask("ATA")
        await call.answered(2)
        assert await self.at.ask("AT+CPCMREG=1") == ["OK"]
        return call


@asynccontextmanager
async def _bench(*faults: str, start: bool = True, **options: Any) -> AsyncIterator[Bench]:
    options.setdefault("ring_period", 0.2)
    async with ModemSimulator(faults, **options) as sim:
        bench = Bench(sim)
        try:
            if start:
                await bench.start_up()
            yield bench
        finally:
            bench.at.close()
            bench.audio.close()


@pytest.fixture
def bench() -> Callable[..., Any]:
    return _bench


async def until(happened: Callable[[], bool], seconds: float = 3.0) -> None:
    """Look until it happened. TimeoutError after `seconds`."""
    async with asyncio.timeout(seconds):
        while not happened():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.01)


@pytest.fixture(scope="session")
def wait_until() -> Callable[..., Any]:
    return until


@contextmanager
def _counted() -> Iterator[None]:
    before = len(list(Path("/proc/self/fd").iterdir()))
    tasks = asyncio.all_tasks()
    yield
    assert asyncio.all_tasks() == tasks
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.fixture(scope="session")
def raw_host() -> type[RawHost]:
    return RawHost


@pytest.fixture
def nothing_left() -> Callable[[], Any]:
    return _counted
