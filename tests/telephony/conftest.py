"""A small scripted modem on two pseudo-terminals, for the driver's tests alone."""

import asyncio
import copy
import os
import pty
import tty
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from services.audio.frame import Frame
from services.domain import CallTerms
from services.errors import LineError
from services.voice.line import AudioLine, Closed, LineEvent, LineInfo
from telephony.answering import Answering
from telephony.gsm import GsmService
from telephony.settings import TelephonySettings

ANSWERS = {
    "AT+CGMM": ["SIMCOM_SIM7600E-H", "OK"],
    "AT+CGMR": ["+CGMR: LE20B03SIM7600M22", "OK"],
    "AT+CGSN": ["860000000000001", "OK"],
    "AT+CPIN?": ["+CPIN: READY", "OK"],
    "AT+CREG?": ["+CREG: 1,1", "OK"],
    "AT+CSQ": ["+CSQ: 21,99", "OK"],
    "AT+COPS?": ['+COPS: 0,0,"Example, Net",7', "OK"],
    "AT+CPMUTEMP": ["ERROR"],
    "ATA": ["VOICE CALL: BEGIN", "OK"],
    "AT+CHUP": ["VOICE CALL: END: 000031", "OK"],
    "AT+CLCC": [["OK"], ['+CLCC: 1,1,0,0,0,"+79991234567",145', "OK"]],  # no call at the start
    "AT+CPCMREG=1": ["OK"],
}


class Node:
    """The modem's end of one pseudo-terminal; `path` is the host's end."""

    def __init__(self, receive: Callable[[bytes], None]) -> None:
        self.master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self.master, False)
        self.path = os.ttyname(self._slave)
        self._receive = receive
        self._news = asyncio.Event()
        asyncio.get_running_loop().add_reader(self.master, self._readable)

    def _readable(self) -> None:
        try:
            self._receive(os.read(self.master, 4096))
            self._news.set()
        except OSError:
            asyncio.get_running_loop().remove_reader(self.master)

    async def news(self) -> None:
        """Wait until the host has written something."""
        self._news.clear()
        await self._news.wait()

    def pause(self) -> None:
        """Stop taking what the host writes: a wedged endpoint."""
        asyncio.get_running_loop().remove_reader(self.master)

    def write(self, data: bytes) -> None:
        os.write(self.master, data)

    def unplug(self) -> None:
        if self.master >= 0:
            asyncio.get_running_loop().remove_reader(self.master)
            os.close(self.master)
            os.close(self._slave)
            self.master = -1


class ScriptedModem:
    """Answers from a table, `OK` to everything else; a list of lists is used up answer by answer."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = copy.deepcopy(ANSWERS)
        self.echo = True
        self.received: list[str] = []
        self._news = asyncio.Event()
        self.heard = bytearray()
        self.at = Node(self._command)
        self.audio = Node(self.heard.extend)
        self._partial = b""

    def _command(self, data: bytes) -> None:
        *commands, self._partial = (self._partial + data).split(b"\r")
        for raw in commands:
            command = raw.decode()
            self.received.append(command)
            self._news.set()
            if self.echo:
                self.at.write(raw + b"\r")
            if not command.startswith("AT"):
                continue  # a module says nothing to a line that is no command
            if command == "ATE0":
                self.echo = False
            answer = self.answers.get(command, ["OK"])
            if answer and isinstance(answer[0], list):
                answer = answer.pop(0) if len(answer) > 1 else answer[0]
            self.say(*answer)

    def say(self, *lines: str) -> None:
        for line in lines:
            self.at.write(f"\r\n{line}\r\n".encode())

    def ring(self, number: str | None = "+79991234567") -> None:
        self.say("RING", *([] if number is None else [f'+CLIP: "{number}",145,,,,0']))

    async def until(self, command: str, times: int = 1) -> None:
        async with asyncio.timeout(8):
            while self.received.count(command) < times:
                self._news.clear()
                await self._news.wait()

    def unplug(self) -> None:
        self.at.unplug()
        self.audio.unplug()


@pytest.fixture
async def scripted() -> AsyncIterator[ScriptedModem]:
    modem = ScriptedModem()
    yield modem
    modem.unplug()


@pytest.fixture
async def make_scripted() -> AsyncIterator[Callable[[], ScriptedModem]]:
    made: list[ScriptedModem] = []

    def make() -> ScriptedModem:
        made.append(ScriptedModem())
        return made[-1]

    yield make
    for modem in made:
        modem.unplug()


Take = Callable[[AudioLine], Awaitable[None]]


class Desk:
    """Takes calls, remembers what came, and lets the test act on the line."""

    terms = CallTerms()

    def __init__(self) -> None:
        self.lines: asyncio.Queue[AudioLine] = asyncio.Queue()
        self.events: list[LineEvent] = []
        self.closed: asyncio.Queue[str] = asyncio.Queue()
        self.missed: asyncio.Queue[str] = asyncio.Queue()
        self.rejected: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    async def take(self, line: AudioLine) -> None:
        try:
            await line.answer()
        except LineError:
            pass
        else:
            self.lines.put_nowait(line)
        async for event in line.events():
            self.events.append(event)
            if isinstance(event, Closed):
                self.closed.put_nowait(event.reason)

    async def on_missed(self, number: str) -> None:
        self.missed.put_nowait(number)

    async def on_rejected(self, number: str, reason: str) -> None:
        self.rejected.put_nowait((number, reason))

    def answering(self, take: Take | None = None, **more: Any) -> Answering:
        info = LineInfo("gsm", "in", "company", language="en", line="gsm")
        return Answering(take or self.take, info, self.on_missed, self.on_rejected, **more)

    async def line(self) -> AudioLine:
        async with asyncio.timeout(8):
            return await self.lines.get()

    async def reason(self) -> str:
        async with asyncio.timeout(8):
            return await self.closed.get()

    def frames(self) -> list[Frame]:
        return [event for event in self.events if isinstance(event, Frame)]


def settings(modem: Any, **more: Any) -> TelephonySettings:
    return TelephonySettings(at_port=modem.at.path, audio_port=modem.audio.path, **more)


@asynccontextmanager
async def _serving(modem: Any, desk: Desk, take: Take | None = None, **more: Any) -> AsyncIterator[GsmService]:
    service = GsmService(settings(modem, **more), desk.answering(take))
    await service.start()
    try:
        assert await service.wait_ready(8)
        yield service
    finally:
        await service.close()
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert left == []


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def serving() -> Callable[..., AbstractAsyncContextManager[GsmService]]:
    """A running service; at its end no task may be left."""
    return _serving
