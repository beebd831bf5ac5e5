"""A cache of bytes: in Redis, where all processes see the same, or bounded in this process."""

from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from services.clock import Clock
from services.shared.link import AwayError, RedisLink

if TYPE_CHECKING:
    from redis.asyncio import Redis

T = TypeVar("T")

LONGEST = 1_048_576
_ENTRIES = 10_000
_BYTES = 64 * 1024 * 1024
_OWED = 10_000
_PREFIX = "secretary:cache:"


class Cache:
    """Values by company and key, each with a life in seconds; one of more than 1 MiB is not kept.

    In process at most 10 000 values of 64 MiB together are held, the least recently used goes first. What was set or
    deleted while Redis was away is deleted there before anybody asks it again, so that no old value comes back.
    """

    def __init__(self, clock: Clock, link: RedisLink | None = None) -> None:
        self._local = LocalCache(clock)
        self._link = link
        self._owed: OrderedDict[str, None] = OrderedDict()
        self._owes_all = False
        if link is not None:
            link.before_return(self._settle)

    async def get(self, company_id: str, key: str) -> bytes | None:
        """Return the value, None when there is none (any more)."""
        name = _name(company_id, key)
        if self._link is None:
            return self._local.get(name)
        try:
            found = await self._link.ask(lambda client: client.get(name))
        except AwayError:
            return self._local.get(name)
        return found if isinstance(found, bytes) else None

    async def set(self, company_id: str, key: str, value: bytes, life: float) -> None:
        """Keep `value` for `life` seconds, in place of the one before."""
        if len(value) > LONGEST or life <= 0:
            await self.delete(company_id, key)
            return
        name, milliseconds = _name(company_id, key), max(1, round(life * 1000))
        if not await self._asked(name, lambda client: client.set(name, value, px=milliseconds)):
            self._local.set(name, value, life)

    async def delete(self, company_id: str, key: str) -> None:
        """Drop a value, for all processes."""
        name = _name(company_id, key)
        self._local.delete(name)
        await self._asked(name, lambda client: client.delete(name))

    async def _asked(self, name: str, change: Callable[["Redis"], Awaitable[T]]) -> bool:
        """Make a change in Redis and return True; what it could not be told is owed to it."""
        if self._link is None:
            return False
        try:
            await self._link.ask(change)
        except AwayError:
            self._owed[name] = None
            if len(self._owed) > _OWED:
                self._owed.clear()
                self._owes_all = True
            return False
        return True

    async def _settle(self, client: "Redis") -> None:
        """Delete in Redis what was changed while it was away; what this process kept itself meanwhile is dropped."""
        if self._owes_all:
            async for some in _in_hundreds(client):
                await client.unlink(*some)
        names = list(self._owed)
        for at in range(0, len(names), 100):
            await client.unlink(*names[at : at + 100])
        for name in names:
            self._owed.pop(name, None)
        self._owes_all = False
        self._local.clear()


async def _in_hundreds(client: "Redis") -> AsyncIterator[list[bytes]]:
    names: list[bytes] = []
    async for name in client.scan_iter(match=f"{_PREFIX}*", count=1000):
        names.append(name)
        if len(names) == 100:
            yield names
            names = []
    if names:
        yield names


class LocalCache:
    """The same within this process."""

    def __init__(self, clock: Clock, entries: int = _ENTRIES, size: int = _BYTES) -> None:
        self._clock = clock
        self._most = entries
        self._room = size
        self._values: OrderedDict[str, tuple[float, bytes]] = OrderedDict()

    def get(self, name: str) -> bytes | None:
        """Return the value, None when there is none (any more)."""
        found = self._values.get(name)
        if found is None:
            return None
        if found[0] <= self._clock.monotonic():
            self.delete(name)
            return None
        self._values.move_to_end(name)
        return found[1]

    def set(self, name: str, value: bytes, life: float) -> None:
        """Keep a value, and drop the least recently used where there is no room."""
        self.delete(name)
        self._values[name] = (self._clock.monotonic() + life, value)
        self._room -= len(value)
        while len(self._values) > self._most or self._room < 0:
            _, (_, gone) = self._values.popitem(last=False)
            self._room += len(gone)

    def delete(self, name: str) -> None:
        """Drop a value."""
        if (found := self._values.pop(name, None)) is not None:
            self._room += len(found[1])

    def clear(self) -> None:
        """Drop all."""
        for name in list(self._values):
            self.delete(name)


def _name(company_id: str, key: str) -> str:
    return f"{_PREFIX}{company_id}:{key}"
