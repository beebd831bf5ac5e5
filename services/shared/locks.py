"""Locks: one at a time does a thing, in whichever process."""

import asyncio
import random
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from services.errors import ConflictError
from services.shared.link import AwayError, RedisLink

_PREFIX = "secretary:lock:"
_LOOK_AGAIN = 0.05  # seconds between two attempts to take what another process holds
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


@dataclass(slots=True)
class _Turn:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    wanted: int = 0


class Locks:
    """Advisory: they save double work. What must never happen twice is guarded by the database."""

    def __init__(self, link: RedisLink | None = None) -> None:
        self._link = link
        self._turns: dict[str, _Turn] = {}

    @asynccontextmanager
    async def lock(self, name: str, seconds: float, wait: float | None = None) -> AsyncIterator[None]:
        """Within the context nobody else holds `name`, in any process.

        In Redis it is held for `seconds` at most, so that a process that dies holds up nobody for longer; whoever
        needs more must expect another beside him. Waits `wait` seconds (as long as it may be held, unless given) and
        then raises ConflictError. While Redis is away it holds for this process alone.
        """
        turn = self._turns.setdefault(name, _Turn())
        turn.wanted += 1
        try:
            token = await self._enter(turn, name, seconds, seconds if wait is None else wait)
            try:
                yield
            finally:
                try:
                    await self._release(name, token)
                finally:
                    turn.lock.release()
        finally:
            turn.wanted -= 1
            if not turn.wanted:
                self._turns.pop(name, None)

    async def _enter(self, turn: _Turn, name: str, seconds: float, patience: float) -> str:
        try:
            async with asyncio.timeout(patience):
                await turn.lock.acquire()
                try:
                    return await self._take(name, seconds)
                except BaseException:
                    turn.lock.release()
                    raise
        except TimeoutError:
            raise ConflictError("Somebody else is doing this just now.", "Try again in a moment.") from None

    async def _take(self, name: str, seconds: float) -> str:
        """Wait until it is ours in Redis; return the token that says so, "" without Redis."""
        link, token = self._link, secrets.token_hex(16)
        if link is None:
            return ""
        key, life = f"{_PREFIX}{name}", max(1, round(seconds * 1000))
        try:
            while not await link.ask(lambda client: client.set(key, token, nx=True, px=life)):  # noqa: ASYNC110
                await asyncio.sleep(random.uniform(0.5, 1.5) * _LOOK_AGAIN)  # noqa: S311 - who is first is no secret
        except AwayError:
            return ""
        except asyncio.CancelledError:  # the question that was cut off may have been granted
            await self._release(name, token)
            raise
        return token

    async def _release(self, name: str, token: str) -> None:
        """Give it back, unless its time is over and another has it."""
        if self._link is None or not token:
            return
        with suppress(AwayError):
            await self._link.ask(lambda client: client.eval(_RELEASE, 1, f"{_PREFIX}{name}", token))
