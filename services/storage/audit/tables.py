"""The tables of the audit log: its chain of entries, its head, and where it was cut.

The migration that makes them adds triggers, which refuse every change of an entry but the erasing of its details, and
its deletion unless an anchor was written first. A later migration must not rebuild `audit_log`: its triggers would go.
"""

from datetime import datetime

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from services.storage.tables import Base


class AuditRow(Base):
    """An entry, see services.storage.audit.log.AuditEntry; nobody refers to it, and it refers to nobody.

    What it tells of may be gone: a company, a user. `company_id` is "" where none is meant (a failed sign-in). `detail`
    is the canonical JSON that `digest` was made of, with `salt`; both are NULL once they were erased.
    """

    __tablename__ = "audit_log"
    __table_args__ = (
        Index(None, "company_id", "seq"),
        Index(None, "company_id", "resource", "resource_id", "seq"),
        Index(None, "at"),
    )

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    company_id: Mapped[str]
    actor_kind: Mapped[str]
    actor_id: Mapped[str]
    actor_name: Mapped[str]
    address: Mapped[str]
    request_id: Mapped[str]
    action: Mapped[str]
    resource: Mapped[str]
    resource_id: Mapped[str]
    detail: Mapped[str | None]
    salt: Mapped[str | None]
    digest: Mapped[str] = mapped_column(server_default=text("''"))
    previous: Mapped[str]
    hash: Mapped[str]


class AuditHeadRow(Base):
    """The newest entry, in the one row there is: without it nobody would see that the newest entries were removed."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int]
    hash: Mapped[str]


class AuditAnchorRow(Base):
    """Where the oldest part was cut off: the newest entry that went, of which the oldest one left is the next."""

    __tablename__ = "audit_anchors"

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hash: Mapped[str]
    at: Mapped[datetime]
