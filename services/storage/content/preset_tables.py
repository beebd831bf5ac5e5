"""The table of presets: named ways to use the language model and the voices."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.storage.columns import new_id
from services.storage.tables import Base


class PresetRow(Base):
    """A preset, see services.storage.content.presets.Preset; `is_default` marks the active one of its kind."""

    __tablename__ = "presets"
    __table_args__ = (UniqueConstraint("company_id", "kind", "slug"),)
    __audited__: ClassVar[str] = "presets"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    company_id: Mapped[str] = mapped_column(ForeignKey("companies.id"))
    kind: Mapped[str]
    slug: Mapped[str]
    name: Mapped[str]
    values: Mapped[dict[str, Any]]
    is_default: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
