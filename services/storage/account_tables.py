"""The table of users: who may sign in."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.storage.columns import new_id
from services.storage.tables import Base


class UserRow(Base):
    """A person who may sign in, see services.storage.users.UserRecord.

    Names are one for the whole installation, as a sign-in names no company; `company_id` is the user's home. `role` is
    a services.accounts.roles.Role. `version` grows with each change of what a token vouches for.
    """

    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("username"), Index(None, "company_id", "username"))

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    company_id: Mapped[str] = mapped_column(ForeignKey("companies.id"))
    username: Mapped[str]
    password_hash: Mapped[str]
    role: Mapped[str]
    version: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
