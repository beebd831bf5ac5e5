"""A process with one modem and a database, without speech: it answers every call and says into it what it hears.

Run as a script (`DATABASE_URL AT_PORT AUDIO_PORT LEASE_SECONDS`) it writes what happens to its standard output, a word
a line: starting, waiting (another process has the modem), ready, answered, closed. `modem_house` runs it.
"""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 40.0


class ModemHouse:
    """The running process; `told` is every word so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.told: list[str] = []
        self._news = asyncio.Event()
        self._reading = asyncio.create_task(self._read(), name="modem house")

    async def until(self, word: str, times: int = 1) -> None:
        """Wait until it has said a word so often."""
        async with asyncio.timeout(PATIENCE):
            while self.told.count(word) < times:
                assert self.process.returncode is None or not self._reading.done(), self.told
                self._news.clear()
                await self._news.wait()

    async def kill(self) -> None:
        """Kill it at once."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        await self._reading

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            self.told.append(line.decode().strip())
            self._news.set()
        self._news.set()


@asynccontextmanager
async def modem_house(url: str, at_port: str, audio_port: str, lease: float) -> AsyncIterator[ModemHouse]:
    """Run a process within the context."""
    given = [sys.executable, __file__, url, at_port, audio_port, str(lease)]
    process = await asyncio.create_subprocess_exec(*given, stdout=subprocess.PIPE)
    house = ModemHouse(process)
    try:
        yield house
    finally:
        await house.kill()
        process._transport.close()  # type: ignore[attr-defined]


async def _run(url: str, at_port: str, audio_port: str, lease: float) -> None:
    from services.audio.frame import Frame
    from services.parts import State
    from services.storage.database import Database
    from services.storage.leases import Leases
    from services.voice.line import AudioLine, LineInfo
    from telephony.answering import Answering
    from telephony.gsm import GsmService
    from telephony.modem_lease import hold_by
    from telephony.settings import TelephonySettings

    def tell(word: str) -> None:
        sys.stdout.write(f"{word}\n")
        sys.stdout.flush()

    async def take(line: AudioLine) -> None:
        await line.answer()
        tell("answered")
        async for event in line.events():
            if isinstance(event, Frame):
                await line.send(event)
        tell("closed")

    async def missed(_number: str) -> None:
        tell("missed")

    async def rejected(_number: str, _reason: str) -> None:
        tell("rejected")

    database = Database(url)
    settings = TelephonySettings(at_port=at_port, audio_port=audio_port)
    answering = Answering(take, LineInfo("gsm", "in", "default", language="en", line="gsm"), missed, rejected)
    service = GsmService(settings, answering, hold=hold_by(Leases(database), lease))
    tell("starting")
    await service.start()
    said = ""
    while True:
        part = service.part()
        word = "ready" if part.state is State.READY else "waiting" if "another process" in part.detail else ""
        if word and word != said:
            said = word
            tell(word)
        await service.changed()


if __name__ == "__main__":
    sys.path[0] = str(ROOT)
    asyncio.run(_run(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])))
