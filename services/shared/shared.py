"""What the processes of one installation share: a cache, limits, locks and what happens in calls."""

from services.clock import Clock
from services.events import EventBus
from services.parts import Part, State
from services.shared.cache import Cache
from services.shared.link import PATIENCE, RedisLink
from services.shared.locks import Locks
from services.shared.relay import Relay
from services.shared.windows import Windows


class Shared:
    """Through Redis where there is one, in this process where there is none or while it is away.

    Nobody is told of an outage but the log (once) and `part()`; no call raises for it, and none waits longer than
    `patience` seconds for an answer.
    """

    def __init__(self, redis_url: str, clock: Clock, patience: float = PATIENCE) -> None:
        """`redis_url` is "" or one that services.shared.address has no trouble with."""
        self._link = RedisLink(redis_url, patience) if redis_url else None
        self.cache = Cache(clock, self._link)
        self.windows = Windows(clock, self._link)
        self.locks = Locks(self._link)

    async def open(self) -> None:
        """Connect; a server that is not there is tried again behind."""
        if self._link is not None:
            await self._link.open()

    async def close(self) -> None:
        """End the connections; idempotent."""
        if self._link is not None:
            await self._link.close()

    def relay(self, bus: EventBus) -> Relay:
        """Make the relay between `bus` and those of the other processes; it is to be run."""
        return Relay(bus, self._link)

    def part(self) -> Part:
        """Return the state: ready, or degraded with its remedy."""
        if self._link is None:
            return Part("redis", State.READY, "No Redis: this process keeps limits, cache and live feeds for itself.")
        return self._link.part()
