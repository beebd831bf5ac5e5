"""Text chats as the API shows them."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.calls.shapes import PRINTED

_LINES = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
"""Text of several lines: no control characters but the tab and the ends of lines."""

Title = Annotated[str, Field(max_length=200, pattern=rf"^{PRINTED}*$", examples=["Spring menu"])]
Prompt = Annotated[
    str, Field(max_length=8000, pattern=_LINES, examples=["You help to write the menu. Answer in short lists."])
]
Slug = Annotated[str, Field(max_length=64, pattern=rf"^{PRINTED}*$", examples=["anna"])]


class ChatRequest(BaseModel):
    """A chat to begin; `persona` "" is the one that answers in the company's language.

    `system_prompt` says who the secretary is in this chat, in place of the persona's own character.
    """

    model_config = ConfigDict(extra="forbid")

    title: Title = ""
    system_prompt: Prompt = ""
    persona: Slug = ""


class ChatChanges(BaseModel):
    """What to change of a chat; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    title: Title | None = None
    system_prompt: Prompt | None = None
    persona: Annotated[Slug, Field(min_length=1)] | None = None


class ChatShown(BaseModel):
    """A chat."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    owner_id: str
    title: str
    system_prompt: str
    persona: str
    version: int
    created_at: datetime
    last_at: datetime


class MessageRequest(BaseModel):
    """What the user says."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(min_length=1, max_length=16_000, pattern=_LINES, examples=["When are you open?"])]


class MessageShown(BaseModel):
    """A message; `source` is where an answer came from, `cut` tells one that was stopped before its end."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    number: int
    role: Literal["user", "assistant"]
    text: str
    created_at: datetime
    source: str
    model: str
    tokens_in: int
    tokens_out: int
    cut: bool


class UsageShown(BaseModel):
    """The tokens of an answer: the provider's, or with `counted` words and marks where no provider was asked."""

    tokens_in: int
    tokens_out: int
    counted: bool


class DoneShown(BaseModel):
    """The end of an answer; `message` is null when nothing was said."""

    message: MessageShown | None
    usage: UsageShown
    model: str
    source: str


class Stopped(BaseModel):
    """Whether there was an answer to be stopped."""

    stopped: bool
