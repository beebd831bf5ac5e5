"""An engine in a process of its own, kept alive: started, watched, started anew, ended."""

import asyncio
from collections.abc import Mapping
from typing import Any

import structlog

from services.errors import EngineError, EngineOverloadedError
from services.parts import State
from services.workers.link import Link, Patience
from services.workers.session import Session

log = structlog.get_logger()

BACKOFF_SECONDS = (0.0, 0.5, 2.0, 5.0, 15.0, 30.0)
STEADY_SECONDS = 60.0
RELEASE_SECONDS = 0.5


class Worker:
    """The parent's side of a worker process.

    `engine` is "module:Class" of a WorkerEngine, built in the process as `Class(options=options)`; `sessions` is how
    many may be open at once. `start_timeout` bounds loading, `silence_timeout` the time without a sign of life of the
    process, `stall_timeout` (default: the same) the time one session may work without finishing a message or emitting
    one, `restart_timeout` how long `open` waits for a restart in progress. All in seconds.

    A process that dies or hangs fails its sessions with EngineError and is started anew, at once the first time, then
    with growing pauses.
    """

    def __init__(
        self,
        engine: str,
        options: Mapping[str, Any],
        *,
        name: str,
        sessions: int = 8,
        start_timeout: float = 20.0,
        silence_timeout: float = 10.0,
        stall_timeout: float | None = None,
        restart_timeout: float = 5.0,
    ) -> None:
        self._engine = engine
        self._options = dict(options)
        self._name = name
        self._limit = sessions
        self._patience = Patience(start_timeout, silence_timeout, stall_timeout or silence_timeout)
        self._restart_timeout = restart_timeout
        self._link: Link | None = None
        self._next: asyncio.Future[Link | None] | None = None
        self._error = EngineError(f"The {name} engine is not started.")
        self._supervisor: asyncio.Task[None] | None = None

    @property
    def state(self) -> State:
        """READY, DEGRADED while it is being started anew, DOWN when not started or closed."""
        if self._link is not None and self._link.alive:
            return State.READY
        return State.DOWN if self._supervisor is None else State.DEGRADED

    @property
    def detail(self) -> str:
        """One sentence on why the worker is not ready, "" when it is."""
        return "" if self.state is State.READY else self._error.message

    async def start(self) -> None:
        """Start the process and load the engine; a second call does nothing.

        Raises EngineUnavailableError with the engine's own sentence when it cannot load; `start` may be tried again.
        """
        if self._supervisor is not None:
            return
        first: asyncio.Future[EngineError | None] = asyncio.get_running_loop().create_future()
        self._supervisor = asyncio.create_task(self._supervise(first), name=f"worker-{self._name}")
        try:
            error = await first
        except BaseException:
            await self.close()
            raise
        if error is not None:
            await self.close()
            raise error

    async def open(self, data: Mapping[str, Any] | None = None) -> Session:
        """Begin a session, without a round trip.

        Raises EngineOverloadedError when all are taken and EngineError when the process is down and does not come back
        within `restart_timeout`. What the engine's own `open` raises comes out of the session's first `receive`.
        """
        loop = asyncio.get_running_loop()
        patience = loop.time() + RELEASE_SECONDS
        while True:
            link = await self._running()
            if len(link.sessions) < self._limit:
                return link.open(data or {})
            # A session closed a moment ago may still be letting go in the worker.
            left = patience - loop.time()
            if left <= 0 or not any(each.closing for each in link.sessions.values()):
                raise EngineOverloadedError(
                    f"The {self._name} engine is busy with {self._limit} sessions.", "Try again in a moment."
                )
            link.freed.clear()
            try:
                async with asyncio.timeout(left):
                    await link.freed.wait()
            except TimeoutError:
                pass

    async def close(self) -> None:
        """End the process and fail what is open; idempotent; returns when the process is gone."""
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is None:
            return
        supervisor.cancel()
        await asyncio.wait({supervisor})

    async def _running(self) -> Link:
        if self._link is not None and self._link.alive:
            return self._link
        if self._supervisor is None:
            raise self._error
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        done, _ = await asyncio.wait({self._next}, timeout=self._restart_timeout)
        link = done.pop().result() if done else None
        if link is None:
            raise self._error
        return link

    async def _supervise(self, first: asyncio.Future[EngineError | None]) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        try:
            while True:
                began = loop.time()
                try:
                    await self._live(first)
                except EngineError as error:
                    if not first.done():
                        first.set_result(error)
                        return
                    self._error = error
                failures = 0 if loop.time() - began > STEADY_SECONDS else failures
                pause = BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)]
                failures += 1
                log.error("%s Next start in %g s.", self._error.message, pause)
                await asyncio.sleep(pause)
        finally:
            self._error = EngineError(f"The {self._name} engine is closed.")
            self._tell_waiting(None)
            if not first.done():
                first.set_result(self._error)

    async def _live(self, first: asyncio.Future[EngineError | None]) -> None:
        """One life of the process, from launch to death. Raises EngineError."""
        link = await Link.launch(self._name, self._engine, self._options, self._patience)
        try:
            self._link = link
            self._tell_waiting(link)
            if not first.done():
                first.set_result(None)
            raise await asyncio.shield(link.ended)
        finally:
            self._link = None
            await link.end()

    def _tell_waiting(self, link: Link | None) -> None:
        if self._next is not None and not self._next.done():
            self._next.set_result(link)
        self._next = None
