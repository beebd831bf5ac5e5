"""What the chats' repository hands out, and how rows become it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

from services.domain import CompanyProfile, Persona
from services.storage.chats.tables import ChatMessageRow, ChatRow

Role = Literal["user", "assistant"]


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat; `persona` is the slug of who answers, `version` grows with each change of title, prompt or persona."""

    id: str
    owner_id: str
    title: str
    system_prompt: str
    persona: str
    version: int
    created_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message; `number` counts within the chat.

    `source` is where an answer came from (faq, model, scripted...), "" for the user's own; `cut` tells an answer that
    was stopped or whose reader had gone before its end.
    """

    id: str
    number: int
    role: Role
    text: str
    created_at: datetime
    source: str = ""
    model: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    cut: bool = False


@dataclass(frozen=True, slots=True)
class ChatThread:
    """All that an answer needs, read at one moment; `messages` are the newest, oldest first.

    `busy` tells that an answer is being written, by whichever process; `faq_revision` is the company's (see FaqSource).
    """

    chat: Chat
    company: CompanyProfile
    persona: Persona
    messages: tuple[ChatMessage, ...]
    state: Mapping[str, Any]
    state_before: Mapping[str, Any]
    busy: bool
    faq_revision: str


def chat_record(row: ChatRow) -> Chat:
    """Return the chat of a stored row."""
    return Chat(
        row.id, row.owner_id, row.title, row.system_prompt, row.persona, row.version, row.created_at, row.last_at
    )


def message_record(row: ChatMessageRow) -> ChatMessage:
    """Return the message of a stored row."""
    return ChatMessage(
        row.id,
        row.number,
        cast(Role, row.role),
        row.text,
        row.created_at,
        row.source,
        row.model,
        row.tokens_in,
        row.tokens_out,
        row.cut,
    )
