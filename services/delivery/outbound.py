"""The one HTTP client for addresses that users enter: it calls public addresses only, whatever a name server says.

A name is looked up once, every address is judged (AddressRules), and the connection is made to the very address that
was judged: a second answer of the name server (DNS rebinding) is never asked for. TLS still verifies the name. No
redirect is followed, no proxy of the environment used, and an answer is read up to a bound.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import httpcore
import httpx

from services.delivery.addresses import AddressRules
from services.errors import DeliveryError, RefusedError

_MOST_ADDRESSES = 4
_REFUSED = 3


class Resolver(Protocol):
    """Looks names up."""

    async def __call__(self, host: str, port: int) -> list[str]:
        """Return the IP addresses of `host`. Raises OSError."""
        ...


async def system_resolver(host: str, port: int) -> list[str]:
    """Ask the system, as every program does."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds for each phase and for all together; bytes of an answer that are read."""

    resolve: float = 5.0
    connect: float = 5.0
    write: float = 10.0
    read: float = 10.0
    total: float = 20.0
    answer: int = 65_536


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver answered; `body` is cut at Limits.answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Network(httpcore.AsyncNetworkBackend):
    """Connects to judged addresses only."""

    def __init__(self, rules: AddressRules, resolver: Resolver, limits: Limits) -> None:
        self._rules = rules
        self._resolver = resolver
        self._limits = limits
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await self._addresses(host, port)
        for address in addresses[:-1]:
            try:
                return await self._backend.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._backend.connect_tcp(addresses[-1], port, timeout, local_address, socket_options)

    async def connect_unix_socket(
        self,
        path: str,  # noqa: ARG002
        timeout: float | None = None,  # noqa: ARG002
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002
    ) -> httpcore.AsyncNetworkStream:
        raise RefusedError("A local socket cannot be called.")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def _addresses(self, host: str, port: int) -> list[str]:
        """Return where `host` is. One forbidden address forbids all: a name that also leads inside is no accident."""
        try:
            async with asyncio.timeout(self._limits.resolve):
                found = await self._resolver(host, port)
        except TimeoutError:
            raise httpcore.ConnectTimeout("the name server does not answer") from None
        except (OSError, UnicodeError):
            raise httpcore.ConnectError("the name is not known") from None
        try:
            judged = [str(self._rules.check(each, port)) for each in found]
        except ValueError:
            raise RefusedError("The name server gives something that is no address.") from None
        if not judged:
            raise httpcore.ConnectError("the name has no address")
        return judged[:_MOST_ADDRESSES]


class GuardedTransport(httpx.AsyncBaseTransport):
    """A transport for httpx.AsyncClient(transport=..., trust_env=False) that calls judged addresses only.

    Raises RefusedError, and httpx.TransportError as any transport does.
    """

    def __init__(
        self,
        rules: AddressRules,
        ssl_context: ssl.SSLContext,
        *,
        resolver: Resolver = system_resolver,
        limits: Limits | None = None,
    ) -> None:
        self._rules = rules
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl_context,
            max_connections=64,
            max_keepalive_connections=8,
            keepalive_expiry=10.0,
            network_backend=_Network(rules, resolver, limits or Limits()),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, after its URL was judged."""
        url = self._rules.url(str(request.url))
        if not isinstance(request.stream, httpx.AsyncByteStream):
            raise TypeError("an asynchronous request is needed")
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        try:
            answer = await self._pool.handle_async_request(
                httpcore.Request(
                    request.method,
                    target,
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
        except _TROUBLE as error:
            raise _translated(error) from error
        stream = _Body(answer)
        return httpx.Response(answer.status, headers=answer.headers, stream=stream, extensions=answer.extensions)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._pool.aclose()


class _Body(httpx.AsyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for part in self._answer.aiter_stream():
                yield part
        except _TROUBLE as error:
            raise _translated(error) from error

    async def aclose(self) -> None:
        await self._answer.aclose()


_TROUBLE = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol)


def _translated(error: Exception) -> httpx.TransportError:
    kind: type[httpx.TransportError] = getattr(httpx, type(error).__name__, httpx.TransportError)
    return kind(str(error))


class OutboundClient:
    """Posts to addresses that users enter."""

    def __init__(
        self,
        rules: AddressRules,
        *,
        resolver: Resolver = system_resolver,
        limits: Limits | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self.rules = rules
        self._resolver = resolver
        self._limits = limits or Limits()
        self._ssl_context = ssl_context
        self._made: httpx.AsyncClient | None = None
        self._making = asyncio.Lock()

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Return the answer, whatever its status. Raises DeliveryError, also for an address that is refused."""
        try:
            checked = self.rules.url(url)
            async with asyncio.timeout(self._limits.total):
                return await self._post(checked, body, headers)
        except RefusedError as error:
            raise DeliveryError(error.message, error.remedy, attempts=_REFUSED) from None
        except TimeoutError:
            raise DeliveryError(f"There was no answer within {self._limits.total:g} s.") from None
        except httpx.TimeoutException:
            raise DeliveryError("The receiver does not answer in time.") from None
        except httpx.TransportError as error:
            raise DeliveryError(f"The receiver cannot be reached: {_reason(error)}.") from None

    async def _client(self) -> httpx.AsyncClient:
        """Return the client, made when it is first needed: reading the authorities' certificates takes a while."""
        async with self._making:
            if self._made is None:
                trusted = self._ssl_context
                if trusted is None:
                    trusted = await asyncio.to_thread(httpx.create_ssl_context, trust_env=False)
                limits = self._limits
                self._made = httpx.AsyncClient(
                    transport=GuardedTransport(self.rules, trusted, resolver=self._resolver, limits=limits),
                    trust_env=False,
                    follow_redirects=False,
                    timeout=httpx.Timeout(
                        connect=limits.connect, write=limits.write, read=limits.read, pool=limits.total
                    ),
                )
            return self._made

    async def _post(self, url: httpx.URL, body: bytes, headers: Mapping[str, str]) -> Answer:
        sent = {**headers, "Accept-Encoding": "identity"}  # what is packed could unpack to anything
        client = await self._client()
        async with client.stream("POST", url, content=body, headers=sent) as answer:
            taken = bytearray()
            async for part in answer.aiter_raw():
                taken += part[: self._limits.answer - len(taken)]
                if len(taken) >= self._limits.answer:
                    break
            return Answer(answer.status_code, dict(answer.headers), bytes(taken))

    async def close(self) -> None:
        """Close all connections."""
        if self._made is not None:
            await self._made.aclose()


def _reason(error: httpx.TransportError) -> str:
    """Return why, in one line; a receiver may have a hand in the words."""
    words = " ".join(str(error).split()) or type(error).__name__
    return "".join(letter for letter in words if letter.isprintable())[:200].rstrip(".")
