"""The house's end of the signalling process: starts it, gives it orders, hands on its news, ends it."""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

import structlog

from services.errors import LineError
from telephony.sip.messages import MAX_LINE, OURS, News, NotOpened, Open, Opened, Order, decode, encode

START_SECONDS = 15.0
END_SECONDS = 3.0
ROOT = str(Path(__file__).resolve().parents[2])
INSTALL = "Install it: ./start_cpu.sh --sip --prepare-only."

log = structlog.get_logger()


class SipAgent:
    """One run of the signalling process. `start` it, `run` it until it is lost, `close` it."""

    def __init__(self, on_news: Callable[[News], None]) -> None:
        self.address = ("", 0)
        self._on_news = on_news
        self._process: asyncio.subprocess.Process | None = None
        self._stderr: asyncio.Task[None] | None = None

    async def start(self, opening: Open) -> None:
        """Start the process and let it take its port. Raises LineError when it cannot."""
        environment = {**os.environ, "SIPLOG_BEND": "none"}
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (ROOT, environment.get("PYTHONPATH"))))
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "telephony.sip.signalling"),
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            env=environment,
            limit=MAX_LINE,
            start_new_session=True,  # a Ctrl-C in the terminal is ours to handle: calls end in order
        )
        self._stderr = asyncio.create_task(self._log_complaints(self._process))
        self.order(opening)
        try:
            async with asyncio.timeout(START_SECONDS):
                news = await self._next()
        except TimeoutError:
            news = None
        if isinstance(news, Opened):
            self.address = (news.host, news.port)
            return
        told = news if isinstance(news, NotOpened) else NotOpened("The SIP signalling process did not start.")
        raise LineError(told.detail, INSTALL if "sippy" in told.detail else told.remedy or "The log tells more.")

    async def run(self) -> None:
        """Hand on news until the process ends, then raise LineError."""
        while (news := await self._next()) is not None:
            self._on_news(news)
        raise LineError("The SIP signalling process ended.", "It is being started again; the log tells why.")

    def order(self, order: Order) -> None:
        """Give an order; one that the process is too dead to take is lost with its calls."""
        if self._process is not None and self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.write(encode(order))

    async def close(self) -> None:
        """Let the process end its calls and sign off, then end it; idempotent."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(END_SECONDS):
                await process.stdout.read()  # its last news concern nobody
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        if self._stderr is not None:  # ends with the process
            await asyncio.wait([self._stderr])

    async def _next(self) -> News | None:
        assert self._process is not None
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            try:
                message = decode(line)
            except LineError as error:
                log.warning("a message of the SIP signalling was not understood", problem=str(error))
                continue
            if isinstance(message, News):
                return message
        return None

    async def _log_complaints(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        while line := await process.stderr.readline():
            said = line.decode(errors="replace").rstrip()
            if said.startswith(OURS):
                log.warning("the SIP signalling tells", said=said.removeprefix(OURS))
            else:  # whoever sends junk to the port could fill the log
                log.debug("the SIP stack complains", said=said)
