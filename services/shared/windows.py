"""Sliding windows: how often something may happen within the last so many seconds, whichever process it happens in."""

from collections.abc import Sequence

from services.clock import Clock
from services.shared.link import AwayError, RedisLink
from services.shared.local_windows import LocalWindows
from services.shared.redis_windows import RedisWindows
from services.shared.window_shapes import Ask, Verdict


class Windows:
    """Counts in Redis or, while that is away or there is none, in this process.

    A window is exact: what was counted at t stays until t + window; of more than 1000 within one, to a thousandth of
    it, to the strict side. What this process had counted in Redis it knows when Redis dies. Times of Redis are by the
    server's own clock, those in process by the monotonic one. At most 50 000 keys are known in process; the least
    recently used is forgotten.
    """

    def __init__(self, clock: Clock, link: RedisLink | None = None) -> None:
        self._local = LocalWindows(lambda: round(clock.monotonic() * 1e6))
        self._redis = RedisWindows(link) if link else None

    async def hit(self, key: str, most: int, window: float, cost: int = 1) -> Verdict:
        """Count `cost` under `key` unless more than `most` would then lie within the last `window` seconds."""
        return (await self.hit_all([Ask(key, most, window, cost)]))[0]

    async def hit_all(self, asks: Sequence[Ask]) -> tuple[Verdict, ...]:
        """Count all of them or, where one does not allow it, none: in one step that no other process divides."""
        if self._redis is not None:
            try:
                verdicts = await self._redis.hit_all(asks)
            except AwayError:
                pass
            else:
                if all(each.allowed for each in verdicts):
                    self._local.note(asks)
                return verdicts
        return self._local.hit_all(asks)

    async def peek(self, key: str, most: int, window: float) -> Verdict:
        """Tell what `hit` would say, `left` as it is now; nothing is counted."""
        ask = Ask(key, most, window)
        if self._redis is not None:
            try:
                return await self._redis.peek(ask)
            except AwayError:
                pass
        return self._local.peek(ask)

    async def take_back(self, keys: Sequence[str], cost: int = 1) -> None:
        """Take the newest `cost` under each of `keys` back."""
        for key in keys:
            self._local.take_back(key, cost)
        if self._redis is not None:
            try:
                await self._redis.take_back(keys, cost)
            except AwayError:
                pass

    async def forget(self, key: str) -> None:
        """Begin anew with `key`."""
        self._local.forget(key)
        if self._redis is not None:
            try:
                await self._redis.forget(key)
            except AwayError:
                pass
