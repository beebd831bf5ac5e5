"""What POST /v1/chat/completions takes. Fields that are not named here are ignored, as OpenAI does."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, field_validator

from api.openai.errors import ApiError
from services.llm.protocol import Message, ToolCall, ToolSpec

_LONG = 1_000_000


class Part(BaseModel):
    """A part of a message; only text is understood."""

    type: Annotated[str, Field(max_length=64, examples=["text"])]
    text: Annotated[str | None, Field(max_length=_LONG)] = None
    refusal: Annotated[str | None, Field(max_length=_LONG)] = None


class FunctionCall(BaseModel):
    """A function that the model wishes to call; `arguments` is JSON text."""

    name: Annotated[str, Field(max_length=64)]
    arguments: Annotated[str, Field(max_length=_LONG)] = "{}"


class CallOfTool(BaseModel):
    """A wish of the model, as it stands in an earlier answer."""

    id: Annotated[str, Field(max_length=200)]
    type: Literal["function"] = "function"
    function: FunctionCall


class MessageIn(BaseModel):
    """One message of the conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Annotated[str, Field(max_length=_LONG)] | Annotated[list[Part], Field(max_length=100)] | None = None
    tool_calls: Annotated[list[CallOfTool] | None, Field(max_length=128)] = None
    tool_call_id: Annotated[str | None, Field(max_length=200)] = None

    def text(self, place: int) -> str:
        """Return the message's text. Raises ApiError for a part that is not text."""
        if not isinstance(self.content, list):
            return self.content or ""
        pieces = []
        for number, part in enumerate(self.content):
            piece = {"text": part.text, "input_text": part.text, "refusal": part.refusal}.get(part.type)
            if piece is None:
                raise ApiError(
                    400,
                    f"A part of type {part.type!r} cannot be read here: send text.",
                    param=f"messages[{place}].content[{number}]",
                    code="unsupported_content",
                )
            pieces.append(piece)
        return "".join(pieces)

    def for_model(self, place: int) -> Message:
        """Return the message as a language model is given it."""
        calls = tuple(ToolCall(each.id, each.function.name, each.function.arguments) for each in self.tool_calls or ())
        role: Literal["system", "user", "assistant", "tool"] = "system" if self.role == "developer" else self.role
        return Message(role, self.text(place), calls, self.tool_call_id or "")


class FunctionSpec(BaseModel):
    """A function that the model may call; `parameters` is a JSON schema."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$", examples=["find_order"])]
    description: Annotated[str | None, Field(max_length=20_000)] = None
    parameters: dict[str, Any] | None = None


class Tool(BaseModel):
    """A tool; only functions are known."""

    type: Literal["function"]
    function: FunctionSpec

    def spec(self) -> ToolSpec:
        """Return it as a language model is given it."""
        empty = {"type": "object", "properties": {}}
        return ToolSpec(self.function.name, self.function.description or "", self.function.parameters or empty)


class StreamOptions(BaseModel):
    """What else a stream shall hold."""

    include_usage: bool | None = None


class ResponseFormat(BaseModel):
    """The form of the answer: text, or JSON from a language model that can."""

    type: Literal["text", "json_object", "json_schema"] = "text"
    json_schema: dict[str, Any] | None = None


class CompletionRequest(BaseModel):
    """A conversation, and how to answer it."""

    model: Annotated[str, Field(min_length=1, max_length=200, examples=["secretary"])]
    messages: Annotated[
        list[MessageIn],
        Field(min_length=1, max_length=2000, examples=[[{"role": "user", "content": "When are you open?"}]]),
    ]
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    tools: Annotated[list[Tool] | None, Field(max_length=128)] = None
    tool_choice: Literal["none", "auto", "required"] | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    temperature: Annotated[float | None, Field(ge=0, le=2)] = None
    top_p: Annotated[float | None, Field(ge=0, le=1)] = None
    max_tokens: Annotated[int | None, Field(ge=1, le=1_000_000)] = None
    max_completion_tokens: Annotated[int | None, Field(ge=1, le=1_000_000)] = None
    stop: Annotated[str, Field(max_length=1000)] | Annotated[list[str], Field(max_length=16)] | None = None
    n: Annotated[int | None, Field(description="1: one answer to a request")] = None
    presence_penalty: Annotated[float | None, Field(ge=-2, le=2)] = None
    frequency_penalty: Annotated[float | None, Field(ge=-2, le=2)] = None
    seed: Annotated[int | None, Field(ge=-(2**63), lt=2**63)] = None
    response_format: ResponseFormat | None = None

    @field_validator("n")
    @classmethod
    def _one(cls, value: int | None) -> int | None:
        if value not in (None, 1):
            raise ValueError("one answer is given to a request: leave it out, or send 1")
        return value

    @property
    def stops(self) -> tuple[str, ...]:
        """The stop sequences."""
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())

    @property
    def longest(self) -> int | None:
        """How many tokens the answer may have, None where nothing is said."""
        return self.max_completion_tokens or self.max_tokens

    @property
    def wants_json(self) -> bool:
        """True where the answer shall be JSON."""
        return self.response_format is not None and self.response_format.type != "text"

    def extra(self) -> dict[str, Any]:
        """Return what goes to the model's server as it is."""
        names = ["top_p", "presence_penalty", "frequency_penalty", "seed"]
        if self.tools:
            names += ["tool_choice", "parallel_tool_calls"]
        given = {name: value for name in names if (value := getattr(self, name)) is not None}
        if self.stops:
            given["stop"] = list(self.stops)
        if self.wants_json and self.response_format is not None:
            given["response_format"] = self.response_format.model_dump(exclude_none=True)
        return given
