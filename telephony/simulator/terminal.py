"""The AT port as characters: echo, lines, the prompt, answers and unsolicited lines in their order."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

from telephony.simulator.answer import Answer
from telephony.simulator.log import EventLog
from telephony.simulator.port import PtyPort

LINE_LIMIT = 600
WAITING_COMMANDS = 64
WAITING_OUTPUT = 2_000
PENDING_BYTES = 65_536
SLOW = 0.7
PROMPT_SECONDS = 60.0
CTRL_Z, ESC = 0x1A, 0x1B
DOUBLED = ("RING", "+CRING", "+RXDTMF", "NO CARRIER", "MISSED_CALL")


class Terminal:
    """Takes bytes from the host and gives lines to `run`; `echo` tells whether characters are echoed."""

    def __init__(
        self,
        path: Path,
        run: Callable[[str, "Terminal"], Awaitable[Answer]],
        echo: Callable[[], bool],
        log: EventLog,
        faults: frozenset[str],
        rng: random.Random,
    ) -> None:
        self.port = PtyPort(path, self._receive)
        self._run = run
        self._echo = echo
        self._log = log
        self._faults = faults
        self._rng = rng
        self._line = bytearray()
        self._commands: asyncio.Queue[str] = asyncio.Queue(WAITING_COMMANDS)
        self._output: asyncio.Queue[bytes | float] = asyncio.Queue(WAITING_OUTPUT)
        self._busy = False
        self._abort: asyncio.Event | None = None
        self._prompt: asyncio.Future[str | None] | None = None

    # -- what commands use -------------------------------------------------------------------------------------------

    async def interrupted(self, seconds: float) -> bool:
        """Wait `seconds` as a command that any byte aborts; True when one came."""
        self._abort = asyncio.Event()
        try:
            async with asyncio.timeout(seconds):
                await self._abort.wait()
        except TimeoutError:
            return False
        finally:
            self._abort = None
        return True

    async def prompt(self) -> str | None:
        """Show `> ` and take text until Ctrl-Z; None when ESC cancelled it or nothing came for 60 s."""
        self._prompt = asyncio.get_running_loop().create_future()
        self._line.clear()
        self._put(b"\r\n> ")
        try:
            async with asyncio.timeout(PROMPT_SECONDS):
                return await self._prompt
        except TimeoutError:
            return None
        finally:
            self._prompt = None
            self._line.clear()

    def unsolicited(self, text: str) -> None:
        """Print a line that nobody asked for."""
        if not self.port.is_open:
            return
        framed = self._framed(text)
        if "junk" not in self._faults:
            self._put(framed, text)
            return
        noise = bytes(self._rng.choice((0x00, 0x7E, 0x81, 0xC3, 0xFF)) for _ in range(self._rng.randrange(1, 6)))
        half = len(framed) // 2
        self._put(b"\r\n" + noise + b"\r\n" + framed[:half], text)
        self._put(0.05)
        self._put(framed[half:])

    async def flushed(self) -> None:
        """Wait until everything printed so far has gone to the port."""
        await self._output.join()

    def forget(self) -> None:
        """The port vanished: drop half a line, waiting commands and output."""
        self._line.clear()
        while not self._commands.empty():
            self._commands.get_nowait()
        while not self._output.empty():
            self._output.get_nowait()
            self._output.task_done()
        if self._prompt is not None and not self._prompt.done():
            self._prompt.set_result(None)

    # -- the two tasks -----------------------------------------------------------------------------------------------

    async def serve(self) -> None:
        """Run commands one after another, forever."""
        while True:
            line = await self._commands.get()
            self._busy = True
            self._log.add("host", line)
            answer = await self._run(line, self)
            if "slow-answers" in self._faults:
                await asyncio.sleep(SLOW)
            for text in [*answer.lines, *([answer.final] if answer.final else []), *answer.after]:
                self._put(self._framed(text), text)
            self._busy = False

    async def print(self) -> None:
        """Write what is to be printed, with its pauses, forever."""
        while True:
            item = await self._output.get()
            if isinstance(item, float):
                await asyncio.sleep(item)
            elif not self.port.write(item, pending_limit=PENDING_BYTES):
                self._log.add("modem", f"(lost: {item!r})")
            self._output.task_done()

    # -- characters --------------------------------------------------------------------------------------------------

    def _framed(self, text: str) -> bytes:
        both = "doubled-cr" in self._faults
        before = b"\r\r\n" if both or text.startswith(DOUBLED) else b"\r\n"
        return before + text.encode("ascii", "replace") + (b"\r\r\n" if both else b"\r\n")

    def _put(self, item: bytes | float, text: str = "") -> None:
        if text:
            self._log.add("modem", text)
        try:
            self._output.put_nowait(item)
        except asyncio.QueueFull:
            self._log.add("modem", f"(lost: {item!r})")

    def _receive(self, data: bytes) -> None:
        if self._abort is not None and data.strip(b"\n"):
            self._abort.set()
            return
        echoed = bytearray()
        for byte in data:
            if self._prompt is not None and not self._prompt.done():
                self._prompted(byte, self._prompt)
            else:
                if self._echo():
                    echoed.append(byte)
                self._typed(byte)
        if echoed:
            self._put(bytes(echoed))

    def _prompted(self, byte: int, prompt: asyncio.Future[str | None]) -> None:
        if byte in (CTRL_Z, ESC):
            text = self._line.decode("latin-1").strip()
            prompt.set_result(text if byte == CTRL_Z else None)
        elif len(self._line) < LINE_LIMIT:
            self._line.append(byte)

    def _typed(self, byte: int) -> None:
        if byte == ord("\r"):
            line = self._line.decode("latin-1").strip()
            self._line.clear()
            self._accept(line)
        elif len(self._line) < LINE_LIMIT and not (byte == ord("\n") and not self._line):
            self._line.append(byte)

    def _accept(self, line: str) -> None:
        if not line.upper().startswith("AT"):
            return  # a module says nothing to a line that is no command
        if self._busy or not self._commands.empty():
            self._log.add("violation", f"{line!r} came before the last command was answered")
        try:
            self._commands.put_nowait(line)
        except asyncio.QueueFull:
            self._log.add("violation", f"{line!r} is lost: {WAITING_COMMANDS} commands wait already")
