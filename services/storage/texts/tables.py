"""The tables of text messages: a message as people see it, and the parts in which it travels."""

from datetime import datetime

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.storage.columns import new_id
from services.storage.tables import Base


class TextMessageRow(Base):
    """A text message, see services.storage.texts.records.TextMessage.

    Its conversation is named, not referenced: a message is kept even when its conversation is deleted.
    """

    __tablename__ = "text_messages"
    __table_args__ = (
        UniqueConstraint("company_id", "id"),
        Index(None, "company_id", "line", "status", "next_try_at"),
        Index(None, "company_id", "number", "created_at"),
        Index(None, "company_id", "created_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    company_id: Mapped[str] = mapped_column(ForeignKey("companies.id"))
    line: Mapped[str]
    conversation_id: Mapped[str | None]
    direction: Mapped[str]
    number: Mapped[str]
    text: Mapped[str]
    kind: Mapped[str] = mapped_column(default="text")
    status: Mapped[str]
    error: Mapped[str] = mapped_column(default="")
    attempts: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime | None]
    purpose: Mapped[str] = mapped_column(default="")
    reply_to: Mapped[str] = mapped_column(default="")
    answered: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]


class TextPartRow(Base):
    """One PDU. `fingerprint` makes the same PDU on one line be stored once, however often it is read.

    `message_id` is NULL while a received part waits for the others of its message; `doubts` counts the attempts at
    sending whose outcome nobody knows, `refusals` those that failed for a reason of their own.
    """

    __tablename__ = "text_parts"
    __table_args__ = (
        UniqueConstraint("company_id", "line", "fingerprint"),
        ForeignKeyConstraint(["company_id", "message_id"], ["text_messages.company_id", "text_messages.id"]),
        Index(None, "company_id", "message_id"),
        Index(None, "company_id", "line", "tried_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    company_id: Mapped[str] = mapped_column(ForeignKey("companies.id"))
    line: Mapped[str]
    message_id: Mapped[str | None]
    direction: Mapped[str]
    fingerprint: Mapped[str]
    number: Mapped[str]
    reference: Mapped[int | None]
    total: Mapped[int] = mapped_column(default=1)
    sequence: Mapped[int] = mapped_column(default=1)
    text: Mapped[str] = mapped_column(default="")
    pdu: Mapped[str]
    octets: Mapped[int] = mapped_column(default=0)
    status: Mapped[str]
    mr: Mapped[int | None]
    attempts: Mapped[int] = mapped_column(default=0)
    doubts: Mapped[int] = mapped_column(default=0)
    refusals: Mapped[int] = mapped_column(default=0)
    tried_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
