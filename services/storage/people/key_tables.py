"""The tables of API keys and of sealed secrets."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.storage.columns import new_id
from services.storage.tables import Base


class ApiKeyRow(Base):
    """A key for programs, see api_keys.StoredKey; `hash` is SHA-256 of the key, in hexadecimal."""

    __tablename__ = "api_keys"
    __table_args__ = (UniqueConstraint("hash"), Index(None, "company_id", "created_at", "id"))
    __audited__: ClassVar[str] = "api-keys"
    __audit_hidden__: ClassVar[frozenset[str]] = frozenset({"hash"})

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    company_id: Mapped[str] = mapped_column(ForeignKey("companies.id"))
    owner_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str]
    prefix: Mapped[str]
    hash: Mapped[str]
    scopes: Mapped[list[Any]]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    version: Mapped[int]


class SecretRow(Base):
    """A sealed secret: `value` is ciphertext, see services.storage.vault.sealing."""

    __tablename__ = "secrets"
    __table_args__ = (UniqueConstraint("company_id", "name"),)
    __audited__: ClassVar[str] = "secrets"
    __audit_hidden__: ClassVar[frozenset[str]] = frozenset({"value"})

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    company_id: Mapped[str] = mapped_column(ForeignKey("companies.id"))
    name: Mapped[str]
    value: Mapped[str]
    version: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
