"""The table of users: who may sign in."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text, true
from sqlalchemy.orm import Mapped, mapped_column

from services.storage.columns import new_id
from services.storage.tables import Base


class UserRow(Base):
    """A person who may sign in, see services.storage.people.users.UserRecord.

    Names are one for the whole installation, as a sign-in names no company; `company_id` is the user's home. `role` is
    a services.accounts.roles.Role. `version` grows with each change that an administrator or the user makes.
    """

    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("username"), Index(None, "company_id", "username"))
    __audited__: ClassVar[str] = "users"
    __audit_hidden__: ClassVar[frozenset[str]] = frozenset({"password_hash"})
    __audit_ignored__: ClassVar[frozenset[str]] = frozenset({"last_sign_in_at", "version"})

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    company_id: Mapped[str] = mapped_column(ForeignKey("companies.id"))
    username: Mapped[str]
    password_hash: Mapped[str]
    role: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True, server_default=true())
    display_name: Mapped[str] = mapped_column(default="", server_default=text("''"))
    email: Mapped[str] = mapped_column(default="", server_default=text("''"))
    language: Mapped[str] = mapped_column(default="", server_default=text("''"))
    last_sign_in_at: Mapped[datetime | None]
    version: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
