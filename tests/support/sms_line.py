"""A line for text messages: the simulated module or a scripted port below, a real database above."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from services.errors import LineError, StorageError
from services.storage.database import Database
from services.storage.engine import DATABASE_FILE, sqlite_url
from services.storage.people.companies import Companies
from services.storage.texts.messages import LineTexts, TextMessages
from services.storage.texts.records import TextMessage
from telephony.at.channel import AtChannel
from telephony.serial_port import SerialPort

COMPANY, LINE = "default", "gsm"
PATIENCE = 8.0
_EMPTY: list[bytes] = []


class JumpingClock:
    """Calendar time that a test moves ahead."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def monotonic(self) -> float:
        """Seconds of the loop."""
        return asyncio.get_running_loop().time()

    def now(self) -> datetime:
        """Now, and what was jumped."""
        return datetime.now(UTC) + self.ahead

    def jump(self, **by: float) -> None:
        """Move ahead."""
        self.ahead += timedelta(**by)


class TroubledStore:
    """The store of a line whose disk fails when a test says so; `after` runs behind a method that has done its work."""

    def __init__(self, store: LineTexts) -> None:
        self._store = store
        self.failing: set[str] = set()
        self.refused = ""
        self.after: dict[str, Callable[[], Awaitable[None]]] = {}
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        async def call(*args: Any, **more: Any) -> Any:
            self.calls.append(name)
            if name in self.failing:
                raise StorageError("The disk is full.")
            if name == "add_part" and self.refused and args[0].number == self.refused:
                raise StorageError("The database refused.")
            result = await method(*args, **more)
            if name in self.after:
                await self.after[name]()
            return result

        return call


@asynccontextmanager
async def texts_in(folder: Path, clock: JumpingClock) -> AsyncIterator[TextMessages]:
    """Text messages in a new database."""
    async with database_in(folder) as database:
        yield TextMessages(database, clock)


@asynccontextmanager
async def database_in(folder: Path) -> AsyncIterator[Database]:
    """A new database with one company; the migrations are run once and their result is copied."""
    file = folder / "data" / DATABASE_FILE
    if _EMPTY:
        file.parent.mkdir(exist_ok=True)
        await asyncio.to_thread(file.write_bytes, _EMPTY[0])
    database = Database(sqlite_url(file.parent))
    if not _EMPTY:
        await database.migrate()
        await Companies(database).ensure_default("Bakery", "ru", "Europe/Moscow", {})
        await database.close()
        _EMPTY.append(await asyncio.to_thread(file.read_bytes))
        database = Database(sqlite_url(file.parent))
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def channel_to(path: str) -> AsyncIterator[AtChannel]:
    """An AT channel to a module that announces messages."""
    channel = AtChannel(await SerialPort.open(path))
    try:
        with suppress(LineError):  # who was killed in the middle of a message has left the modem waiting for its text
            await channel.request("AT", 1.0)
        for command in ("ATE0", "AT+CMEE=1", "AT+CMGF=0", "AT+CNMI=2,1,0,1,0"):
            await channel.request(command)
        yield channel
    finally:
        await channel.close()


Answer = Sequence[str] | None


class ScriptedPort:
    """A modem of a few lines: `answer` gives the lines for a command (None: silence), `sent` for a message's text."""

    path = "scripted"

    def __init__(self, answer: Callable[[str], Answer], sent: Callable[[str], Answer] | None = None) -> None:
        self.lost = ""
        self.commands: list[str] = []
        self.texts: list[str] = []
        self._answer = answer
        self._sent = sent
        self._out: asyncio.Queue[bytes] = asyncio.Queue()
        self._typed = ""
        self._prompted = False

    async def read(self) -> bytes:
        """Return what the modem says."""
        return await self._out.get()

    async def write(self, data: bytes, timeout: float = 2.0) -> None:
        """Take commands, and texts after a prompt."""
        for char in data.decode("latin-1"):
            if self._prompted and char in "\x1a\x1b":
                text, self._typed, self._prompted = self._typed, "", False
                if char == "\x1a":
                    self.texts.append(text)
                    self.say(self._sent(text) if self._sent else ["+CMGS: 1", "OK"])
            elif not self._prompted and char == "\r":
                command, self._typed = self._typed, ""
                self.commands.append(command)
                if command.startswith("AT+CMGS="):
                    self._prompted = True
                    self._out.put_nowait(b"\r\n> ")
                elif command == "AT+CPMS?":
                    self.say(['+CPMS: "SM",0,15,"SM",0,15,"SM",0,15', "OK"])
                else:
                    self.say(self._answer(command))
            else:
                self._typed += char

    def say(self, lines: Answer) -> None:
        """Print lines."""
        for line in lines or ():
            self._out.put_nowait(f"\r\n{line}\r\n".encode())

    def vanish(self) -> None:
        """Be unplugged."""
        self._out.put_nowait(b"")

    async def close(self) -> None:
        """Nothing to close."""


async def until(true: Callable[[], Awaitable[bool]] | Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Wait until `true`; TimeoutError after `seconds`."""
    async with asyncio.timeout(seconds):
        while True:
            result = true()
            if await result if isinstance(result, Awaitable) else result:
                return
            await asyncio.sleep(0.02)


async def messages(texts: TextMessages, count: int) -> Sequence[TextMessage]:
    """Wait for so many messages and return them, oldest first."""

    async def there() -> bool:
        return len(await texts.list(COMPANY)) >= count

    await until(there)
    return list(reversed(await texts.list(COMPANY)))


async def with_status(texts: TextMessages, message_id: str, status: str) -> TextMessage:
    """Wait until a message has a status."""
    found: list[TextMessage] = []

    async def reached() -> bool:
        message = await texts.get(COMPANY, message_id)
        if message is not None and message.status == status:
            found.append(message)
        return bool(found)

    await until(reached)
    return found[0]
