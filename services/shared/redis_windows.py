"""Sliding windows in Redis: one script, so that no other process counts in between."""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.shared.link import RedisLink
from services.shared.window_shapes import Ask, Verdict

if TYPE_CHECKING:
    from redis.asyncio import Redis

_PREFIX = "secretary:window:"


class RedisWindows:
    """All methods raise AwayError. `now` gives the moment in microseconds; None: Redis's own clock, one for all."""

    def __init__(self, link: RedisLink, now: Callable[[], int] | None = None) -> None:
        self._link = link
        self._now = now

    async def hit_all(self, asks: Sequence[Ask]) -> tuple[Verdict, ...]:
        """Count all asks or none."""
        return await self._judge(asks, counts=True)

    async def peek(self, ask: Ask) -> Verdict:
        """Judge without counting."""
        return (await self._judge([ask], counts=False))[0]

    async def take_back(self, keys: Sequence[str], cost: int) -> None:
        """Take the newest `cost` under each key back."""
        names = [name for key in keys for name in _names(key)]
        await self._link.ask(lambda client: _run(client, "redis_windows_back", names, [cost]))

    async def forget(self, key: str) -> None:
        """Begin anew with a key."""
        await self._link.ask(lambda client: client.delete(*_names(key)))

    async def _judge(self, asks: Sequence[Ask], *, counts: bool) -> tuple[Verdict, ...]:
        names = [name for ask in asks for name in _names(ask.key)]
        given = [self._now() if self._now else 0, int(counts)]
        for ask in asks:
            given += [ask.most, ask.micros, ask.cost, ask.grain]
        answers = await self._link.ask(lambda client: _run(client, "redis_windows", names, given))
        return tuple(
            Verdict(bool(allowed), ask.most, left, int(reset) / 1e6)
            for ask, (allowed, left, reset) in zip(asks, answers, strict=True)
        )


def _names(key: str) -> list[str]:
    return [f"{_PREFIX}{key}", f"{_PREFIX}{key}:sum"]


async def _run(client: "Redis", script: str, names: list[str], given: list[int]) -> Any:
    from redis.exceptions import NoScriptError

    text, digest = _script(script)
    try:
        return await client.evalsha(digest, len(names), *names, *given)
    except NoScriptError:  # a server that has just been started
        return await client.eval(text, len(names), *names, *given)


@cache
def _script(name: str) -> tuple[str, str]:
    """Return a script of this package and the digest by which Redis knows it."""
    from hashlib import sha1

    text = (Path(__file__).parent / f"{name}.lua").read_text("utf-8")
    return text, sha1(text.encode(), usedforsecurity=False).hexdigest()
