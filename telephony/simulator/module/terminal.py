"""The AT port as characters: echo, lines, the prompt, answers and unsolicited lines in their order."""

import asyncio
from collections.abc import Awaitable, Callable

from telephony.simulator.dice import Dice
from telephony.simulator.faults import Faults
from telephony.simulator.log import EventLog
from telephony.simulator.module.answer import Answer
from telephony.simulator.ports.pty import PtyPort

LINE_LIMIT = 600
WAITING_COMMANDS = 64
WAITING_OUTPUT = 2_000
PENDING_BYTES = 65_536
SLOW = 0.7
PROMPT_SECONDS = 60.0
PROMPT_LATE = 3.0
HALF_PAUSE = 0.05
CTRL_Z, ESC = 0x1A, 0x1B
DOUBLED = ("RING", "+CRING", "+RXDTMF", "NO CARRIER", "MISSED_CALL")
NOISE = (0x00, 0x7E, 0x81, 0xC3, 0xFF)
RESETS = ("AT+CRESET", "AT+CFUN=1,1")
NOT_HALF = ("+CMGS", "+COPS")
"""Commands that are never carried out when their answer is lost: they hold a dialogue of their own."""


class Terminal:
    """Takes bytes from the host and gives lines to `run`; `echo` tells whether characters are echoed.

    A terminal that is `deaf` takes nothing and says nothing until the host opens its port anew; one that is `hung`
    takes commands and answers none, and only a reset helps.
    """

    def __init__(
        self,
        run: Callable[[str, "Terminal"], Awaitable[Answer]],
        echo: Callable[[], bool],
        log: EventLog,
        faults: Faults,
        dice: Dice,
    ) -> None:
        self.port = PtyPort(self._receive, on_closed=self._closed)
        self.deaf = False
        self.hung = False
        self._run = run
        self._echo = echo
        self._log = log
        self._faults = faults
        self._dice = dice
        self._sticks = False
        self._running: asyncio.Task[Answer] | None = None
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
        try:
            async with asyncio.timeout(PROMPT_SECONDS):
                if "prompt-late" in self._faults:
                    await asyncio.wait([self._prompt], timeout=self._faults.lasting(PROMPT_LATE))
                if self._faults.spend("prompt-never"):
                    self._log.add("fault", "prompt-never")
                elif not self._prompt.done():
                    self._put(b"\r\n> ")
                return await self._prompt
        except TimeoutError:
            return None
        finally:
            self._prompt = None
            self._line.clear()

    def unsolicited(self, text: str) -> bool:
        """Print a line that nobody asked for; False when there is no port for it."""
        if not self.port.is_open or self.deaf:
            return False
        if "junk" in self._faults:
            self._put(b"\r\n" + self._noise() + b"\r\n")
            self._put_halves(text)
        else:
            self._say(text)
        return True

    def junk(self) -> None:
        """A burst of bytes that mean nothing."""
        self._put(self._noise() + b"\r\n" + self._noise())

    def stick(self) -> None:
        """The next command that is more than AT gets no answer; whether it is carried out is drawn."""
        self._sticks = True

    def deafen(self) -> None:
        """From now on nothing is heard and nothing said, until the host has closed its port."""
        self.forget()
        if self.port.is_open:
            self.port.forget_settings()
        self.deaf = True

    def revive(self) -> None:
        """After a reset the terminal listens and answers."""
        self.deaf = self.hung = self._sticks = False

    async def flushed(self) -> None:
        """Wait until everything printed so far has gone to the port."""
        await self._output.join()

    def forget(self) -> None:
        """The port vanished: drop half a line, the command that runs, those that wait, and all output."""
        self._line.clear()
        if self._running is not None:
            self._running.cancel()
        while not self._commands.empty():
            self._commands.get_nowait()
        while not self._output.empty():
            self._output.get_nowait()
            self._output.task_done()

    # -- the two tasks -----------------------------------------------------------------------------------------------

    async def serve(self) -> None:
        """Run commands one after another, forever."""
        while True:
            line = await self._commands.get()
            self._log.add("host", line)
            if self.hung:
                if line.upper() in RESETS:
                    await self._run(line, self)
                continue
            if self._sticks and line.upper() != "AT":
                await self._swallow(line)
                continue
            answer = await self._ran(line)
            if answer is None:
                continue
            for text in [*answer.lines, *([answer.final] if answer.final else []), *answer.after]:
                self._say(text)

    async def _ran(self, line: str) -> Answer | None:
        """The answer to a line, None when `forget` cut it off."""
        self._busy = True
        running = self._running = asyncio.create_task(self._answer(line), name=f"sim7600 {line[:20]}")
        try:
            await asyncio.wait([running])
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            self._busy, self._running = False, None
        return None if running.cancelled() else running.result()

    async def _answer(self, line: str) -> Answer:
        answer = await self._run(line, self)
        if "slow-answers" in self._faults:
            await asyncio.sleep(SLOW)
        return answer

    async def _swallow(self, line: str) -> None:
        self._sticks = False
        carried_out = self._dice.coin() and not any(name in line.upper() for name in NOT_HALF)
        self._log.add("fault", f"{line!r} gets no answer, and is {'' if carried_out else 'not '}carried out")
        if carried_out:
            await self._run(line, self)

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

    def _noise(self) -> bytes:
        return bytes(self._dice.random.choice(NOISE) for _ in range(self._dice.random.randrange(1, 6)))

    def _framed(self, text: str) -> bytes:
        both = "doubled-cr" in self._faults
        before = b"\r\r\n" if both or (text.startswith(DOUBLED) and not self._dice.coin()) else b"\r\n"
        return before + text.encode("ascii", "replace") + (b"\r\r\n" if both else b"\r\n")

    def _say(self, text: str) -> None:
        if "split-lines" in self._faults:
            self._put_halves(text)
        else:
            self._put(self._framed(text), text)

    def _put_halves(self, text: str) -> None:
        framed = self._framed(text)
        half = len(framed) // 2
        self._put(framed[:half], text)
        self._put(HALF_PAUSE)
        self._put(framed[half:])

    def _put(self, item: bytes | float, text: str = "") -> None:
        if self.deaf:
            return
        if text:
            self._log.add("modem", text)
        try:
            self._output.put_nowait(item)
        except asyncio.QueueFull:
            self._log.add("modem", f"(lost: {item!r})")

    def _closed(self) -> None:
        self._line.clear()
        if self.deaf:
            self.deaf = False
            self._log.add("fault", "the host has opened the AT port anew: it hears again")

    def _receive(self, data: bytes) -> None:
        if self.deaf and self.port.was_set_anew:
            self._closed()  # and opened again, before the simulator came to see it
        if self.deaf:
            return
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
