"""The shape of a mind: messages in, a stream of text, tool calls and usage out."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from services.engines import Availability, EngineContext, EngineInfo


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as a model sees it: `parameters` is a JSON schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model's wish to use a tool. `arguments` is the JSON text as the model wrote it: validate before use."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a dialogue. `tool_calls` belong to the assistant; `tool_call_id` to a tool's result."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the answer, as it is written."""

    text: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one request, as the provider counted them."""

    tokens_in: int
    tokens_out: int


@dataclass(frozen=True, slots=True)
class Finish:
    """The end of the stream: `reason` is stop, length, tool_calls or content_filter; `model` is who really answered."""

    reason: str
    model: str


ModelEvent = TextDelta | ToolCall | Usage | Finish


@dataclass(frozen=True, slots=True)
class Options:
    """How to answer; `max_tokens` 0 leaves the length to the model's server.

    `first_token_timeout` and `token_timeout` are seconds to the first and between later tokens; None leaves them to the
    model's own settings.
    """

    temperature: float = 0.6
    max_tokens: int = 300
    first_token_timeout: float | None = None
    token_timeout: float | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


class LanguageModel(Protocol):
    """A provider with a model, ready to be asked."""

    info: EngineInfo

    def stream(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec] = (), options: Options = Options()
    ) -> AsyncGenerator[ModelEvent, None]:
        """Answer `messages`; a Finish is the last event. Closing the generator cancels the request at the provider.

        Raises ProviderError (also in the middle), never a library's own exception.
        """
        ...

    async def close(self) -> None:
        """Close the shared HTTP client."""
        ...


class LanguageModelProvider(Protocol):
    """What a provider module exports as `ENGINE`; importable without the provider's package."""

    info: EngineInfo

    def availability(self, context: EngineContext) -> Availability:
        """Say whether it is configured; quick, asks nobody over the network, raises nothing."""
        ...

    async def load(self, context: EngineContext) -> LanguageModel:
        """Make the model ready. Raises EngineUnavailableError with the remedy when it cannot be."""
        ...
