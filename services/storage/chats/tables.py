"""The tables of text chats."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.storage.columns import new_id
from services.storage.tables import Base


class ChatRow(Base):
    """A user's chat with the secretary, see services.storage.chats.chats.Chat.

    `state` is the secretary's memory after the last answer and `state_before` before it, for an answer given anew.
    `answering_until` is set while one is being written. These and `last_at` change with every message and are no edit:
    they are written past the ORM, so that neither the version nor the audit grows with them.
    """

    __tablename__ = "chats"
    __table_args__ = (
        UniqueConstraint("company_id", "id"),
        Index(None, "company_id", "last_at"),
        Index(None, "company_id", "owner_id", "last_at"),
    )
    __audited__: ClassVar[str] = "chats"
    __audit_hidden__: ClassVar[frozenset[str]] = frozenset({"system_prompt", "state", "state_before"})

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    company_id: Mapped[str] = mapped_column(ForeignKey("companies.id"))
    owner_id: Mapped[str]
    title: Mapped[str]
    system_prompt: Mapped[str]
    persona: Mapped[str]
    state: Mapped[dict[str, Any]]
    state_before: Mapped[dict[str, Any]]
    version: Mapped[int]
    answering_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    last_at: Mapped[datetime]


class ChatMessageRow(Base):
    """A message of a chat; `number` counts from 1 within it."""

    __tablename__ = "chat_messages"
    __table_args__ = (
        UniqueConstraint("company_id", "chat_id", "number"),
        ForeignKeyConstraint(["company_id", "chat_id"], ["chats.company_id", "chats.id"]),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    company_id: Mapped[str] = mapped_column(ForeignKey("companies.id"))
    chat_id: Mapped[str]
    number: Mapped[int]
    role: Mapped[str]
    text: Mapped[str]
    source: Mapped[str]
    model: Mapped[str]
    tokens_in: Mapped[int]
    tokens_out: Mapped[int]
    cut: Mapped[bool]
    created_at: Mapped[datetime]
