"""The table of idempotency keys: what was asked for once, and what was answered."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from services.storage.tables import Base


class IdempotencyRow(Base):
    """A request with an Idempotency-Key; `status` is NULL until it is answered.

    `id` is a hash of who asked and the key. `claim` is of the one request that may answer; `fingerprint` is of what was
    asked.
    """

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index(None, "company_id", "created_at"), Index(None, "created_at"))

    id: Mapped[str] = mapped_column(primary_key=True)
    company_id: Mapped[str] = mapped_column(ForeignKey("companies.id"))
    fingerprint: Mapped[str]
    claim: Mapped[str]
    created_at: Mapped[datetime]
    leased_until: Mapped[datetime]
    status: Mapped[int | None]
    media_type: Mapped[str]
    location: Mapped[str]
    body: Mapped[bytes]
