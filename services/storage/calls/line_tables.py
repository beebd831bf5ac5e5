"""The table of lines: each telephone line of a company with what the owner laid down for it."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.storage.columns import new_id
from services.storage.tables import Base


class LineRow(Base):
    """A line, see services.storage.calls.lines.LineRecord.

    `identity` is NULL while nobody knows which modem or account it is: NULLs never equal each other.
    """

    __tablename__ = "lines"
    __table_args__ = (UniqueConstraint("company_id", "name"), UniqueConstraint("company_id", "kind", "identity"))
    __audited__: ClassVar[str] = "lines"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    company_id: Mapped[str] = mapped_column(ForeignKey("companies.id"))
    name: Mapped[str]
    kind: Mapped[str]
    identity: Mapped[str | None]
    policy: Mapped[dict[str, Any]] = mapped_column(default=dict)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
