"""The way to a Redis server that may die at any moment: nobody waits for it long, and it is tried again behind."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from services.errors import SecretaryError
from services.parts import Part, State
from services.shared.address import place

if TYPE_CHECKING:
    from redis.asyncio import Redis

T = TypeVar("T")
Settle = Callable[["Redis"], Awaitable[None]]

PATIENCE = 0.25
RETRY_SECONDS = 1.0
CONNECTIONS = 20
_GOES_ON = "Every process keeps limits, cache and live feeds for itself meanwhile."

log = structlog.get_logger()


class AwayError(SecretaryError):
    """Redis is away; whoever asked does it in this process. It never leaves this room."""


class RedisLink:
    """A circuit breaker around one server.

    Each question has `patience` seconds. The first that fails opens the circuit: from then on nothing is asked, until a
    task that tries once a second finds the server answering, writing and running scripts again.
    """

    def __init__(self, url: str, patience: float = PATIENCE) -> None:
        """Take a URL that services.shared.address has no trouble with; nothing is connected yet."""
        self._url = url
        self._patience = patience
        self._client: Redis | None = None
        self._here = False
        self._why = "is not connected yet"
        self._told = False
        self._before: list[Settle] = []
        self._task: asyncio.Task[None] | None = None

    @property
    def here(self) -> bool:
        """True while questions are answered."""
        return self._here

    def before_return(self, settle: Settle) -> None:
        """Have `settle` done each time the server has come back, before anybody asks it anything."""
        self._before.append(settle)

    async def open(self) -> None:
        """Connect, for as long as a question may take; without success it goes on being tried."""
        self._client = self.new_client(self._patience)
        await self._try()
        self._task = asyncio.create_task(self._watch(), name="redis")

    async def close(self) -> None:
        """End every connection; idempotent."""
        self._here = False
        task, self._task = self._task, None
        client, self._client = self._client, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if client is not None:
            await _end(client)

    async def ask(self, question: Callable[["Redis"], Awaitable[T]]) -> T:
        """Return what the server answers to `question(client)`. Raises AwayError, at once while it is known away."""
        client = self._client
        if client is None or not self._here:
            raise AwayError("Redis is away.")
        from redis.exceptions import RedisError

        try:
            async with asyncio.timeout(self._patience):
                return await question(client)
        except (RedisError, OSError, TimeoutError) as error:
            self._lose(error)
            raise AwayError("Redis is away.") from error

    def new_client(self, answer_within: float | None) -> "Redis":
        """Make a client of the same server; the caller closes it. None: an answer may take for ever (subscriptions)."""
        from redis.asyncio import BlockingConnectionPool, Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff

        pool: Any = BlockingConnectionPool.from_url(
            self._url,
            max_connections=CONNECTIONS,
            timeout=self._patience,
            socket_timeout=answer_within,
            socket_connect_timeout=self._patience,
            retry=Retry(NoBackoff(), 0),  # the breaker decides when it is tried again
        )
        return Redis.from_pool(pool)

    def part(self) -> Part:
        """Return the state: away is degraded, never down."""
        if self._here:
            return Part("redis", State.READY, f"Redis at {place(self._url)} is shared by all processes.")
        return Part("redis", State.DEGRADED, f"Redis at {place(self._url)} {self._why}. {_GOES_ON}", _REMEDY)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(RETRY_SECONDS)
            if self._here:
                with suppress(AwayError):  # so that its death is noticed when nobody asks it anything, too
                    await self.ask(lambda client: client.ping())
            else:
                await self._try()

    async def _try(self) -> None:
        client = self._client
        if client is None:
            return
        from redis.exceptions import RedisError

        try:
            async with asyncio.timeout(4 * self._patience):
                await client.connection_pool.disconnect()  # what is left of connections to the server that died
                # A server may answer and yet refuse to write (full, read-only) or to run scripts (its ACL).
                await client.eval("return redis.call('SET', KEYS[1], '1', 'PX', 1000)", 1, "secretary:sign-of-life")
                for settle in self._before:
                    await settle(client)
        except (RedisError, OSError, TimeoutError) as error:
            self._lose(error)
            return
        self._here = True
        if self._told:
            log.info("Redis is back: what the processes share is shared again", server=place(self._url))
        self._told = False

    def _lose(self, error: Exception) -> None:
        self._here = False
        self._why = _reason(error)
        if not self._told:
            self._told = True
            log.warning("Redis is away: this process goes on by itself", server=place(self._url), why=self._why)


_REMEDY = "Start it again or mend SECRETARY_REDIS_URL; it is tried once a second, nothing has to be restarted."


def _reason(error: Exception) -> str:
    """Return why the server is away as the end of a sentence about it."""
    from redis.exceptions import AuthenticationError, AuthorizationError, ResponseError
    from redis.exceptions import TimeoutError as LateError

    if isinstance(error, AuthenticationError | AuthorizationError):
        return "refuses the user or the password"
    if isinstance(error, ResponseError):
        return f"refuses to work: {str(error).partition('. script:')[0][:100].rstrip('.')}"
    return "does not answer in time" if isinstance(error, TimeoutError | LateError) else "cannot be reached"


async def _end(client: "Redis") -> None:
    from redis.exceptions import RedisError

    with suppress(RedisError, OSError, TimeoutError):
        async with asyncio.timeout(1.0):
            await client.aclose(close_connection_pool=True)
