"""The table of leases: what only one process may hold at a time."""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from services.storage.tables import Base


class LeaseRow(Base):
    """A lease, see services.storage.leases.Lease; of the installation, so without a company.

    `fence` grows with each new holder and never goes back; `until` is NULL while nobody holds it.
    """

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    fence: Mapped[int] = mapped_column(BigInteger)
    until: Mapped[datetime | None]
