"""Any server that speaks OpenAI's chat completions: Ollama, llama-server, vLLM, LM Studio, OpenAI itself.

The official client does the HTTP and cuts the stream into events; what is ours is the two timeouts of a live call, what
is read of each event (wire.py), and errors a person understands. Retries are off: on a call, the scripted secretary is
the retry.
"""

import asyncio
import importlib.util
import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any

import structlog

from services.engines import Availability, EngineContext, EngineInfo, Kind
from services.errors import EngineUnavailableError, ProviderError
from services.llm import faults
from services.llm.protocol import Finish, Message, ModelEvent, Options, TextDelta, ToolSpec
from services.llm.wire import Chunk, NotAChunkError, PartialCall, index_of, read_chunk, request_body

if TYPE_CHECKING:
    from openai import AsyncOpenAI, AsyncStream

INFO = EngineInfo(
    name="openai_compatible",
    kind=Kind.LLM,
    title="Any OpenAI-compatible server",
    licence="depends on the server and its model",
    rank=50,
    streaming=True,
    concurrency=64,
)
LANGUAGES = ("ru", "en")
DEFAULTS = Options()
CONNECT_TIMEOUT = 5.0
PATIENCE = {"first_token": 4.0, "token": 5.0}  # seconds, where the settings do not say
CLOSE_TIMEOUT = 2.0
log = structlog.get_logger()


class OpenAiCompatible:
    """A model behind an OpenAI-compatible address; one HTTP client shared by every call."""

    info = INFO

    def __init__(self, client: "AsyncOpenAI", base_url: str, model: str, patience: tuple[float, float]) -> None:
        self._client = client
        self._base_url = base_url
        self._model = model
        self._patience = patience  # seconds to the first token and between later ones
        self._usage_refused = False

    @property
    def model(self) -> str:
        """The name asked for, "" until the server has told which it has."""
        return self._model

    async def stream(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec] = (), options: Options = DEFAULTS
    ) -> AsyncGenerator[ModelEvent, None]:
        """Answer `messages` (see `protocol.LanguageModel.stream`)."""
        source = self._chunks(messages, tools, options)
        calls: dict[int, PartialCall] = {}
        reason, model = "", self._model
        try:
            async for chunk in source:
                model = chunk.model or model
                if chunk.usage:
                    yield chunk.usage
                if chunk.text:
                    yield TextDelta(chunk.text)
                for delta in chunk.calls:
                    calls.setdefault(index_of(delta), PartialCall()).add(delta)
                reason = chunk.reason or reason
        finally:
            await source.aclose()
        if not reason:
            raise faults.cut(self._base_url)
        for index in sorted(calls):
            yield calls[index].whole(index)
        yield Finish("tool_calls" if reason == "function_call" else reason, model)

    async def models(self) -> list[str]:
        """Ask the server which models it has. Raises ProviderError."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                page = await self._client.models.list()
                return [each.id for each in page.data]
        except Exception as error:
            raise _translated(error, self._base_url, self._model) from error

    async def close(self) -> None:
        """Close the shared HTTP client."""
        await self._client.close()

    async def _chunks(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec], options: Options
    ) -> AsyncGenerator[Chunk, None]:
        """Yield the server's chunks under both timeouts; closing this closes the HTTP stream, and so the request."""
        first, later = self._patience
        begun, limit, later = False, options.first_token_timeout or first, options.token_timeout or later
        try:
            async with asyncio.timeout(limit) as patience:
                stream = await self._request(messages, tools, options)
        except Exception as error:
            raise self._fault(error, limit, begun=False) from error
        deadline = patience.when()
        try:
            chunks: AsyncIterator[object] = aiter(stream)
            while True:
                try:
                    async with asyncio.timeout(limit) if begun else asyncio.timeout_at(deadline):
                        chunk = read_chunk(await anext(chunks))
                except StopAsyncIteration:
                    if not begun:
                        self._check_kind(stream)
                    return
                except Exception as error:
                    raise self._fault(error, limit, begun=begun) from error
                if not begun and chunk.speaks:
                    begun, limit = True, later
                yield chunk
        finally:
            await _closed(stream)

    async def _request(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec], options: Options
    ) -> "AsyncStream[object]":
        from openai import BadRequestError, UnprocessableEntityError

        if not self._model:
            self._model = await self._first_model()
        request = request_body(self._model, messages, tools, options)
        if not self._usage_refused:
            try:
                return await self._post({"stream_options": {"include_usage": True}} | request)
            except (BadRequestError, UnprocessableEntityError) as error:
                if "stream_options" not in str(error):
                    raise
                self._usage_refused = True
        return await self._post(request)

    async def _post(self, body: dict[str, Any]) -> "AsyncStream[object]":
        """Ask for a stream of JSON as it comes; `chat.completions.create` would make models of it, both ways."""
        from openai import AsyncStream

        return await self._client.post(
            "/chat/completions", cast_to=object, body=body, stream=True, stream_cls=AsyncStream[object]
        )

    async def _first_model(self) -> str:
        names = [each.id for each in (await self._client.models.list()).data]
        if not names:
            raise ProviderError(
                f"The language-model server {faults.place(self._base_url)} has no model.",
                "Load a model there, or name one in SECRETARY_LLM__MODEL.",
                retryable=False,
            )
        return names[0]

    def _check_kind(self, stream: Any) -> None:
        """Tell a web page at a wrong address from a stream that merely ended too early."""
        if "text/event-stream" not in stream.response.headers.get("content-type", ""):
            raise faults.garbage(self._base_url)

    def _fault(self, error: Exception, limit: float, *, begun: bool) -> ProviderError:
        if isinstance(error, TimeoutError):
            return faults.silent(self._base_url, limit, begun=begun)
        return _translated(error, self._base_url, self._model, begun=begun)


async def _closed(stream: Any) -> None:
    """Close the HTTP response, which is what tells the provider to stop; never hang on it."""
    try:
        async with asyncio.timeout(CLOSE_TIMEOUT):
            await stream.close()
    except Exception as error:  # the answer is over either way: a failing farewell is nobody's news
        log.debug("closing a model's stream: %r", error)


def _translated(error: Exception, base_url: str, model: str, *, begun: bool = False) -> ProviderError:
    """Turn whatever the client library raised into a ProviderError."""
    import openai

    if isinstance(error, ProviderError):
        return error
    if isinstance(error, openai.APIStatusError):
        return faults.status_error(error.status_code, base_url, model)
    if isinstance(error, (openai.APIConnectionError, TimeoutError, OSError)):
        return faults.cut(base_url) if begun else faults.unreachable(base_url)
    if isinstance(error, (json.JSONDecodeError, UnicodeDecodeError, NotAChunkError, openai.APIResponseValidationError)):
        return faults.garbage(base_url)
    if isinstance(error, openai.APIError):
        return faults.in_stream(base_url)
    return faults.garbage(base_url)


class OpenAiCompatibleProvider:
    """What the manager finds here."""

    info = INFO

    def availability(self, context: EngineContext) -> Availability:
        """Say whether an address is given and the client library is there."""
        if importlib.util.find_spec("openai") is None:
            return Availability(
                reason="The package openai is not installed.", remedy="Run ./start_cpu.sh, or pip install openai."
            )
        if not context.options.get("base_url"):
            return Availability(
                reason="No address of a language-model server is given.",
                remedy="Set SECRETARY_LLM__BASE_URL, for example to http://127.0.0.1:11434/v1.",
            )
        return Availability(languages=LANGUAGES)

    async def load(self, context: EngineContext) -> OpenAiCompatible:
        """Make the client; asks nobody yet."""
        available = self.availability(context)
        if not available.usable:
            raise EngineUnavailableError(available.reason, available.remedy)
        # the library reads its certificates and builds 500 models: 1 s of CPU that the event loop must not pay
        return await asyncio.to_thread(_open, dict(context.options))


def _open(options: dict[str, str]) -> OpenAiCompatible:
    import openai

    client = openai.AsyncOpenAI(
        base_url=options["base_url"],
        api_key=options.get("api_key") or "none",
        max_retries=0,
        timeout=openai.Timeout(None, connect=CONNECT_TIMEOUT),
        organization="",
        project="",
    )
    _ = client.models  # imported on first use: pay here, off the loop
    first, later = (float(options.get(f"{each}_timeout", PATIENCE[each])) for each in PATIENCE)
    return OpenAiCompatible(client, options["base_url"], options.get("model", ""), (first, later))


ENGINE = OpenAiCompatibleProvider()
