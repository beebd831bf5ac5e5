"""Chat completions as they lie on the wire: the request's body, and the chunks of a streamed answer.

The client library would check the one and build the other from pydantic models: 5 ms of a request with a history of 24
messages, 0.1 ms of each chunk. What is needed of a chunk is five fields, read here from the JSON itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.llm.protocol import Message, Options, ToolCall, ToolSpec, Usage


class NotAChunkError(ValueError):
    """What came is JSON, but no chunk of a chat completion."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one chunk adds to the answer; "" and () where it says nothing of it."""

    model: str
    text: str
    reason: str
    calls: tuple[Mapping[str, Any], ...]
    usage: Usage | None

    @property
    def speaks(self) -> bool:
        """Whether there is something of an answer in it."""
        return bool(self.text or self.calls)


def read_chunk(data: object) -> Chunk:
    """Read a chunk, of the first choice only; servers leave out what they have nothing for, or say null.

    Raises NotAChunkError.
    """
    if not isinstance(data, dict) or not isinstance(choices := data.get("choices"), list):
        raise NotAChunkError
    choice = _mapping(choices[0]) if choices else {}
    delta = _mapping(choice.get("delta"))
    calls = delta.get("tool_calls")
    return Chunk(
        _text(data.get("model")),
        _text(delta.get("content")),
        _text(choice.get("finish_reason")),
        tuple(each for each in calls if isinstance(each, dict)) if isinstance(calls, list) else (),
        _usage(_mapping(data.get("usage"))),
    )


class PartialCall:
    """A tool call while its deltas come: name and id once, arguments in pieces."""

    def __init__(self) -> None:
        self._id = ""
        self._name = ""
        self._arguments: list[str] = []

    def add(self, delta: Mapping[str, Any]) -> None:
        """Take the next delta."""
        self._id = _text(delta.get("id")) or self._id
        function = _mapping(delta.get("function"))
        self._name = _text(function.get("name")) or self._name
        self._arguments.append(_text(function.get("arguments")))

    def whole(self, index: int) -> ToolCall:
        """Return the call; one without an id is named after its place."""
        return ToolCall(self._id or f"call_{index}", self._name, "".join(self._arguments) or "{}")


def index_of(delta: Mapping[str, Any]) -> int:
    """Return which call of the answer a delta belongs to; servers that make one call at a time do not say."""
    index = delta.get("index")
    return index if isinstance(index, int) else 0


def request_body(
    model: str, messages: Sequence[Message], tools: Sequence[ToolSpec], options: Options
) -> dict[str, Any]:
    """Return the body of a streamed request; the options' `extra` goes before what the house says itself."""
    body: dict[str, Any] = {
        "model": model,
        "messages": [_wire(each) for each in messages],
        "temperature": options.temperature,
        "stream": True,
    }
    if options.max_tokens:
        body["max_tokens"] = options.max_tokens
    if tools:
        body["tools"] = [
            {"type": "function", "function": {"name": t.name, "description": t.description, "parameters": t.parameters}}
            for t in tools
        ]
    return body | dict(options.extra)


def _wire(message: Message) -> dict[str, Any]:
    body: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        body["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    if message.role == "tool":
        body["tool_call_id"] = message.tool_call_id
    return body


def _usage(told: Mapping[str, Any]) -> Usage | None:
    tokens_in, tokens_out = told.get("prompt_tokens"), told.get("completion_tokens")
    if not told:
        return None
    return Usage(tokens_in if isinstance(tokens_in, int) else 0, tokens_out if isinstance(tokens_out, int) else 0)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
