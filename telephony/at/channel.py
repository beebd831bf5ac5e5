"""An AT port on asyncio: one command at a time, URCs to whoever listens, recovery when the modem goes silent."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

import structlog

from services.errors import LineError, ModemError
from telephony.at.answer import DEFAULT_TIMEOUT, Command
from telephony.at.dialogue import ESCAPE, PROBE_TIMEOUT, AtDialogue
from telephony.at.events import Answered, Event, Recovered, ReopenNeeded, ResetNeeded, Stray, TimedOut, Told
from telephony.at.results import AtResult, explain, shown
from telephony.at.urcs import Urc

MAX_WAITING = 16
MAX_URCS = 200
WRITE_TIMEOUT = 2.0
SLICE = 2048
"""Bytes judged in one go; between two slices the event loop gets its turn."""

log = structlog.get_logger()


class Port(Protocol):
    """The bytes below the channel: a SerialPort, or anything that behaves like one."""

    path: str
    lost: str

    async def read(self) -> bytes:
        """Return what arrived, b"" when the port is gone."""
        ...

    async def write(self, data: bytes, timeout: float = 2.0) -> None:
        """Write all of `data` or raise PortError."""
        ...

    async def close(self) -> None:
        """Close the port."""
        ...


class AtChannel:
    """Commands and URCs over one port, which it owns and closes.

    `fault` says why the channel ended by itself, None while it works and after `close`. `reopen_needed` is True when it
    ended because the modem fell silent: then the next channel should be made with `after_reopen=True`, and resets the
    modem when it finds it silent too.
    """

    def __init__(self, port: Port, *, after_reopen: bool = False, probe_timeout: float = PROBE_TIMEOUT) -> None:
        self.fault: LineError | None = None
        self.reopen_needed = False
        self._port = port
        self._dialogue = AtDialogue(after_reopen=after_reopen, probe_timeout=probe_timeout)
        self._loop = asyncio.get_running_loop()
        self._turn = asyncio.Lock()
        self._idle = asyncio.Event()
        self._idle.set()
        self._waiting = 0
        self._pending: asyncio.Future[AtResult] | None = None
        self._listeners: list[Callable[[Urc], None]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._to_write: asyncio.Queue[bytes] = asyncio.Queue(MAX_WAITING)
        self._ended = asyncio.Event()
        self._tasks = [self._loop.create_task(self._read()), self._loop.create_task(self._write())]

    @property
    def closed(self) -> bool:
        """True when no command can be sent any more."""
        return self._ended.is_set()

    async def wait_closed(self) -> None:
        """Wait until the channel has ended, by `close` or by a fault."""
        await self._ended.wait()

    async def settled(self, seconds: float) -> None:
        """Wait until a modem that fell silent answers again or is given up (the channel then ends), at most so long."""
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            pass

    async def command(self, text: str, timeout: float = DEFAULT_TIMEOUT, *, payload: bytes | None = None) -> AtResult:
        """Send a command and return its result. Raises ModemError when it is refused or not answered in time."""
        result = await self.request(text, timeout, payload=payload)
        if not result.ok:
            raise ModemError(*explain(result))
        return result

    async def request(self, text: str, timeout: float = DEFAULT_TIMEOUT, *, payload: bytes | None = None) -> AtResult:
        """Like `command`, but return a refusal instead of raising; silence and a lost port still raise."""
        command = Command(text, timeout, payload)
        if self._waiting >= MAX_WAITING:
            raise ModemError(f"The modem has too much to do: {MAX_WAITING} commands are waiting.", "Try again later.")
        self._waiting += 1
        try:
            async with self._turn:
                await self._idle.wait()
                self._refuse_when_closed()
                self._pending = self._loop.create_future()
                self._dialogue.submit(command, self._loop.time())
                self._pump(())
                return await self._pending
        finally:
            self._waiting -= 1

    def leave_text(self) -> None:
        """Leave the text entry of a message, in which a program that was killed may have left the modem.

        To a modem that waits for commands it is nothing; before the first command only, for it is no command itself.
        """
        self._send(ESCAPE)

    def subscribe(self, listener: Callable[[Urc], None]) -> Callable[[], None]:
        """Call `listener` with every URC, in the order of the wire and before a later answer; return the way out."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    @contextmanager
    def urcs(self) -> Iterator[AsyncIterator[Urc]]:
        """Within the context, iterate over the URCs from now on; ends with the channel, drops the oldest when slow."""
        waiting: deque[Urc] = deque(maxlen=MAX_URCS)
        arrived = asyncio.Event()

        def keep(urc: Urc) -> None:
            waiting.append(urc)
            arrived.set()

        async def iterate() -> AsyncIterator[Urc]:
            ended = self._loop.create_task(self._ended.wait())
            ended.add_done_callback(lambda _: arrived.set())
            try:
                while waiting or not self.closed:
                    while waiting:
                        yield waiting.popleft()
                    arrived.clear()
                    if not self.closed:
                        await arrived.wait()
            finally:
                ended.cancel()

        leave = self.subscribe(keep)
        try:
            yield iterate()
        finally:
            leave()

    async def close(self) -> None:
        """End the channel and close its port; idempotent. Pending commands raise ModemError."""
        self._end(None)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._port.close()

    async def _read(self) -> None:
        while data := await self._port.read():
            for start in range(0, len(data), SLICE):
                self._pump(self._dialogue.receive(data[start : start + SLICE], self._loop.time()))
                await asyncio.sleep(0)
        self._end(
            ModemError(
                self._port.lost or f"The modem's port {self._port.path} was closed.",
                "Plug the modem in again and check its cable and power supply.",
            )
        )

    async def _write(self) -> None:
        while True:
            data = await self._to_write.get()
            try:
                await self._port.write(data, WRITE_TIMEOUT)
            except LineError as error:
                self.reopen_needed = True
                self._end(error)
                return

    def _tick(self) -> None:
        self._pump(self._dialogue.tick(self._loop.time()))

    def _pump(self, events: Iterable[Event]) -> None:
        """Act on events, send what the dialogue wants to send, and set the next alarm."""
        for event in events:
            self._act(event)
        if (data := self._dialogue.outgoing()) and not self.closed:
            self._send(data)
        if self._timer:
            self._timer.cancel()
        deadline = self._dialogue.deadline
        # A hair later than the deadline, so that the clock has passed it when the alarm rings.
        self._timer = (
            self._loop.call_at(deadline + 0.001, self._tick) if deadline is not None and not self.closed else None
        )
        if self._dialogue.busy and not self.closed:
            self._idle.clear()
        else:
            self._idle.set()

    def _send(self, data: bytes) -> None:
        try:
            self._to_write.put_nowait(data)
        except asyncio.QueueFull:
            self.reopen_needed = True
            self._end(ModemError("The modem takes no commands.", "Its port is being opened again."))

    def _act(self, event: Event) -> None:
        match event:
            case Told(urc):
                self._tell(urc)
            case Answered(result):
                if self._pending and not self._pending.done():
                    self._pending.set_result(result)
            case TimedOut(command):
                self._fail(ModemError(f"The modem did not answer {shown(command)}.", "It is being asked again."))
            case ReopenNeeded():
                self.reopen_needed = True
                self._end(ModemError("The modem does not answer.", "Its port is being opened again."))
            case ResetNeeded():
                # The reset command is in the queue: give it the time to leave before the port closes.
                gone = ModemError("The modem does not answer.", "It is being reset; this takes up to a minute.")
                self._loop.call_later(0.5, self._end, gone)
            case Recovered():
                log.info("the modem answers again", port=self._port.path)
            case Stray(text):
                log.debug("unknown line from the modem", line=text)

    def _tell(self, urc: Urc) -> None:
        for listener in tuple(self._listeners):
            try:
                listener(urc)
            except Exception:  # one listener's fault must not stop the reading of the port
                log.exception("a listener to the modem failed", urc=urc)

    def _fail(self, error: LineError) -> None:
        if self._pending and not self._pending.done():
            self._pending.set_exception(error)
            self._pending.exception()  # taken note of: the asker may have been cancelled
        self._pending = None

    def _end(self, fault: LineError | None) -> None:
        if self.closed:
            return
        self.fault = fault
        self._ended.set()
        if self._timer:
            self._timer.cancel()
        self._fail(fault or ModemError("The connection to the modem was closed."))
        self._idle.set()

    def _refuse_when_closed(self) -> None:
        if self.closed:
            raise self.fault or ModemError("The connection to the modem was closed.")
