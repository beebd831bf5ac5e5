"""The table of usage: what each company has used of what costs, by day."""

from sqlalchemy import BigInteger, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.storage.columns import new_id
from services.storage.tables import Base


class UsageCountRow(Base):
    """How much of `kind` ("calls", "texts", ...) a company has used on `day`, an ISO date in UTC.

    `owner_id` is the user on whose behalf, "" where there was none.
    """

    __tablename__ = "usage_counts"
    __table_args__ = (UniqueConstraint("company_id", "day", "kind", "owner_id"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    company_id: Mapped[str] = mapped_column(ForeignKey("companies.id"))
    day: Mapped[str]
    kind: Mapped[str]
    owner_id: Mapped[str] = mapped_column(default="")
    count: Mapped[int] = mapped_column(BigInteger)
