"""The tables of signing in: sessions, links that are good once, second factors."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.storage.columns import new_id
from services.storage.tables import Base


class SessionRow(Base):
    """A sign-in that lasts, see services.storage.people.sessions.SessionRecord.

    Its refresh token has two halves: one that stays (`family_hash` finds the row) and one that each use replaces;
    `previous_hash` is of the half before. SHA-256 will do: the halves are random.
    """

    __tablename__ = "sessions"
    __table_args__ = (
        UniqueConstraint("family_hash"),
        Index(None, "company_id", "user_id", "created_at"),
        Index(None, "expires_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    company_id: Mapped[str] = mapped_column(ForeignKey("companies.id"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    family_hash: Mapped[str]
    refresh_hash: Mapped[str]
    previous_hash: Mapped[str] = mapped_column(default="")
    rotated_at: Mapped[datetime]
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    address: Mapped[str] = mapped_column(default="")
    user_agent: Mapped[str] = mapped_column(default="")
    revoked_at: Mapped[datetime | None]


class InvitationRow(Base):
    """A link that is good once, see services.storage.people.invitations.InvitationRecord; it goes when it was used.

    `kind` is "setup" (makes the first owner), "invitation" (makes a user) or "reset" (a new password for `user_id`).
    """

    __tablename__ = "invitations"
    __table_args__ = (UniqueConstraint("token_hash"), Index(None, "company_id", "created_at"))
    __audited__: ClassVar[str] = "invitations"
    __audit_hidden__: ClassVar[frozenset[str]] = frozenset({"token_hash"})

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    company_id: Mapped[str] = mapped_column(ForeignKey("companies.id"))
    kind: Mapped[str]
    token_hash: Mapped[str]
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    username: Mapped[str] = mapped_column(default="")
    email: Mapped[str] = mapped_column(default="")
    role: Mapped[str] = mapped_column(default="")
    invited_by: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class SecondFactorRow(Base):
    """A user's second factor in force; its seed lies with the secrets (services.storage.vault.secrets).

    `last_step` is the time step (RFC 6238) of the last code that was accepted, which is good no more.
    """

    __tablename__ = "second_factors"
    __table_args__ = (UniqueConstraint("company_id", "user_id"),)
    __audited__: ClassVar[str] = "second-factors"
    __audit_hidden__: ClassVar[frozenset[str]] = frozenset({"recovery_hashes"})
    __audit_ignored__: ClassVar[frozenset[str]] = frozenset({"last_step"})

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)
    company_id: Mapped[str] = mapped_column(ForeignKey("companies.id"))
    confirmed_at: Mapped[datetime]
    last_step: Mapped[int] = mapped_column(default=0)
    recovery_hashes: Mapped[list[Any]] = mapped_column(default=list)
