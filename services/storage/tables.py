"""The tables. Every business row carries `company_id`, and references between rows carry it too.

A reference such as (company_id, call_id) -> calls(company_id, id) makes the database itself refuse a row of one company
that points at a row of another.
"""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, ForeignKey, ForeignKeyConstraint, Index, MetaData, UniqueConstraint, text, true
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from services.storage.columns import PlainText, UtcDateTime, new_id


class Base(DeclarativeBase):
    """Every constraint has a name, so that a later migration can change it on any database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads this plain class attribute
        str: PlainText,
        datetime: UtcDateTime,
        dict[str, Any]: JSON,
        list[Any]: JSON,
    }


class CompanyRow(Base):
    """A company; `faq_revision` counts the changes of its FAQ, 0 when it never had an entry.

    `plan` names its limits (services.accounts.limits), `settings` is what else is laid down for it.
    """

    __tablename__ = "companies"
    __audited__: ClassVar[str] = "companies"
    __audit_ignored__: ClassVar[frozenset[str]] = frozenset({"faq_revision"})

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    language: Mapped[str]
    time_zone: Mapped[str]
    facts: Mapped[dict[str, Any]]
    faq_revision: Mapped[int] = mapped_column(default=0)
    plan: Mapped[str] = mapped_column(default="standard", server_default="standard")
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    active: Mapped[bool] = mapped_column(default=True, server_default=true())
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime | None]


class PersonaRow(Base):
    """A persona, see services.domain.Persona; `is_default` marks the one that answers in its language."""

    __tablename__ = "personas"
    __table_args__ = (UniqueConstraint("company_id", "slug"),)
    __audited__: ClassVar[str] = "personas"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    company_id: Mapped[str] = mapped_column(ForeignKey("companies.id"))
    slug: Mapped[str]
    name: Mapped[str]
    language: Mapped[str]
    gender: Mapped[str]
    greeting: Mapped[str]
    character: Mapped[str]
    rules: Mapped[str]
    voice: Mapped[str]
    temperature: Mapped[float]
    max_tokens: Mapped[int]
    version: Mapped[int]
    fillers: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    is_default: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class FaqEntryRow(Base):
    """A question with its answer, see services.domain.FaqEntry."""

    __tablename__ = "faq_entries"
    __table_args__ = (Index(None, "company_id", "created_at"),)
    __audited__: ClassVar[str] = "faq"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    company_id: Mapped[str] = mapped_column(ForeignKey("companies.id"))
    question: Mapped[str]
    answer: Mapped[str]
    alternatives: Mapped[list[Any]]
    language: Mapped[str]
    enabled: Mapped[bool]
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class ConversationRow(Base):
    """A thread with one contact on one channel.

    `contact_number` is NULL when withheld: NULLs never equal each other, so such contacts never share a thread.
    """

    __tablename__ = "conversations"
    __table_args__ = (
        UniqueConstraint("company_id", "id"),
        UniqueConstraint("company_id", "channel", "contact_number"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    company_id: Mapped[str] = mapped_column(ForeignKey("companies.id"))
    channel: Mapped[str]
    contact_number: Mapped[str | None]
    language: Mapped[str]
    persona_slug: Mapped[str]
    state: Mapped[dict[str, Any]]
    started_at: Mapped[datetime]
    last_at: Mapped[datetime]


class CallRow(Base):
    """A call, as its events tell it; `outcome` is "" and `ended_at` NULL while it is going on."""

    __tablename__ = "calls"
    __table_args__ = (
        UniqueConstraint("company_id", "id"),
        ForeignKeyConstraint(["company_id", "conversation_id"], ["conversations.company_id", "conversations.id"]),
        Index(None, "company_id", "started_at", "id"),
        Index(None, "company_id", "number", "started_at"),
        Index(None, "ended_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    company_id: Mapped[str] = mapped_column(ForeignKey("companies.id"))
    conversation_id: Mapped[str | None]
    channel: Mapped[str]
    line: Mapped[str]
    direction: Mapped[str]
    number: Mapped[str]
    language: Mapped[str]
    persona: Mapped[str]
    started_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    seconds: Mapped[float] = mapped_column(default=0.0)
    outcome: Mapped[str] = mapped_column(default="")
    end_reason: Mapped[str] = mapped_column(default="")
    purpose: Mapped[str] = mapped_column(default="", server_default=text("''"))
    recording_path: Mapped[str] = mapped_column(default="")
    stats: Mapped[dict[str, Any]] = mapped_column(default=dict)


class CallEventRow(Base):
    """One event of a call, append-only, see services.events."""

    __tablename__ = "call_events"
    __table_args__ = (
        UniqueConstraint("call_id", "sequence"),
        ForeignKeyConstraint(["company_id", "call_id"], ["calls.company_id", "calls.id"]),
        Index(None, "company_id", "call_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    company_id: Mapped[str] = mapped_column(ForeignKey("companies.id"))
    call_id: Mapped[str]
    sequence: Mapped[int]
    at_ms: Mapped[int]
    type: Mapped[str]
    data: Mapped[dict[str, Any]]
    recorded_at: Mapped[datetime]


class TurnRow(Base):
    """One turn, see services.domain.Turn; without a call when it was written in a text channel."""

    __tablename__ = "turns"
    __table_args__ = (
        UniqueConstraint("call_id", "index"),
        ForeignKeyConstraint(["company_id", "conversation_id"], ["conversations.company_id", "conversations.id"]),
        ForeignKeyConstraint(["company_id", "call_id"], ["calls.company_id", "calls.id"]),
        Index(None, "company_id", "conversation_id", "created_at"),
        Index(None, "company_id", "call_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    company_id: Mapped[str] = mapped_column(ForeignKey("companies.id"))
    conversation_id: Mapped[str | None]
    call_id: Mapped[str | None]
    index: Mapped[int]
    role: Mapped[str]
    intended: Mapped[str]
    heard: Mapped[str]
    language: Mapped[str]
    start: Mapped[float]
    end: Mapped[float]
    source: Mapped[str]
    detail: Mapped[str]
    score: Mapped[float | None]
    confidence: Mapped[float | None]
    words: Mapped[list[Any]]
    persona: Mapped[str]
    persona_version: Mapped[int]
    model: Mapped[str]
    tools: Mapped[list[Any]]
    tokens_in: Mapped[int]
    tokens_out: Mapped[int]
    stages: Mapped[dict[str, Any]]
    playout: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    interrupted_by: Mapped[str]
    created_at: Mapped[datetime]


class MessageRow(Base):
    """A taken message, see services.domain.TakenMessage; `status` is "new" or "seen".

    Its call and conversation are named, not referenced: a message is kept even when they were never stored or are
    deleted by the retention rules.
    """

    __tablename__ = "messages"
    __table_args__ = (Index(None, "company_id", "created_at"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    company_id: Mapped[str] = mapped_column(ForeignKey("companies.id"))
    conversation_id: Mapped[str]
    call_id: Mapped[str]
    language: Mapped[str]
    name: Mapped[str]
    number: Mapped[str]
    matter: Mapped[str]
    confirmed: Mapped[bool]
    spans: Mapped[list[Any]]
    audio_path: Mapped[str]
    status: Mapped[str]
    created_at: Mapped[datetime]
