"""The tables of legal texts and of what people have agreed to."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.storage.columns import new_id
from services.storage.tables import Base


class LegalTextRow(Base):
    """A version of a legal text, see services.storage.content.legal.LegalText; its words never change."""

    __tablename__ = "legal_texts"
    __table_args__ = (
        UniqueConstraint("company_id", "id"),
        UniqueConstraint("company_id", "kind", "language", "version"),
    )
    __audited__: ClassVar[str] = "legal"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    company_id: Mapped[str] = mapped_column(ForeignKey("companies.id"))
    kind: Mapped[str]
    language: Mapped[str]
    version: Mapped[int]
    text: Mapped[str]
    published_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class ConsentRow(Base):
    """What somebody has agreed to, see consents.Consent; `text_id` names the words that were shown."""

    __tablename__ = "consents"
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "text_id"], ["legal_texts.company_id", "legal_texts.id"]),
        Index(None, "company_id", "contact"),
        Index(None, "company_id", "given_at", "id"),
    )
    __audited__: ClassVar[str] = "consents"
    __audit_hidden__: ClassVar[frozenset[str]] = frozenset({"contact", "evidence"})

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    company_id: Mapped[str] = mapped_column(ForeignKey("companies.id"))
    contact_kind: Mapped[str]
    contact: Mapped[str]
    kind: Mapped[str]
    text_id: Mapped[str | None]
    channel: Mapped[str]
    evidence: Mapped[str]
    given_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
